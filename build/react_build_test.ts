import assert from "node:assert/strict";
import { withReactForProduction } from "./react_build.ts";

const module = (name: string, path: string, text: string) =>
  `var ${name} = __commonJS({\n  "../npm/${path}"(exports, module) {\n    ${text}\n  }\n});\n`;
const BUNDLE = [
  module("require_react_development", "react/19.0.0/cjs/react.development.js", "exports.slow = true;"),
  module("require__", "react/19.0.0/index.js", "module.exports = require_react_development();"),
  module("require_r", "react-reconciler/0.33.0/cjs/react-reconciler.development.js", "exports.react = require__();"),
  module("require_other", "other/1.0.0/index.js", "exports.kept = true;"),
].join("\n");
const TEXTS: Record<string, string> = {
  "../npm/react/19.0.0/cjs/react.production.js": "exports.fast = true;",
  "../npm/react-reconciler/0.33.0/cjs/react-reconciler.production.js": 'exports.react = require("react");',
};

function run(bundle: string, name: string): unknown {
  const commonJs = `const __commonJS = (all) => { const module = { exports: {} }; return () => {
    Object.values(all)[0](module.exports, module); return module.exports; }; };`;
  return new Function(`${commonJs}\n${bundle}\nreturn ${name}();`)();
}

Deno.test("modules of React for development give way to their twins, which find each other", () => {
  const swapped = withReactForProduction(BUNDLE, (path) => TEXTS[path]!);
  assert.deepEqual(run(swapped, "require__"), { fast: true });
  assert.deepEqual(run(swapped, "require_r"), { react: { fast: true } });
  assert.deepEqual(run(swapped, "require_other"), { kept: true });
  assert.doesNotMatch(swapped, /slow|\.development\.js/);
});

Deno.test("a build for development that stays ends the build, as does a twin that asks for what is not there", () => {
  const strange = module("require_x", "strange/1.0.0/cjs/strange.development.js", "exports.slow = true;");
  assert.throws(() => withReactForProduction(BUNDLE + strange, (path) => TEXTS[path]!), /strange.*for development/);
  assert.throws(() => withReactForProduction(BUNDLE, () => 'require("nobody")'), /needs "nobody"/);
});

Deno.test("a bundle without React stays as it is", () => {
  const bundle = module("require_other", "other/1.0.0/index.js", "");
  assert.equal(withReactForProduction(bundle, () => ""), bundle);
});
