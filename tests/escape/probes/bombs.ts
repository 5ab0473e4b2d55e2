/** Scripts that want all the time, memory or stack there is. */
import { contained, ends, type Probe } from "../probe.ts";

const BUSY = ["script.busy"] as const;
// On a slow machine the time is over before the memory or the stack is.
const MEMORY = ["script.memory", "script.busy"] as const;
const STACK = ["script.stack", "script.busy"] as const;
/** Some limits meet first here, others there; that one of them does is what counts. */
const ANY = ["script.busy", "script.memory", "script.stack", "script.threw"] as const;

export const BOMB_PROBES: readonly Probe[] = [
  ends("an endless loop", "for (;;);", BUSY),
  ends(
    "an endless loop that catches everything",
    "for (;;) { try { for (;;); } catch {} finally { for (;;); } }",
    BUSY,
  ),
  ends(
    "an endless loop in an async function that another one catches",
    `
    const spin = async () => { for (;;); };
    for (;;) { try { await spin() } catch {} }`,
    BUSY,
  ),
  ends("microtasks without end", "for (;;) await 0", BUSY),
  ends("promises that make promises", "const f = () => Promise.resolve().then(f); await f()", MEMORY),
  ends(
    "a thousand promises that each make two",
    `
    const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); await new Promise(() => {})`,
    ["script.busy", "script.memory"],
  ),
  ends("a generator without end", "function* g() { for (;;) yield 1 } for (const x of g());", BUSY),
  ends("an async generator without end", "async function* g() { for (;;) yield 1 } for await (const x of g());", BUSY),
  ends("an iterator helper without end", "Iterator.from({next: () => ({value: 1})}).filter(() => false).next()", BUSY),
  ends("recursion", "const f = () => f() + 1; return f()", STACK),
  ends("recursion through toString", "const o = {toString() { return `${this}`}}; return `${o}`", STACK),
  ends("recursion through a Proxy", "const p = new Proxy({}, {get: (t, k, r) => r[k]}); return p.x", STACK),
  ends("recursion through a getter", "const o = {get a() { return this.a }}; return o.a", STACK),
  ends("recursion through sort", "const f = () => [3, 2, 1].sort(f).length; return f()", STACK),
  ends("recursion through replace", "const f = () => 'a'.replace(/a/, f); return f()", STACK),
  ends("recursion through a constructor", "class A { constructor() { new A() } } new A()", STACK),
  ends("recursion that is caught and tried again", "const f = () => { try { f() } finally { f() } }; f()", ANY),
  ends("brackets a hundred thousand deep, evaluated", "eval('['.repeat(1e5))", STACK),
  ends("brackets a million deep, parsed as JSON", "JSON.parse('['.repeat(1e6))", STACK),
  ends(
    "lists a hundred thousand deep, as JSON",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
    STACK,
  ),
  ends("groups a hundred thousand deep in a pattern", "new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5))", [
    ...STACK,
    "script.threw",
  ]),
  ends("a list that grows", "const a = []; for (;;) a.push(new Array(1000).fill(1))", MEMORY),
  ends("a string that grows", "let s = 'x'; for (;;) s += s", ANY),
  ends("many strings", "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)", MEMORY),
  ends("buffers", "const a = []; for (;;) a.push(new Uint8Array(1e6))", MEMORY),
  ends("one buffer of a gigabyte", "return new ArrayBuffer(2 ** 30).byteLength", MEMORY),
  ends("a shared buffer of a gigabyte", "return new SharedArrayBuffer(2 ** 30).byteLength", [
    ...MEMORY,
    "script.threw",
  ]),
  ends("a map that grows", "const m = new Map(); for (let i = 0;; i++) m.set(i, [i])", MEMORY),
  ends("closures", "let f = () => 1; for (;;) { const g = f; f = () => g }", MEMORY),
  ends("symbols and keys", "const o = {}; for (let i = 0;; i++) o['k' + i] = Symbol(i)", MEMORY),
  ends(
    "memory that is given up and asked for again",
    `
    for (;;) { try { const a = []; for (;;) a.push(new Array(1000).fill(1)) } catch {} }`,
    // Whether there is room left to catch in hangs on what was allocated before.
    [...BUSY, "script.memory"],
  ),
  ends("functions made from text", "for (let i = 0;; i++) new Function('return ' + 'x+'.repeat(1e4) + i)", [
    ...BUSY,
    "script.memory",
  ]),
  ends("a pattern that backtracks", "return /(a+)+$/.test('a'.repeat(40) + 'b')", BUSY),
  ends(
    "a pattern that backtracks with a back-reference",
    String.raw`return /^(a+)+\1$/.test('a'.repeat(40) + 'b')`,
    BUSY,
  ),
  ends("a pattern that backtracks behind a look-ahead", "return /(?=(a+)+$)a*b/.test('a'.repeat(40) + 'c')", BUSY),
  ends("a split by a pattern that backtracks", "return ('a'.repeat(40) + 'b').split(/(?:a|aa)+$/)", BUSY),
  ends("indexOf over 2^53 places", "return Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)", BUSY),
  ends("lastIndexOf over 2^53 places", "return Array.prototype.lastIndexOf.call({length: 2 ** 53 - 1}, 1)", BUSY),
  ends("reverse of 2^53 places", "return Array.prototype.reverse.call({length: 2 ** 53 - 1})", ANY),
  ends("join of a billion places", "return new Array(1e9).join('x').length", ANY),
  ends("sort of four billion places", "return new Array(4e9 - 1).sort().length", ANY),
  ends("fill of a billion places", "return Array(1e9).fill(0).length", ANY),
  ends("Array.from of a billion", "return Array.from({length: 1e9}).length", ANY),
  ends("spread of a billion", "return Math.max(...new Array(1e9))", ANY),
  ends("apply with a billion arguments", "return Math.max.apply(null, {length: 1e9})", ANY),
  ends(
    "a search that compares everything with everything",
    "return 'x'.repeat(1e7).indexOf('x'.repeat(5e6) + 'y')",
    BUSY,
  ),
  ends("a replacement that multiplies", "let s = 'x'.repeat(1000); for (;;) s = s.replaceAll('x', 'xxxx')", ANY),
  ends("padStart to a billion", "return 'x'.padStart(2 ** 30 - 100).length", ANY),
  ends("powers of a BigInt", "let x = 3n; for (;;) x = x * x", ANY),
  ends("a BigInt as text, again and again", "const x = 3n ** 100_000n; for (;;) x.toString()", BUSY),
  ends("a comparison that never settles", "[...Array(1e5).keys()].sort(() => Math.random() - 0.5); for (;;);", BUSY),
  ends(
    "a sort whose comparison sorts",
    "const a = [...Array(300).keys()]; for (;;) a.sort(() => a.slice().sort(() => -1).length)",
    BUSY,
  ),
  ends("dates", "for (;;) new Date(8.64e15).toLocaleString() + Date.parse('x'.repeat(1e4))", BUSY),
  ends("Unicode", "for (;;) '\\u0344'.repeat(1e5).normalize('NFD')", BUSY),
  ends("errors with errors as causes", "let e; for (;;) e = new Error('x', {cause: e})", MEMORY),
  {
    ...ends("TypeScript that its parser tries in 2^60 ways", "<T>(".repeat(60) + "1" + ")".repeat(60), BUSY),
    language: "ts",
  },
  {
    ...ends("TypeScript nested two hundred thousand deep", "(".repeat(200_000), ["script.syntax", "script.busy"]),
    language: "ts",
  },
  {
    ...contained(
      "TypeScript that is only TypeScript",
      "enum Q { A = 4 }\nconst f = <T>(x: T): T => x;\nreturn f<number>(Q.A)",
      4,
    ),
    language: "ts",
  },
];
