/**
 * The repository's own lint rules: the direction of imports, where the system may be touched, quiet modules, named
 * exports, short functions, a zod that can be bundled. The facts stand in `layers.ts` and `ambient.ts`; this file only walks the tree.
 */
import {
  AMBIENT_MEMBERS,
  AMBIENT_NAMES,
  BARE_IMPORTS,
  isAmbientFile,
  PURE_CRYPTO_NAMES,
  PURE_NODE_MODULES,
} from "./ambient.ts";
import { importFault, isBackstage } from "./layers.ts";

/** Lines a function may have, its head and closing brace included. */
export const FUNCTION_LINES_MAX = 70;

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** The file's path inside the repository, with forward slashes. */
function repositoryPath(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  const root = ROOT.replace(/^\/([A-Za-z]:\/)/, "$1");
  return path.startsWith(root) ? path.slice(root.length) : path.replace(/^\/+/, "");
}

type Spot = { range: [number, number] };

function same(a: Spot | null | undefined, b: Spot): boolean {
  return a !== null && a !== undefined && a.range[0] === b.range[0] && a.range[1] === b.range[1];
}

/** True when the identifier is only a name inside a type, a key or a member: not a use of the global. */
function isNameOnly(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return !parent.computed && same(parent.property, node);
    case "Property":
      return !parent.computed && same(parent.key, node) && !same(parent.value, node);
    case "MethodDefinition":
    case "PropertyDefinition":
      return !parent.computed && same(parent.key, node);
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
      return false;
    default:
      return parent.type.startsWith("TS") || parent.type === "ExportSpecifier";
  }
}

/** True when the identifier declares a name of the file's own: an import, a variable, a parameter, a function. */
function isBinding(node: Deno.lint.Identifier): boolean {
  let inner: Deno.lint.Node = node;
  let outer: Deno.lint.Node = node.parent;
  while (
    outer.type === "ObjectPattern" || outer.type === "ArrayPattern" || outer.type === "RestElement" ||
    (outer.type === "Property" && same(outer.value, inner)) ||
    (outer.type === "AssignmentPattern" && same(outer.left, inner))
  ) {
    inner = outer;
    outer = outer.parent as Deno.lint.Node;
  }
  switch (outer.type) {
    case "VariableDeclarator":
      return same(outer.id, inner);
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return outer.params.some((param) => same(param, inner)) || ("id" in outer && same(outer.id, inner));
    case "ImportSpecifier":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
      return same(outer.local, inner);
    default:
      return false;
  }
}

const ASK = "take a Clock, an Rng or the twin it needs as an argument, or name the driver in build/lint/ambient.ts";

const ambient: Deno.lint.Rule = {
  create(context) {
    const file = repositoryPath(context.filename);
    if (isBackstage(file) || isAmbientFile(file)) return {};
    const uses: Deno.lint.Identifier[] = [];
    const own = new Set<string>();
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `${what} is the system itself: only drivers touch it`, hint: ASK });
    return {
      Identifier(node) {
        if (!AMBIENT_NAMES.has(node.name) && node.name !== "globalThis") return;
        if (isBinding(node)) own.add(node.name);
        // A shorthand property is visited twice, as its key and as its value.
        else if (!isNameOnly(node) && !same(uses.at(-1), node)) uses.push(node);
      },
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
        const { object, property } = node;
        const isRow = AMBIENT_MEMBERS.some(([of, name]) => object.name === of && property.name === name);
        if (isRow) report(node, `${object.name}.${property.name}`);
      },
      NewExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
          report(node, "new Date() without an argument");
        }
      },
      CallExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date") report(node, "Date()");
      },
      ImportDeclaration(node) {
        const source = node.source.value;
        if (!source.startsWith("node:") || node.importKind === "type") return;
        if (source === "node:crypto") reportCryptoNames(node, report);
        else if (!PURE_NODE_MODULES.has(source)) report(node, `"${source}"`);
      },
      "Program:exit"() {
        for (const use of uses) if (!own.has(use.name)) report(use, use.name);
      },
    };
  },
};

function reportCryptoNames(
  node: Deno.lint.ImportDeclaration,
  report: (node: Deno.lint.Node, what: string) => void,
): void {
  for (const specifier of node.specifiers) {
    if (specifier.type !== "ImportSpecifier") report(specifier, "all of node:crypto");
    else if (specifier.importKind !== "type") {
      const name = specifier.imported.type === "Identifier" ? specifier.imported.name : specifier.imported.value;
      if (!PURE_CRYPTO_NAMES.has(name)) report(specifier, `${name} of node:crypto`);
    }
  }
}

const layers: Deno.lint.Rule = {
  create(context) {
    const file = repositoryPath(context.filename);
    const look = (node: Deno.lint.Node, specifier: string) => {
      const fault = importFault(file, specifier);
      if (fault === undefined) return;
      context.report({ node, message: fault, hint: "imports point towards base/; move the shared part down" });
    };
    return {
      ImportDeclaration: (node) => look(node, node.source.value),
      ExportAllDeclaration: (node) => look(node, node.source.value),
      ExportNamedDeclaration: (node) => {
        if (node.source) look(node, node.source.value);
      },
      ImportExpression: (node) => {
        if (node.source.type === "Literal" && typeof node.source.value === "string") look(node, node.source.value);
      },
    };
  },
};

const namedExports: Deno.lint.Rule = {
  create(context) {
    // The runtime reads a lint plugin from its default export.
    if (repositoryPath(context.filename) === "build/lint/plugin.ts") return {};
    return {
      ExportDefaultDeclaration: (node) =>
        context.report({ node, message: "a default export has no name of its own", hint: "export it by its name" }),
    };
  },
};

/** True for a file that is run, not imported: it may act at its top level. */
function isWayIn(file: string): boolean {
  return isBackstage(file) || /(?:^|\/)(?:main|worker)\.tsx?$/.test(file) || /_worker\.ts$/.test(file);
}

const quietModules: Deno.lint.Rule = {
  create(context) {
    if (isWayIn(repositoryPath(context.filename))) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `${what} acts at import time`, hint: "move it into a function that main calls" });
    return {
      Program(program) {
        for (const node of program.body) {
          if (node.type === "ExpressionStatement") report(node, "a statement at the top level");
          else if (/^(?:If|For|ForOf|ForIn|While|DoWhile|Try|Switch)Statement$/.test(node.type)) {
            report(node, "control flow at the top level");
          } else if (node.type === "ImportDeclaration" && node.specifiers.length === 0) {
            if (!BARE_IMPORTS.has(node.source.value)) report(node, `importing "${node.source.value}" for its effect`);
          }
        }
      },
      AwaitExpression(node) {
        const inFunction = context.sourceCode.getAncestors(node).some((outer) => /Function/.test(outer.type));
        if (!inFunction) report(node, "await at the top level");
      },
    };
  },
};

const functionLength: Deno.lint.Rule = {
  create(context) {
    const measure = (node: Deno.lint.Node) => {
      const lines = context.sourceCode.getText(node).split("\n").length;
      if (lines <= FUNCTION_LINES_MAX) return;
      context.report({
        node,
        message: `this function has ${lines} lines, the limit is ${FUNCTION_LINES_MAX}`,
        hint: "cut it where its parts have names",
      });
    };
    return { FunctionDeclaration: measure, FunctionExpression: measure, ArrowFunctionExpression: measure };
  },
};

const wholeZod: Deno.lint.Rule = {
  create(context) {
    if (isBackstage(repositoryPath(context.filename))) return {};
    return {
      ImportDeclaration(node) {
        if (!/^zod(?:\/mini)?$/.test(node.source.value) || node.importKind === "type") return;
        if (node.specifiers.every((specifier) => specifier.type === "ImportNamespaceSpecifier")) return;
        context.report({
          node,
          message: "the bundler cannot leave out the unused parts of this z: 9 ms and 5 MiB a thread",
          hint: `write import * as z from "${node.source.value}" (docs/decisions/0008-bundled-programs.md)`,
        });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "jabber",
  rules: {
    "ambient": ambient,
    "function-length": functionLength,
    "layers": layers,
    "named-exports": namedExports,
    "quiet-modules": quietModules,
    "whole-zod": wholeZod,
  },
};

export default plugin;
