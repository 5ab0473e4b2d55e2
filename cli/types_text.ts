/**
 * The declarations of what a script sees, from the commands' table: `jabber types > jabber.d.ts`. Each way a command may
 * be called is a signature of its own: by position, by position with the rest as an object, all as one object; where a
 * command says something while it runs, a callback comes last (docs/scripts.md, "Calling commands").
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { Command } from "../commands/command.ts";
import { type CommandSchema, describeCommand, schemaToType } from "../commands/schema.ts";

const HEAD = `/**
 * What a script of Jabberwocky sees, besides the language itself. Written by \`jabber types\`.
 *
 * A script is the body of an async function in the sandbox: no DOM, no Node, no Deno. In an editor, lay this file beside
 * the scripts, with a tsconfig.json (or jsconfig.json) that names the language alone:
 *   {"compilerOptions": {"lib": ["ES2023"], "types": [], "checkJs": true, "noEmit": true}, "include": ["."]}
 */

/** What a call rejects with. */
interface CommandError extends Error {
  code: string;
  next?: string;
  data?: unknown;
}

/** What a command answers that has no result of its own. */
interface CommandOutcome {
  ok: boolean;
  exitCode?: number;
  signal?: string;
}
`;

const PRINT = `
/** One line to the run's log, in order; objects are written as JSON. Only with log.info in \`uses\`. */
declare const print: (...parts: unknown[]) => void;

/** The same. */
declare const console: { readonly log: typeof print };
`;

/** A script's own view: its arguments and the commands it names. */
export interface ScriptView {
  args: JsonObject;
  uses: readonly string[];
}

/** @param view absent: everything there is, with arguments of any kind */
export function typesText(commands: readonly Command[], view?: ScriptView): string {
  const seen = commands.filter(({ key }) => view === undefined || view.uses.includes(key)).map(describeCommand)
    .sort((a, b) => a.key < b.key ? -1 : 1);
  const tree: Tree = { children: new Map() };
  for (const command of seen) plant(tree, command.key.split("."), command);
  const categories = [...tree.children].map(([name, node]) => `\ndeclare const ${name}: ${objectType(node, "")};\n`);
  const mayPrint = seen.some(({ key }) => key === "log.info");
  return HEAD + argsText(view) + (mayPrint ? PRINT : "") + seen.map(namedTypes).join("") + categories.join("");
}

function argsText(view: ScriptView | undefined): string {
  const any = "\n/** The run's arguments, frozen. `jabber types SCRIPT` gives them their types. */\n" +
    "declare const args: Readonly<Record<string, any>>;\n";
  if (view === undefined) return any;
  return `\n/** The run's arguments, frozen. */\ndeclare const args: Readonly<${schemaToType(filledIn(view.args))}>;\n`;
}

/** A script gets what has a default even when nobody gave it. */
function filledIn(schema: JsonObject): JsonObject {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const given = Array.isArray(schema["required"]) ? schema["required"] : [];
  const named = Object.entries(properties).filter(([name, property]) =>
    given.includes(name) || isJsonObject(property) && "default" in property
  );
  return { type: "object", properties, required: named.map(([name]) => name) };
}

/** What a command says and answers, as types with names that scripts may use too. */
function namedTypes({ key, output, result }: CommandSchema): string {
  const named = (name: "Item" | "Result", schema: JsonObject, about: string) =>
    `\n/** ${about} \`${key}\`. */\ntype ${typeName(key, name)} =${unionText(schema)};\n`;
  return (saysNothing(output) ? "" : named("Item", output, "What a callback gets from")) +
    (result === undefined ? "" : named("Result", result, "The answer of"));
}

function saysNothing(output: JsonObject): boolean {
  return "not" in output;
}

/** `fs.read` and "Result" are `FsReadResult`. */
function typeName(key: string, what: "Item" | "Result"): string {
  return key.split(".").map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join("") + what;
}

/** What comes from outside in any shape may be used without a cast: most scripts are JavaScript. */
function looseType(schema: Json): string {
  return schemaToType(schema).replace(/(?<=[:<,|] ?)unknown\b(?!\??:)/g, "any");
}

/** Every member may be looked for in every form of a union: it is undefined where the form has none. */
function unionText(schema: JsonObject): string {
  const forms = Array.isArray(schema["anyOf"]) ? schema["anyOf"] : [schema];
  if (forms.length === 1) return ` ${looseType(schema)}`;
  const keysOf = (form: Json) => isJsonObject(form) && isJsonObject(form["properties"]) ? form["properties"] : {};
  const all = new Set(forms.flatMap((form) => Object.keys(keysOf(form))));
  const texts = forms.map((form) => {
    const missing = [...all].filter((key) => !Object.hasOwn(keysOf(form), key));
    return looseType(form).replace(/\}$/, `${missing.map((key) => `, ${key}?: undefined`).join("")}}`);
  });
  return texts.map((text) => `\n  | ${text}`).join("");
}

interface Tree {
  children: Map<string, Tree>;
  command?: CommandSchema;
}

function plant(tree: Tree, path: readonly string[], command: CommandSchema): void {
  const [name, ...rest] = path;
  if (name === undefined) {
    tree.command = command;
    return;
  }
  const child = tree.children.get(name) ?? { children: new Map() };
  tree.children.set(name, child);
  plant(child, rest, command);
}

function objectType({ children }: Tree, indent: string): string {
  const inner = `${indent}  `;
  const members = [...children].map(([name, child]) =>
    child.command === undefined
      ? `${inner}readonly ${name}: ${objectType(child, inner)};\n`
      : methods(name, child.command, inner)
  );
  return `{\n${members.join("")}${indent}}`;
}

interface Parameter {
  name: string;
  type: string;
  required: boolean;
  about: string;
}

function methods(name: string, command: CommandSchema, indent: string): string {
  const all = parametersOf(command.input);
  const answer = command.result === undefined ? "CommandOutcome" : typeName(command.key, "Result");
  const lines = signatures(command, all).map((list) => `${indent}${name}(${list}): Promise<${answer}>;\n`);
  return docText(command, all, indent) + lines.join(`${indent}/** As above, called another way. */\n`);
}

function parametersOf(input: JsonObject): Parameter[] {
  const properties = isJsonObject(input["properties"]) ? input["properties"] : {};
  const required = Array.isArray(input["required"]) ? input["required"] : [];
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: schemaToType(property),
    required: required.includes(name),
    about: aboutOf(property),
  }));
}

function aboutOf(property: Json): string {
  if (!isJsonObject(property)) return "";
  const { description, default: fallback } = property;
  const left = "default" in property ? ` (default ${JSON.stringify(fallback)})` : "";
  return `${typeof description === "string" ? description : ""}${left}`;
}

/** The parameter lists, the most common way first. */
function signatures({ key, positional, output }: CommandSchema, all: readonly Parameter[]): string[] {
  const each = saysNothing(output) ? [] : [`each?: (item: ${typeName(key, "Item")}) => unknown`];
  const placed = positional.flatMap((name) => all.find((parameter) => parameter.name === name) ?? []);
  const least = placed.findLastIndex(({ required }) => required) + 1;
  const lists: string[][] = [];
  if (each.length === 0) lists.push(placed.map((one) => parameterText(one, one.required)));
  // A callback comes right behind what was given, so each number of arguments is a list of its own.
  else for (let count = placed.length; count >= least; count--) lists.push(given(placed.slice(0, count)));
  for (let count = placed.length; count > 0; count--) {
    const rest = all.filter((parameter) => !placed.slice(0, count).includes(parameter));
    if (rest.length > 0) lists.push([...given(placed.slice(0, count)), `rest: ${inputType(rest)}`]);
  }
  if (placed.length === 0 ? all.length > 0 : all.length > 1) lists.push([`input: ${inputType(all)}`]);
  return lists.map((list) => [...list, ...each].join(", "));
}

function given(parameters: readonly Parameter[]): string[] {
  return parameters.map((one) => one.required ? parameterText(one, true) : `${one.name}: ${one.type} | undefined`);
}

function parameterText({ name, type }: Parameter, required: boolean): string {
  return `${name}${required ? "" : "?"}: ${type}`;
}

function inputType(parameters: readonly Parameter[]): string {
  return `{ ${parameters.map((one) => parameterText(one, one.required)).join("; ")} }`;
}

function docText({ summary, access }: CommandSchema, all: readonly Parameter[], indent: string): string {
  const lines = [
    `${summary}. Access ${access}.`,
    ...all.filter(({ about }) => about !== "").map(({ name, about }) => `@param ${name} ${about}`),
  ];
  if (lines.length === 1) return `${indent}/** ${commentText(lines[0]!)} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${commentText(line)}\n`).join("")}${indent} */\n`;
}

/** Text of a description must not end the comment it stands in. */
function commentText(text: string): string {
  return text.replaceAll("*/", "*\\/").replace(/\s+/g, " ");
}
