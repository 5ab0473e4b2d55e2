/** What every implementation of the store contract (base/store.ts) must do. */
import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import type { Store, StoreOp } from "../../base/store.ts";

/** Opens an empty store and says how to take it away again. */
export type OpenStore = () => Promise<{ store: Store; dispose(): Promise<void> }>;

interface Case {
  name: string;
  run(store: Store): Promise<void>;
}

const ALL = { lines: 1000, bytes: 1 << 20 };

/** Registers one test per case for the implementation called `subject`. */
export function testStoreContract(subject: string, open: OpenStore): void {
  for (const { name, run } of [...ROW_CASES, ...STREAM_CASES, ...COMMIT_CASES]) {
    Deno.test(`${subject} ${name}`, async () => {
      const { store, dispose } = await open();
      try {
        await run(store);
      } finally {
        await store.close();
        await dispose();
      }
    });
  }
}

function put(key: string, n = 0, table = "t"): StoreOp {
  return { op: "put", table, key, row: { n } };
}

function append(stream: string, first: number, ...lines: string[]): StoreOp {
  return { op: "append", stream, first, lines };
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `line ${from + i}`);
}

async function texts(store: Store, stream: string, from = 0): Promise<string[]> {
  const { lines } = await store.read(stream, from, ALL);
  return lines.map(({ offset, text }) => `${offset}:${text}`);
}

async function keys(store: Store, query: Partial<Parameters<Store["rows"]>[1]> = {}): Promise<string[]> {
  return (await store.rows("t", { limit: 1000, ...query })).map(({ key }) => key);
}

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof JabberError && error.code === code;
}

const ROW_CASES: readonly Case[] = [
  {
    name: "commit() writes many rows at once, in their order: the later of two with one key stays",
    async run(store) {
      const many = Array.from({ length: 53 }, (_, i) => put(`k${String(i % 40).padStart(2, "0")}`, i));
      await store.commit([...many, { op: "delete", table: "t", key: "k39" }, put("k38", 99), put("u", 1, "other")]);
      const rows = await store.rows("t", { limit: 100 });
      assert.equal(rows.length, 39);
      const expected = (i: number) => i === 38 ? 99 : i < 13 ? i + 40 : i;
      assert.deepEqual(rows.map(({ row }) => row["n"]), rows.map((_, i) => expected(i)));
      assert.deepEqual(await store.row("other", "u"), { n: 1 });
    },
  },
  {
    name: "row() gives what was put, and nothing after delete",
    async run(store) {
      const row = { a: [1, null, { b: "é😀\0" }], "__proto__x": true };
      await store.commit([{ op: "put", table: "t", key: "k", row }]);
      assert.deepEqual(await store.row("t", "k"), row);
      assert.equal(await store.row("other", "k"), undefined);
      await store.commit([put("k", 2)]);
      assert.deepEqual(await store.row("t", "k"), { n: 2 });
      await store.commit([{ op: "delete", table: "t", key: "k" }, { op: "delete", table: "t", key: "never" }]);
      assert.equal(await store.row("t", "k"), undefined);
    },
  },
  {
    name: "commit() keeps its own copy of a row",
    async run(store) {
      const row = { list: [1] };
      const done = store.commit([{ op: "put", table: "t", key: "k", row }]);
      row.list.push(2);
      await done;
      assert.deepEqual(await store.row("t", "k"), { list: [1] });
    },
  },
  {
    name: "rows() pages by prefix, after, before, reverse and limit",
    async run(store) {
      await store.commit([put("a/1"), put("a/2"), put("a/3"), put("b/1"), put("a"), put("z", 0, "other")]);
      assert.deepEqual(await keys(store), ["a", "a/1", "a/2", "a/3", "b/1"]);
      assert.deepEqual(await keys(store, { prefix: "a/" }), ["a/1", "a/2", "a/3"]);
      assert.deepEqual(await keys(store, { prefix: "a/", after: "a/1" }), ["a/2", "a/3"]);
      assert.deepEqual(await keys(store, { prefix: "a/", before: "a/3" }), ["a/1", "a/2"]);
      assert.deepEqual(await keys(store, { prefix: "a/", reverse: true, limit: 2 }), ["a/3", "a/2"]);
      assert.deepEqual(await keys(store, { after: "a", before: "b", limit: 2 }), ["a/1", "a/2"]);
      assert.deepEqual(await keys(store, { prefix: "b", after: "a/2" }), ["b/1"]);
      assert.deepEqual(await keys(store, { prefix: "a/", before: "b/1" }), ["a/1", "a/2", "a/3"]);
      assert.deepEqual(await keys(store, { prefix: "c" }), []);
      assert.deepEqual(await keys(store, { limit: 0 }), []);
      assert.deepEqual(await store.rows("none", { limit: 5 }), []);
    },
  },
  {
    name: "rows() orders and finds any key by its code units",
    async run(store) {
      const odd = [
        ...["", "\0", "\0\0", "\x01", "\x01\x01", "\x02", "%", "%25", "_", "'", '"', "*", "[a]", "a\0", "a\0b", "a"],
        ...["a\x01", "a\n", "é", "\ud7ff", "😀", "😁", "\ud83d", "\udfff", "\ue000", "\uffff", "\uffff\uffff"],
        ...["\u{f0000}", "\u{10ffff}", "ａ"],
      ];
      await store.commit(odd.map((key, i) => put(key, i)));
      const sorted = [...odd].sort();
      assert.deepEqual(await keys(store), sorted);
      assert.deepEqual(await keys(store, { reverse: true }), sorted.toReversed());
      for (const key of odd) {
        assert.deepEqual(await store.row("t", key), { n: odd.indexOf(key) });
        assert.deepEqual(await keys(store, { after: key }), sorted.filter((other) => other > key));
        assert.deepEqual(await keys(store, { before: key }), sorted.filter((other) => other < key));
        assert.deepEqual(await keys(store, { prefix: key }), sorted.filter((other) => other.startsWith(key)));
      }
    },
  },
];

const STREAM_CASES: readonly Case[] = [
  {
    name: "append is idempotent, also in parts",
    async run(store) {
      assert.deepEqual(await store.commit([append("s", 0, "a", "b", "c")]), { conflicts: [] });
      assert.deepEqual(await store.commit([append("s", 0, "a", "b", "c")]), { conflicts: [] });
      assert.deepEqual(await store.commit([append("s", 1, "b"), append("s", 2, "c", "d")]), { conflicts: [] });
      assert.deepEqual(await texts(store, "s"), ["0:a", "1:b", "2:c", "3:d"]);
      assert.deepEqual(await store.extent("s"), { stream: "s", ranges: [{ from: 0, to: 4 }], bytes: 4, end: 4 });
    },
  },
  {
    name: "append of other content is a conflict that leaves out that op and nothing else",
    async run(store) {
      await store.commit([append("s", 0, "a", "b", "c")]);
      const result = await store.commit([
        put("before"),
        append("s", 2, "c", "d"),
        append("s", 1, "b", "X", "Y", "e"),
        append("s", 4, "e"),
        append("u", 0, "u"),
        put("after"),
      ]);
      assert.deepEqual(result, { conflicts: [{ stream: "s", offset: 2 }] });
      assert.deepEqual(await texts(store, "s"), ["0:a", "1:b", "2:c", "3:d", "4:e"]);
      assert.deepEqual(await texts(store, "u"), ["0:u"]);
      assert.deepEqual(await keys(store), ["after", "before"]);
    },
  },
  {
    name: "append across a hole fills it, unless the far side differs",
    async run(store) {
      await store.commit([append("s", 0, "0", "1"), append("s", 4, "4", "5")]);
      const held = { stream: "s", ranges: [{ from: 0, to: 2 }, { from: 4, to: 6 }], bytes: 4, end: 6 };
      assert.deepEqual(await store.extent("s"), held);
      assert.deepEqual(await store.commit([append("s", 1, "1", "2", "3", "4", "X")]), {
        conflicts: [{ stream: "s", offset: 5 }],
      });
      assert.deepEqual(await store.extent("s"), held);
      assert.deepEqual(await store.commit([append("s", 1, "1", "2", "3", "4", "5", "6")]), { conflicts: [] });
      assert.deepEqual(await texts(store, "s"), ["0:0", "1:1", "2:2", "3:3", "4:4", "5:5", "6:6"]);
      assert.deepEqual((await store.extent("s"))?.ranges, [{ from: 0, to: 7 }]);
    },
  },
  {
    name: "a stream may start anywhere and hold empty, long and foreign lines",
    async run(store) {
      const far = Number.MAX_SAFE_INTEGER - 3;
      const lines = ["", "é😀\t\r\u2028", "x".repeat(300_000)];
      await store.commit([append("s", far, ...lines)]);
      assert.deepEqual((await store.read("s", 0, ALL)).lines.map(({ text }) => text), lines);
      const bytes = 2 + 4 + 2 + 3 + 300_000;
      assert.deepEqual(await store.extent("s"), {
        stream: "s",
        ranges: [{ from: far, to: far + 3 }],
        bytes,
        end: far + 3,
      });
      await store.commit([append("t", 0), append("e", 0, "")]);
      assert.equal(await store.extent("t"), undefined);
      assert.deepEqual(await texts(store, "e"), ["0:"]);
      assert.deepEqual(await store.extent("e"), { stream: "e", ranges: [{ from: 0, to: 1 }], bytes: 0, end: 1 });
    },
  },
  {
    name: "read() pages by lines and by bytes, over holes and frames",
    async run(store) {
      await store.commit([append("s", 0, ...numbered(0, 5))]);
      await store.commit([append("s", 5, ...numbered(5, 8)), append("s", 20, ...numbered(20, 22))]);
      const offsets = async (from: number, max: { lines: number; bytes: number }) => {
        const slice = await store.read("s", from, max);
        return [...slice.lines.map(({ offset }) => offset), `next ${slice.next}`];
      };
      assert.deepEqual(await offsets(0, { lines: 3, bytes: 1000 }), [0, 1, 2, "next 3"]);
      assert.deepEqual(await offsets(3, { lines: 4, bytes: 1000 }), [3, 4, 5, 6, "next 7"]);
      assert.deepEqual(await offsets(7, { lines: 9, bytes: 1000 }), [7, 20, 21, "next 22"]);
      assert.deepEqual(await offsets(8, { lines: 1, bytes: 1000 }), [20, "next 21"]);
      assert.deepEqual(await offsets(22, { lines: 1, bytes: 1000 }), ["next 22"]);
      assert.deepEqual(await offsets(99, { lines: 1, bytes: 1000 }), ["next 99"]);
      // Each of the first lines has 6 bytes.
      assert.deepEqual(await offsets(0, { lines: 9, bytes: 17 }), [0, 1, "next 2"]);
      assert.deepEqual(await offsets(0, { lines: 9, bytes: 36 }), [0, 1, 2, 3, 4, 5, "next 6"]);
      assert.deepEqual(await offsets(4, { lines: 9, bytes: 1 }), [4, "next 5"]);
      assert.deepEqual(await store.read("unknown", 7, ALL), { lines: [], next: 7 });
    },
  },
  {
    name: "read() walks a long stream of small frames to its end",
    async run(store) {
      const ops = Array.from({ length: 300 }, (_, i) => append("s", i, `${i}`));
      await store.commit(ops);
      assert.equal((await store.read("s", 0, ALL)).lines.length, 300);
      assert.equal((await store.read("s", 130, ALL)).lines[0]?.text, "130");
    },
  },
  {
    name: "trim forgets what lies below, also within a frame, and remembers the end",
    async run(store) {
      await store.commit([append("s", 0, ...numbered(0, 5)), append("s", 5, ...numbered(5, 10))]);
      await store.commit([{ op: "trim", stream: "s", below: 0 }, { op: "trim", stream: "none", below: 3 }]);
      assert.equal((await texts(store, "s")).length, 10);
      await store.commit([{ op: "trim", stream: "s", below: 7 }]);
      assert.deepEqual(await texts(store, "s"), ["7:line 7", "8:line 8", "9:line 9"]);
      assert.deepEqual(await store.extent("s"), { stream: "s", ranges: [{ from: 7, to: 10 }], bytes: 18, end: 10 });
      await store.commit([{ op: "trim", stream: "s", below: 99 }]);
      assert.deepEqual(await store.extent("s"), { stream: "s", ranges: [], bytes: 0, end: 10 });
      await store.commit([append("s", 10, "ten")]);
      assert.deepEqual(await store.extent("s"), { stream: "s", ranges: [{ from: 10, to: 11 }], bytes: 3, end: 11 });
      assert.equal(await store.extent("none"), undefined);
    },
  },
  {
    name: "trimmed offsets are a hole like any other",
    async run(store) {
      await store.commit([append("s", 0, "a", "b", "c"), { op: "trim", stream: "s", below: 2 }]);
      assert.deepEqual(await store.commit([append("s", 0, "A", "B", "c")]), { conflicts: [] });
      assert.deepEqual(await texts(store, "s"), ["0:A", "1:B", "2:c"]);
    },
  },
  {
    name: "a stream keeps its end when older offsets come later",
    async run(store) {
      await store.commit([append("s", 8, "8")]);
      await store.commit([append("s", 2, "2", "3")]);
      const ranges = [{ from: 2, to: 4 }, { from: 8, to: 9 }];
      assert.deepEqual(await store.extent("s"), { stream: "s", ranges, bytes: 3, end: 9 });
      await store.commit([{ op: "trim", stream: "s", below: 9 }, append("s", 0, "0")]);
      assert.deepEqual(await store.extent("s"), { stream: "s", ranges: [{ from: 0, to: 1 }], bytes: 1, end: 9 });
    },
  },
  {
    name: "append begins no stream of an owner that has as many as the append says, and goes on in those there are",
    async run(store) {
      const limited = (stream: string, first: number): StoreOp => ({
        op: "append",
        stream,
        first,
        lines: [`line ${first}`],
        streamsMax: 2,
      });
      const { conflicts } = await store.commit([limited("a/1", 0), limited("a/2", 0), limited("a/3", 0), put("k")]);
      assert.deepEqual(conflicts, [{ stream: "a/3", offset: 0, tooMany: true }]);
      assert.equal(await store.extent("a/3"), undefined);
      assert.deepEqual(await keys(store), ["k"]);
      assert.deepEqual(await store.commit([limited("a/2", 1), limited("b/1", 0), limited("ab/1", 0)]), {
        conflicts: [],
      });
      assert.deepEqual(await store.commit([{ op: "drop", stream: "a/1" }, limited("a/3", 0)]), { conflicts: [] });
      assert.equal((await store.commit([limited("a/1", 0)])).conflicts.length, 1);
    },
  },
  {
    name: "drop forgets a stream, and a new one may take its name",
    async run(store) {
      await store.commit([append("s", 0, "a"), append("keep", 0, "k")]);
      await store.commit([{ op: "drop", stream: "s" }, { op: "drop", stream: "none" }]);
      assert.equal(await store.extent("s"), undefined);
      assert.deepEqual(await store.read("s", 0, ALL), { lines: [], next: 0 });
      await store.commit([append("s", 5, "new"), { op: "drop", stream: "s" }, append("s", 7, "newer")]);
      assert.deepEqual(await texts(store, "s"), ["7:newer"]);
      assert.deepEqual(await texts(store, "keep"), ["0:k"]);
    },
  },
  {
    name: "extents() lists streams by prefix, by name",
    async run(store) {
      for (const name of ["b", "a/2", "a/1", "a%", "a\0", "a\ue000", "a😀"]) await store.commit([append(name, 0, "x")]);
      const names = async (prefix: string) => (await store.extents(prefix)).map(({ stream }) => stream);
      assert.deepEqual(await names("a/"), ["a/1", "a/2"]);
      assert.deepEqual(await names("a%"), ["a%"]);
      assert.deepEqual(await names(""), ["a\0", "a%", "a/1", "a/2", "a😀", "a\ue000", "b"]);
      assert.deepEqual((await store.extents("a", 2)).map(({ stream }) => stream), ["a\0", "a%"]);
      assert.deepEqual(await store.extents("c"), []);
      const [extent] = await store.extents("b");
      assert.deepEqual(extent, await store.extent("b"));
    },
  },
];

const COMMIT_CASES: readonly Case[] = [
  {
    name: "commit() takes effect in call order, seen by every later read",
    async run(store) {
      const commits = Array.from({ length: 50 }, (_, i) => store.commit([put("k", i), append("s", i, `${i}`)]));
      const row = store.row("t", "k");
      const slice = store.read("s", 0, ALL);
      assert.deepEqual(await row, { n: 49 });
      assert.equal((await slice).lines.length, 50);
      await Promise.all(commits);
    },
  },
  {
    name: "commit() applies its ops in order",
    async run(store) {
      await store.commit([put("k", 1), { op: "delete", table: "t", key: "k" }, put("l", 1), put("l", 2)]);
      assert.deepEqual(await store.rows("t", { limit: 9 }), [{ key: "l", row: { n: 2 } }]);
    },
  },
  {
    name: "commit() refuses a bad op whole, and its neighbours do not notice",
    async run(store) {
      const bad: StoreOp[] = [
        append("s", 0, "two\nlines"),
        append("s", 0, "nul\0"),
        append("s", 0, "lone \ud800"),
        append("s", -1, "x"),
        append("s", 0.5, "x"),
        append("s", Number.MAX_SAFE_INTEGER, "x"),
        { op: "trim", stream: "s", below: Number.NaN },
      ];
      for (const op of bad) {
        const outcomes = await Promise.allSettled([
          store.commit([put("left")]),
          store.commit([put("never"), append("s", 0, "fine"), op]),
          store.commit([put("right")]),
        ]);
        assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
        assert.ok(outcomes[1]?.status === "rejected" && coded("internal")(outcomes[1].reason));
      }
      assert.deepEqual(await keys(store), ["left", "right"]);
      assert.equal(await store.extent("s"), undefined);
    },
  },
  {
    name: "commit() of nothing resolves",
    async run(store) {
      assert.deepEqual(await store.commit([]), { conflicts: [] });
    },
  },
  {
    name: "commit() takes many ops and many bytes at once",
    async run(store) {
      const line = "é".repeat(500);
      const lines = Array.from({ length: 5000 }, (_, i) => `${i} ${line}`);
      const rows = Array.from({ length: 5000 }, (_, i) => put(String(i).padStart(5, "0"), i));
      await store.commit([append("s", 0, ...lines), ...rows]);
      assert.deepEqual(await store.commit([append("s", 0, ...lines)]), { conflicts: [] });
      assert.deepEqual((await store.extent("s"))?.ranges, [{ from: 0, to: 5000 }]);
      assert.equal((await store.read("s", 4321, { lines: 1, bytes: 1 })).lines[0]?.text, lines[4321]);
      assert.equal((await store.rows("t", { limit: 9999 })).length, 5000);
      let read = 0;
      for (let from = 0; from < 5000;) {
        const slice = await store.read("s", from, { lines: 1000, bytes: 100_000 });
        assert.ok(slice.lines.length > 0 && slice.lines.length <= 100);
        read += slice.lines.length;
        from = slice.next;
      }
      assert.equal(read, 5000);
    },
  },
  {
    name: "close() finishes a commit that nobody waited for",
    async run(store) {
      const last = store.commit([put("k")]);
      await store.close();
      assert.deepEqual(await last, { conflicts: [] });
    },
  },
  {
    name: "close() finishes what was called and refuses what comes later",
    async run(store) {
      const last = store.commit([put("k")]);
      const row = store.row("t", "k");
      await store.close();
      assert.deepEqual(await last, { conflicts: [] });
      assert.deepEqual(await row, { n: 0 });
      await assert.rejects(store.commit([put("l")]), coded("store.closed"));
      await assert.rejects(store.row("t", "k"), coded("store.closed"));
      await assert.rejects(store.rows("t", { limit: 1 }), coded("store.closed"));
      await assert.rejects(store.extent("s"), coded("store.closed"));
      await assert.rejects(store.extents(""), coded("store.closed"));
      await assert.rejects(store.read("s", 0, ALL), coded("store.closed"));
      await store.close();
    },
  },
];
