/**
 * React brings two builds of itself and asks `NODE_ENV` which one to be. The bundler answers by itself, "development",
 * unless it is told to make every name short, and short names are not what the build can look for. So the modules it
 * took are replaced by their twins for production, which lie beside them.
 */
import { BuildError } from "./shell.ts";

/** A CommonJS module in a bundle: the name of its function, its path, its text up to where it ends. */
const MODULE = /^var (require\w*) = __commonJS\(\{\n {2}"([^"\n]+)"\([^)\n]*\) \{\n[^]*?\n\}\);$/gm;
const FOR_DEVELOPMENT = /\/(?:react|react-reconciler|scheduler)\/[^/]+\/cjs\/[\w-]+\.development\.js$/;
/** The bundler writes each module's path above its code. */
const NAMED_FOR_DEVELOPMENT = /^(\s*\/\/ \S*\/cjs\/[\w-]+)\.development\.js$/gm;
const REQUIRE = /\brequire\("([^"\n]+)"\)/g;

/** @param read the text of a file by the path that the bundle has for it */
export function withReactForProduction(bundle: string, read: (path: string) => string): string {
  if (!bundle.includes(".development.js")) return bundle;
  const names = new Map([...bundle.matchAll(MODULE)].map(([, name = "", path = ""]) => [path, name]));
  const nameOf = (required: string): string => {
    const found = [...names].find(([path]) => path.endsWith("/index.js") && path.includes(`/${required}/`));
    if (found === undefined) throw new BuildError(`React for production needs "${required}", which is in no bundle`);
    return found[1];
  };
  const swapped = bundle.replace(MODULE, (whole: string, name: string, path: string) => {
    if (!FOR_DEVELOPMENT.test(path)) return whole;
    const twin = path.replace(/\.development\.js$/, ".production.js");
    const text = read(twin).replace(REQUIRE, (_, required: string) => `${nameOf(required)}()`);
    return `var ${name} = __commonJS({\n  "${twin}"(exports, module) {\n${text}\n  }\n});`;
  });
  const left = [...swapped.matchAll(MODULE)].find(([, , path = ""]) => path.endsWith(".development.js"));
  if (left !== undefined) throw new BuildError(`"${left[2]}" is a build for development`);
  return swapped.replace(NAMED_FOR_DEVELOPMENT, "$1.production.js");
}
