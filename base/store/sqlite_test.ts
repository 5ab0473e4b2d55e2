import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { JabberError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { StoreOp } from "../store.ts";
import { APPLICATION_ID, MIGRATIONS } from "./migrations.ts";
import { packOps } from "./pack.ts";
import { type EngineOptions, openEngine, type SqliteEngine } from "./sqlite.ts";

const OPTIONS: EngineOptions = { storeId: "first", lockWaitMs: 10 };

async function inFolder(run: (path: string, dir: string) => void | Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(join(dir, "store.db"), dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function withEngine<T>(path: string, run: (engine: SqliteEngine) => T, options: EngineOptions = OPTIONS): T {
  const engine = openEngine(path, options);
  try {
    return run(engine);
  } finally {
    engine.close();
  }
}

/** Edits the closed database behind the engine's back. */
function tamper(path: string, ...statements: string[]): void {
  const db = new DatabaseSync(path);
  for (const sql of statements) db.exec(sql);
  db.close();
}

/** The numbers of the pages that a table's rows lie in. */
function leavesOf(path: string, table: string): number[] {
  const db = new DatabaseSync(path);
  const rows = db.prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'").all(table);
  db.close();
  return rows.map(({ pageno }) => Number(pageno));
}

/** Commits each list of ops as its own batch; "ok" or the error's code for each. */
function commit(engine: SqliteEngine, ...batches: StoreOp[][]): string[] {
  const fates = engine.commitAll(batches.map(packOps));
  return fates.map((fate) => fate instanceof JabberError ? fate.code : "ok");
}

function lines(stream: string, first: number, count: number, chars = 1000): StoreOp {
  return {
    op: "append",
    stream,
    first,
    lines: Array.from({ length: count }, (_, i) => `${first + i}`.padEnd(chars, ".")),
  };
}

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof JabberError && error.code === code;
}

Deno.test("openEngine() reads back a log on disk, full sync, foreign keys and the exclusive lock", async () => {
  await inFolder((path) => {
    withEngine(path, (engine) => {
      const { journalMode, synchronous, foreignKeys, lockingMode, schema, pageBytes } = engine.health();
      assert.deepEqual(
        { journalMode, synchronous, foreignKeys, lockingMode, schema, pageBytes },
        {
          journalMode: "wal",
          synchronous: 2,
          foreignKeys: true,
          lockingMode: "exclusive",
          schema: MIGRATIONS.length,
          pageBytes: 8192,
        },
      );
      assert.deepEqual(engine.check(), []);
    });
  });
});

Deno.test("openEngine() finds what was committed, and the database keeps the id of its creation", async () => {
  await inFolder((path) => {
    withEngine(path, (engine) => {
      assert.deepEqual(
        commit(
          engine,
          [lines("a", 0, 3), lines("a", 7, 2), { op: "put", table: "t", key: "k", row: { n: 1 } }],
          [lines("b", 5, 4), { op: "trim", stream: "b", below: 99 }, lines("c", 0, 1), { op: "drop", stream: "c" }],
        ),
        ["ok", "ok"],
      );
    });
    withEngine(path, (engine) => {
      assert.equal(engine.health().storeId, "first");
      assert.equal(engine.row("t", "k"), '{"n":1}');
      assert.deepEqual(engine.extents(""), [
        { stream: "a", ranges: [{ from: 0, to: 3 }, { from: 7, to: 9 }], bytes: 5000, end: 9 },
        { stream: "b", ranges: [], bytes: 0, end: 9 },
      ]);
      assert.deepEqual(commit(engine, [lines("a", 0, 3)]), ["ok"]);
      assert.equal(engine.extent("a")?.bytes, 5000);
    }, { ...OPTIONS, storeId: "second" });
  });
});

Deno.test("openEngine() refuses a folder that another engine or process uses", async () => {
  await inFolder(async (path) => {
    const engine = openEngine(path, OPTIONS);
    try {
      assert.throws(() => openEngine(path, OPTIONS), coded("store.locked"));
      const module = new URL("./sqlite.ts", import.meta.url).href;
      const script = `import { openEngine } from ${JSON.stringify(module)};
        try { openEngine(${JSON.stringify(path)}, { storeId: "x", lockWaitMs: 10 }); console.log("opened"); }
        catch (error) { console.log(error.code); }`;
      const child = new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", script], stderr: "inherit" });
      assert.equal(new TextDecoder().decode((await child.output()).stdout).trim(), "store.locked");
      assert.deepEqual(commit(engine, [lines("a", 0, 1)]), ["ok"]);
    } finally {
      engine.close();
    }
    withEngine(path, (again) => assert.equal(again.extent("a")?.end, 1));
  });
});

Deno.test("openEngine() refuses a database of a newer version and leaves it as it is", async () => {
  await inFolder((path) => {
    withEngine(path, (engine) => commit(engine, [lines("a", 0, 1)]));
    tamper(path, `PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    assert.throws(() => openEngine(path, OPTIONS), coded("store.newer"));
    tamper(path, `PRAGMA user_version = ${MIGRATIONS.length}`);
    withEngine(path, (engine) => assert.equal(engine.extent("a")?.end, 1));
  });
});

Deno.test("openEngine() brings the first version's database along: streams, their ends and their segments", async () => {
  await inFolder((path) => {
    tamper(
      path,
      MIGRATIONS[0]!,
      `PRAGMA application_id = ${APPLICATION_ID}`,
      "PRAGMA user_version = 1",
      "INSERT INTO meta VALUES ('store_id', 'old')",
      "INSERT INTO stream VALUES (4, 'a/1', 0), (7, 'b/log', 9)",
      "INSERT INTO segment VALUES (1, 4, 2, 2, 4, 'ab' || char(10) || 'cd')",
    );
    withEngine(path, (engine) => {
      assert.equal(engine.health().storeId, "old");
      assert.equal(engine.health().foreignKeys, true);
      assert.deepEqual(engine.check(), []);
      assert.deepEqual(engine.extents(""), [
        { stream: "a/1", ranges: [{ from: 2, to: 4 }], bytes: 4, end: 4 },
        { stream: "b/log", ranges: [], bytes: 0, end: 9 },
      ]);
      assert.deepEqual(commit(engine, [lines("a/1", 4, 1), lines("c/1", 0, 1)]), ["ok"]);
      assert.equal(engine.extent("a/1")?.end, 5);
    });
    const db = new DatabaseSync(path);
    assert.deepEqual(db.prepare("PRAGMA foreign_key_check").all(), []);
    assert.equal(db.prepare('SELECT text FROM line WHERE stream = ? AND "offset" = 3').get("a/1")?.["text"], "cd");
    db.close();
  });
});

Deno.test("openEngine() refuses another program's database and what is none", async () => {
  await inFolder(async (path, dir) => {
    tamper(path, "CREATE TABLE theirs(a)");
    assert.throws(() => openEngine(path, OPTIONS), coded("store.corrupt"));
    tamper(path, "INSERT INTO theirs VALUES (1)");
    const text = join(dir, "text.db");
    await Deno.writeTextFile(text, "no database at all\n".repeat(2000));
    assert.throws(() => openEngine(text, OPTIONS), coded("store.corrupt"));
    assert.equal((await Deno.readTextFile(text)).length, 19 * 2000);
    assert.throws(() => openEngine(join(dir, "no", "folder.db"), OPTIONS), coded("store.failed"));
  });
});

Deno.test("SqliteEngine answers damage inside the file with store.corrupt and deletes nothing", async () => {
  await inFolder(async (path) => {
    withEngine(path, (engine) => commit(engine, [lines("a", 0, 2000), lines("b", 0, 10)]));
    const { size } = await Deno.stat(path);
    const file = await Deno.open(path, { write: true });
    // All but the first pages, where the schema is.
    for (let at = 12 * 8192; at < size; at += 4096) {
      await file.seek(at, Deno.SeekMode.Start);
      await file.write(new Uint8Array(256).fill(0xa5));
    }
    file.close();
    assert.throws(() =>
      withEngine(path, (engine) => {
        for (let from = 0; from < 2000; from += 100) engine.read("a", from, { lines: 100, bytes: 1 << 20 });
      }), coded("store.corrupt"));
    assert.equal((await Deno.stat(path)).size, size);
  });
});

Deno.test("SqliteEngine reads up to a damaged segment, names the lines that it costs, and reads on behind them", async () => {
  await inFolder((path) => {
    withEngine(path, (engine) => {
      for (const first of [0, 10, 20]) commit(engine, [lines("a", first, 10)]);
      for (const first of [0, 10, 20]) commit(engine, [lines("b", first, 10)]);
    });
    tamper(
      path,
      "UPDATE segment SET body = replace(body, '12..', '12.') WHERE id = 2",
      "DELETE FROM segment WHERE id = 5",
    );
    withEngine(path, (engine) => {
      const read = (stream: string, from: number) => engine.read(stream, from, { lines: 100, bytes: 1 << 20 });
      assert.equal(read("a", 3).next, 10);
      const costs = (from: number) => (cause: unknown) => {
        assert.ok(cause instanceof JabberError);
        assert.deepEqual([cause.code, cause.data], ["store.corrupt", { from, to: 20 }]);
        return true;
      };
      assert.throws(() => read("a", 10), costs(10));
      assert.throws(() => read("a", 15), costs(15));
      assert.deepEqual(read("a", 20).parts.map(({ first, count }) => [first, count]), [[20, 10]]);
      assert.deepEqual(engine.extent("b")?.ranges, [{ from: 0, to: 10 }, { from: 20, to: 30 }]);
      // Half of the damaged segment goes, which means to read it.
      assert.deepEqual(commit(engine, [{ op: "trim", stream: "a", below: 15 }, lines("c", 0, 1)]), ["ok"]);
      assert.deepEqual(engine.extent("a")?.ranges, [{ from: 15, to: 30 }]);
      assert.equal(read("c", 0).next, 1);
    });
  });
});

Deno.test("SqliteEngine goes on when a torn page keeps lines from being removed", async () => {
  await inFolder(async (path) => {
    withEngine(path, (engine) => commit(engine, [lines("a", 0, 400)], [lines("b", 0, 1)]));
    const pages = leavesOf(path, "segment");
    const file = await Deno.open(path, { write: true });
    for (const page of pages) {
      await file.seek((page - 1) * 8192, Deno.SeekMode.Start);
      await file.write(new Uint8Array(64).fill(0xa5));
    }
    file.close();
    withEngine(path, (engine) => {
      assert.throws(() => engine.read("a", 0, { lines: 1, bytes: 1 }), coded("store.corrupt"));
      assert.deepEqual(commit(engine, [{ op: "drop", stream: "a" }, { op: "put", table: "t", key: "k", row: {} }]), [
        "ok",
      ]);
      assert.equal(engine.extent("a"), undefined);
      assert.equal(engine.row("t", "k"), "{}");
    });
  });
});

Deno.test("commitAll() at the size limit fails only the batch that does not fit, and goes on after a trim", async () => {
  await inFolder((path) => {
    const options = { ...OPTIONS, maxBytes: 1 << 20 };
    withEngine(path, (engine) => {
      assert.deepEqual(commit(engine, [lines("a", 0, 100)]), ["ok"]);
      const fates = commit(engine, [lines("b", 0, 1)], [lines("a", 100, 2000), lines("new", 0, 1)], [
        lines("a", 100, 1),
      ]);
      assert.deepEqual(fates, ["ok", "store.full", "ok"]);
      assert.deepEqual(engine.extent("a"), { stream: "a", ranges: [{ from: 0, to: 101 }], bytes: 101_000, end: 101 });
      assert.equal(engine.extent("new"), undefined);
      let end = 101;
      while (commit(engine, [lines("a", end, 100)])[0] === "ok") end += 100;
      assert.ok(end > 500 && end < 1100, `held ${end} lines`);
      assert.deepEqual(commit(engine, [lines("a", end, 100)]), ["store.full"]);
      assert.deepEqual(commit(engine, [{ op: "trim", stream: "a", below: end - 50 }]), ["ok"]);
      assert.deepEqual(commit(engine, [lines("a", end, 100)]), ["ok"]);
      assert.deepEqual(engine.check(), []);
      assert.equal(engine.read("a", 0, { lines: 1, bytes: 1 }).parts[0]?.first, end - 50);
    }, options);
    withEngine(path, (engine) => assert.deepEqual(engine.check(), []), options);
  });
});

Deno.test("commitAll() on a full disk fails with store.full and works again once there is room", async (t) => {
  await inFolder(async (_path, dir) => {
    const disk = join(dir, "disk");
    await Deno.mkdir(disk);
    const mount = await run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk);
    const name = mount === undefined ? "on a file system of 4 MiB" : `skipped: cannot mount a small tmpfs (${mount})`;
    try {
      await t.step({ name, ignore: mount !== undefined, fn: () => fillDisk(disk) });
    } finally {
      if (mount === undefined) assert.equal(await run("umount", disk), undefined);
    }
  });
});

async function fillDisk(disk: string): Promise<void> {
  const path = join(disk, "store.db");
  const filler = join(disk, "filler");
  const engine = openEngine(path, OPTIONS);
  try {
    assert.deepEqual(commit(engine, [lines("a", 0, 200)]), ["ok"]);
    let size = 64 * 1024;
    const file = await Deno.open(filler, { write: true, create: true });
    for (; size > 0; size = Math.floor(size / 2)) {
      try {
        while (true) file.writeSync(new Uint8Array(size));
      } catch {
        // Full for pieces of this size.
      }
    }
    file.close();
    let end = 200;
    while (commit(engine, [lines("a", end, 50)])[0] === "ok") end += 50;
    assert.deepEqual(commit(engine, [lines("a", end, 50)], [lines("b", 0, 900)]), ["store.full", "store.full"]);
    assert.deepEqual(engine.extent("a")?.ranges, [{ from: 0, to: end }]);
    assert.equal(engine.read("a", end - 1, { lines: 9, bytes: 9 }).next, end);
    await Deno.remove(filler);
    assert.deepEqual(commit(engine, [lines("a", end, 50)], [lines("b", 0, 100)]), ["ok", "ok"]);
    assert.deepEqual(engine.extent("a")?.ranges, [{ from: 0, to: end + 50 }]);
    assert.deepEqual(engine.check(), []);
  } finally {
    engine.close();
  }
  withEngine(path, (again) => assert.equal(again.extent("b")?.end, 100));
}

/** Undefined when the program did its work, else why not. */
async function run(program: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

Deno.test("commitAll() cuts a large append into segments of bounded size", async () => {
  await inFolder((path) => {
    withEngine(path, (engine) => {
      commit(engine, [lines("s", 0, 1500), lines("s", 1500, 1, 2 * LIMITS.segmentBytesMax)]);
      assert.equal(engine.read("s", 0, { lines: 9999, bytes: 1 << 30 }).next, 1501);
    });
    const db = new DatabaseSync(path);
    const most = db.prepare("SELECT max(bytes) AS most FROM segment WHERE count > 1").get()?.["most"];
    db.close();
    assert.ok(Number(most) <= LIMITS.segmentBytesMax && Number(most) > LIMITS.segmentBytesMax / 4, `${most} bytes`);
  });
});

Deno.test("the line view shows a human each line of each stream", async () => {
  await inFolder((path) => {
    const texts = ['{"a":"x\\ny"}', 'tab\tquote"back\\slash', "", "é😀"];
    withEngine(path, (engine) => commit(engine, [{ op: "append", stream: "s/1", first: 40, lines: texts }]));
    const db = new DatabaseSync(path);
    const rows = db.prepare('SELECT stream, "offset", text FROM line ORDER BY stream, "offset"').all();
    db.close();
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      texts.map((text, i) => ({ stream: "s/1", offset: 40 + i, text })),
    );
  });
});

Deno.test("SqliteEngine is closed once, and says so afterwards", async () => {
  await inFolder((path) => {
    const engine = openEngine(path, OPTIONS);
    engine.close();
    engine.close();
    assert.throws(() => engine.row("t", "k"), coded("store.closed"));
    assert.throws(() => engine.commitAll([[]]), coded("store.closed"));
  });
});

Deno.test("commitAll() writes nothing more once the disk refused an fsync, also when it would take it again", () =>
  inFolder((path) => {
    const { prepare } = DatabaseSync.prototype;
    let failures = 0;
    // No disk can be made to fail an fsync here, so SQLite's own answer to it is played.
    DatabaseSync.prototype.prepare = function (sql) {
      const statement = prepare.call(this, sql);
      if (sql !== "COMMIT") return statement;
      const run = statement.run.bind(statement);
      statement.run = () => {
        if (failures-- > 0) throw Object.assign(new Error("disk I/O error"), { errcode: 1034 });
        return run();
      };
      return statement;
    };
    try {
      withEngine(path, (engine) => {
        assert.deepEqual(commit(engine, [lines("s", 0, 1)]), ["ok"]);
        failures = 1;
        assert.deepEqual(commit(engine, [lines("s", 1, 1)]), ["store.failed"]);
        assert.deepEqual(commit(engine, [lines("s", 1, 1)]), ["store.failed"]);
      });
    } finally {
      DatabaseSync.prototype.prepare = prepare;
    }
    withEngine(path, (engine) => assert.equal(engine.extent("s")?.end, 1));
  }));
