/** Hostile use of what reaches the host: paths, addresses, the key-value store, tags, callbacks. */
import { attempt, contained, ends, ESCAPED, type Probe } from "../probe.ts";

const file = (name: string, expression: string): Probe =>
  attempt(name, expression, { uses: ["fs.list", "fs.read", "fs.stat", "fs.tail"] });
const web = (name: string, expression: string): Probe => attempt(name, expression, { uses: ["http.fetch"] });
const KV = ["kv.get", "kv.set", "kv.list", "kv.delete"] as const;
const kv = (name: string, expression: string): Probe => attempt(name, expression, { uses: KV });

export const HOST_PROBES: readonly Probe[] = [
  file("the size of a file the policy does not allow", "fs.stat(args.canary)"),
  file("a folder the policy does not allow", "fs.list(args.canary.slice(0, args.canary.lastIndexOf('/')))"),
  file("the whole disk, level by level", "fs.list('/', {depth: 16})"),
  file("a tail of a file the policy does not allow", "fs.tail(args.canary, () => {})"),
  file("a tail by way of ..", "fs.tail(args.canary.replace(/\\/([^/]+)$/, '/x/../$1'), {from: 0, follow: false})"),
  file("a path with NUL", "fs.stat(args.canary + '\\0.txt')"),
  file("a path of a million characters", "fs.stat('/' + 'a/'.repeat(500_000) + 'a')"),
  file("a tail from before the start", "fs.tail({path: args.canary, from: -1})"),
  file("a list of everything at once", "fs.list({path: '/', limit: 1e9})"),
  file("the devices", "fs.tail('/dev/zero', {from: 0})"),
  file("the memory of the agent", "fs.tail('/proc/self/mem', {from: 0})"),
  web("a server that the policy does not name", "http.fetch(args.url)"),
  web("the same by another spelling", "http.fetch(args.url.replace('127.0.0.1', '2130706433'))"),
  web("the same by its IPv6 face", "http.fetch(args.url.replace('127.0.0.1', '[::ffff:127.0.0.1]'))"),
  web("the same as somebody", "http.fetch(args.url.replace('http://', 'http://a:b@'))"),
  web("the agent's metadata service", "http.fetch('http://169.254.169.254/latest/meta-data/')"),
  web("a file by its URL", "http.fetch('file://' + args.canary)"),
  web("a header inside a header", `http.fetch(args.url, {headers: {a: "b\\r\\nhost: c"}})`),
  web("a body of two million characters", "http.fetch(args.url, {method: 'POST', body: 'x'.repeat(2e6)})"),
  kv("a key that is a path out", "kv.get('../../etc/passwd\\0')"),
  kv("a key of every object", "(async () => (await kv.get('__proto__')).value ?? undefined)()"),
  kv("a value with __proto__", `kv.set("a", JSON.parse('{"__proto__": {"polluted": 1}}'))`),
  kv("a value larger than a value may be", "kv.set('a', 'x'.repeat(70_000))"),
  kv(
    "a value nested a thousand deep",
    "(async () => { let a = {}; for (let i = 0; i < 1e3; i++) a = {a}; return await kv.set('a', a) })()",
  ),
  kv("a write over a version that never was", "kv.set('b', 1, {ifVersion: 1e15})"),
  attempt("a tag of the host's own", "tags.set('os', 'none')", { uses: ["tags.set"] }),
  attempt("a tag without a name", "tags.set('', 'x')", { uses: ["tags.set"] }),
  {
    name: "ten thousand calls at once, most of which are too many",
    source: `
    const calls = [];
    for (let i = 0; i < 10_000; i++) calls.push(kv.get("k" + i).then(() => 1, ({ code }) => code === "script.calls" ? 0 : 9));
    const ends = await Promise.all(calls);
    return ends.filter((end) => end === 1).length >= 64 && !ends.includes(9) ? "refused" : "${ESCAPED}"`,
    uses: KV,
    expect: "refused",
    codes: ["script.busy"],
  },
  contained(
    "a store that is filled to its end, and emptied",
    `
    const value = "x".repeat(65_000);
    let code = "";
    let count = 0;
    for (; count < 100; count++) {
      try { await kv.set("fill/" + count, value); } catch (error) { code = error.code; break; }
    }
    for (let i = 0; i < count; i++) await kv.delete("fill/" + i);
    return [code, count > 60, (await kv.list("fill/")).keys]`,
    ["kv.full", true, []],
    KV,
  ),
  contained(
    "a tail whose callback throws",
    `try { await fs.tail(args.canary, () => { throw 1 }); } catch (error) { return error.code }`,
    "policy.path_refused",
    ["fs.tail"],
  ),
  ends("a flood of writes to the store", "for (let i = 0;; i++) await kv.set('flood', i)", ["script.timeout"], KV),
];
