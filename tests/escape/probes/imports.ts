/** Every kind of import: QuickJS has no module loader, so there is nothing behind any of them. */
import { attempt, type Probe } from "../probe.ts";

const SPECIFIERS: readonly string[] = [
  "file:///etc/passwd",
  "data:text/javascript,export default 1",
  "npm:yaml",
  "jsr:@std/fs",
  "node:fs",
  "node:child_process",
  "http://127.0.0.1:9/module.js",
  "https://localhost/module.js",
  "blob:null/1",
  "./main.js",
  "../../base/errors.ts",
  "/etc/passwd",
  "std",
  "os",
  "",
];

function unreadable(name: string, source: string): Probe {
  return { name, source, uses: [], expect: "refused", codes: ["script.syntax"] };
}

export const IMPORT_PROBES: readonly Probe[] = [
  ...SPECIFIERS.map((specifier) => attempt(`import("${specifier}")`, `import(${JSON.stringify(specifier)})`)),
  attempt("import() of the canary as JSON", `import("file://" + args.canary, {with: {type: "json"}})`),
  attempt("import() of the canary by its path", "import(args.canary)"),
  attempt("import() of the URL", "import(args.url)"),
  attempt("import() inside eval", `eval("import('node:fs')")`),
  attempt("import() inside new Function", `new Function("return import('node:fs')")()`),
  unreadable("a static import", `import fs from "node:fs"; return fs`),
  unreadable("a static import behind a closed body", `})\nimport fs from "node:fs";\n(async function () {`),
  unreadable("an export from", `export { readFile } from "node:fs"`),
  unreadable("import.meta", "return import.meta.url"),
];
