/**
 * The part of the sandbox that runs inside it: QuickJS code, in the script's own realm, evaluated before the script.
 *
 * A convenience for authors, not a wall. The script shares its realm and could break every line of it; what must hold
 * (which commands, how many, how large, how long) is held outside, in bridge.ts, watch.ts and the executor.
 *
 * `(send, taken, abandon, setup) => ({ start, deliver, report })`
 *   send(call, command, argsText, stream) → "" or the text of an ErrorBody
 *   taken(call)                            the script has handled one more item
 *   abandon(call)                          nobody waits for the end of this call
 *   setup                                  JSON text of PreludeSetup
 *   start(body)                            runs the script's function; returns nothing
 *   deliver(call, kind, text)              kind "item", "done" or "failed"; text is JSON
 *   report()                               "" while the script runs, else JSON text of Report
 */
import type { JsonObject } from "../../base/json.ts";
import type { ScriptUse } from "../threads/protocol.ts";

export interface PreludeSetup {
  uses: ScriptUse[];
  args: JsonObject;
  printCharsMax: number;
  errorCharsMax: number;
}

/** What `report()` says, if the script left it alone. */
export type Report =
  | { state: "returned"; text?: string }
  | { state: "threw"; name: string; message: string; stack: string; code: string; next: string }
  /** The result is not JSON. */
  | { state: "unfit"; message: string };

export const PRELUDE_FILE = "sandbox";

export const PRELUDE = String.raw`(function (send, taken, abandon, setup) {
"use strict";
const { uses, args, printCharsMax, errorCharsMax } = JSON.parse(setup);
const { parse, stringify } = JSON;
const { create, defineProperty, freeze, getPrototypeOf, hasOwn, keys, values } = Object;
const { isArray } = Array;
const ObjectPrototype = Object.prototype;
const ErrorOf = Error;
const StringOf = String;
const PromiseOf = Promise;
const slice = Function.prototype.call.bind(String.prototype.slice);

/** Failed calls nobody has looked at, by number: such a call must not pass for a success. */
const failures = create(null);
let failureCount = 0;

/** A promise that knows whether anybody looked at it. */
class HostPromise extends PromiseOf {
  #heard = false;
  #failure = 0;
  then(resolved, rejected) {
    this.#heard = true;
    // What was heard is kept no longer: a script may go on for days and have a call fail every second.
    if (this.#failure > 0) delete failures[this.#failure];
    return super.then(resolved, rejected);
  }
  static get [Symbol.species]() { return PromiseOf; }
  static failed(promise, error) {
    if (!promise.#heard) failures[promise.#failure = ++failureCount] = error;
  }
}
const failed = HostPromise.failed;
delete HostPromise.failed;

// Lists are objects without a prototype: a script that bends Array does not bend them.
const calls = create(null);
let lastCall = 0;

const define = (target, key, value) => defineProperty(target, key, { value, enumerable: true, writable: false, configurable: false });
const isPlain = (value) => {
  if (typeof value !== "object" || value === null || isArray(value)) return false;
  const prototype = getPrototypeOf(value);
  return prototype === ObjectPrototype || prototype === null;
};

function toInput({ key, positional, names, anyJson }, given, count) {
  const input = create(null);
  const known = create(null);
  const all = names ?? positional;
  for (let i = 0; i < all.length; i++) known[all[i]] = true;
  const areNamed = (value) => {
    if (!isPlain(value)) return false;
    const its = keys(value);
    for (let i = 0; i < its.length; i++) if (!known[its[i]]) return false;
    return its.length > 0;
  };
  let byPosition = count;
  const last = given[count - 1];
  const lone = () => names === undefined ? hasOwn(last, positional[0]) : names.length > 1;
  const isValue = () => {
    for (let i = 0; anyJson !== undefined && i < anyJson.length; i++) if (anyJson[i] === positional[count - 1]) return true;
    return false;
  };
  if (positional.length === 0 ? isPlain(last) : areNamed(last) && (count > 1 ? !isValue() : lone())) {
    byPosition = count - 1;
    const its = keys(last);
    for (let i = 0; i < its.length; i++) input[its[i]] = last[its[i]];
  }
  if (byPosition > positional.length) {
    throw new TypeError(key + " takes " + positional.length + " arguments by position, " + byPosition + " were given");
  }
  for (let i = 0; i < byPosition; i++) if (given[i] !== undefined) input[positional[i]] = given[i];
  return input;
}

function settle(entry) {
  const { kind, text } = entry.end;
  delete calls[entry.call];
  if (entry.broken) return;
  if (kind === "done") {
    const { result, ...outcome } = parse(text);
    entry.resolve(result ?? outcome);
  } else fail(entry, parse(text));
}

function fail(entry, { code, message, next, data }) {
  const error = entry.error;
  const put = (key, value) => defineProperty(error, key, { value, enumerable: key !== "message", writable: true, configurable: true });
  put("message", message);
  put("code", code);
  if (next !== undefined) put("next", next);
  if (data !== undefined) put("data", data);
  reject(entry, error);
}

function reject(entry, error) {
  failed(entry.promise, error);
  entry.reject(error);
}

async function drain(entry) {
  entry.draining = true;
  while (entry.first < entry.count) {
    const text = entry.items[entry.first];
    delete entry.items[entry.first++];
    if (!entry.broken) {
      try {
        await entry.callback(parse(text));
      } catch (error) {
        entry.broken = true;
        abandon(entry.call);
        reject(entry, error);
      }
    }
    taken(entry.call);
  }
  entry.draining = false;
  if (entry.end !== undefined) settle(entry);
}

function deliver(call, kind, text) {
  const entry = calls[call];
  if (entry === undefined) return;
  if (kind === "item") {
    if (entry.callback === undefined) return;
    entry.items[entry.count++] = text;
    if (!entry.draining) drain(entry);
  } else {
    entry.end = { kind, text };
    if (!entry.draining) settle(entry);
  }
}

function request(key, input, callback) {
  const call = ++lastCall;
  const entry = { call, error: new ErrorOf(), callback, items: create(null), first: 0, count: 0, draining: false, broken: false };
  entry.promise = new HostPromise((resolve, reject) => { entry.resolve = resolve; entry.reject = reject; });
  const refused = send(call, key, stringify(input), callback !== undefined);
  if (refused === "") calls[call] = entry;
  else fail(entry, parse(refused));
  return entry.promise;
}

function command(use) {
  const name = use.key;
  return { [name](...given) {
    let count = given.length;
    let callback;
    if (count > 0 && typeof given[count - 1] === "function") callback = given[--count];
    return request(name, toInput(use, given, count), callback);
  } }[name];
}

function grant() {
  const tree = create(null);
  for (const use of uses) {
    const path = use.key.split(".");
    let node = tree;
    for (let i = 0; i < path.length - 1; i++) node = node[path[i]] ??= create(null);
    node[path[path.length - 1]] = command(use);
  }
  const seal = (node) => {
    if (typeof node === "object") for (const child of values(node)) seal(child);
    return freeze(node);
  };
  for (const name of keys(tree)) {
    if (hasOwn(globalThis, name)) throw new ErrorOf("the name " + name + " is taken");
    define(globalThis, name, seal(tree[name]));
  }
}

function toText(value) {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return StringOf(value);
  try {
    if (value instanceof ErrorOf) return value + "\n" + value.stack;
    return stringify(value) ?? StringOf(value);
  } catch { return "(an object that cannot be written)"; }
}

/** Lines leave one by one, in order, however fast the script prints them. */
function printer(use) {
  const lines = create(null);
  let first = 0, count = 0, busy = false;
  const flush = async () => {
    busy = true;
    try {
      while (first < count) {
        const text = lines[first];
        delete lines[first++];
        await request(use.key, { [use.positional[0] ?? "text"]: text });
      }
    } catch (error) {
      failures[++failureCount] = error;
    }
    busy = false;
  };
  return function print(...parts) {
    let text = "";
    for (let i = 0; i < parts.length; i++) text += (i === 0 ? "" : " ") + toText(parts[i]);
    const left = text.length - printCharsMax;
    lines[count++] = left > 0 ? slice(text, 0, printCharsMax) + "\u2026 (" + left + " characters more)" : text;
    if (!busy) flush();
  };
}

function deepFreeze(value) {
  if (typeof value !== "object" || value === null) return value;
  for (const item of values(value)) deepFreeze(item);
  return freeze(value);
}

function describe(error) {
  const found = { __proto__: null, state: "threw", name: "", message: "", stack: "", code: "", next: "" };
  const cut = (value) => slice(value, 0, errorCharsMax);
  if (typeof error === "object" && error !== null) {
    for (const key in found) {
      try {
        const value = key === "state" ? undefined : error[key];
        if (typeof value === "string") found[key] = cut(value);
      } catch { /* a getter that throws tells nothing */ }
    }
  } else found.message = cut(StringOf(error));
  return found;
}

let over = false;
let ended;

function report() {
  if (!over) return "";
  let end = ended;
  if (end.ok) {
    for (const number in failures) { end = { ok: false, value: failures[number] }; break; }
  }
  if (!end.ok) return stringify(describe(end.value));
  try {
    const text = stringify(end.value);
    if (text === undefined && end.value !== undefined) throw new TypeError("a " + typeof end.value + " is not JSON");
    return stringify({ state: "returned", text });
  } catch (error) {
    return stringify({ state: "unfit", message: describe(error).message });
  }
}

async function start(body) {
  try {
    const value = await body();
    ended = { ok: true, value };
  } catch (value) {
    ended = { ok: false, value };
  }
  over = true;
}

grant();
define(globalThis, "args", deepFreeze(args));
for (const use of uses) {
  if (use.key !== "log.info") continue;
  const print = freeze(printer(use));
  define(globalThis, "print", print);
  define(globalThis, "console", freeze({ log: print }));
}
return { start, deliver, report };
})`;
