/** Copies of a database that is being written to as fast as it goes: each is a moment of it, whole. */
import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import { openEngine } from "../../base/store/sqlite.ts";
import { copyDatabase, type CopyFile, copyFile } from "../../server/backup/copy_system.ts";
import { HELD_FILE, HOLD_FILE } from "../../server/storage/hold.ts";
import { type ThreadStore, threadStore } from "../../server/storage/thread_store.ts";
import { eventually } from "../support/proc.ts";

const COPIES = 2;
const ROWS = 64;
/** More than the log may have before it is folded in: 2048 pages of 8 KiB. */
const ROUNDS_A_LOG = 12;
/** Rounds that nobody has asked for yet. A log that is held still grows with each: in memory, on some machines. */
const AHEAD_MAX = 8 * ROUNDS_A_LOG;

/** Overwrites the same rows with the same number in each, again and again: a torn copy would show two numbers. */
async function churn(store: ThreadStore, rounds: Rounds, isOver: () => boolean): Promise<void> {
  for (let round = 1; !isOver(); round++) {
    // Another one each time: SQLite writes no page that stays the same.
    const filling = String(round % 10).repeat(32_000);
    const ops = Array.from({ length: ROWS }, (_, row) => ({
      op: "put" as const,
      table: "t",
      key: `k${row}`,
      row: { round, filling },
    }));
    await store.commit([...ops, { op: "append", stream: "s", first: round - 1, lines: [`line ${round}`] }]);
    rounds.done();
    await rounds.wanted(AHEAD_MAX, isOver);
  }
}

/** What a copy holds: one number in every row, and exactly the lines up to it. */
function readCopy(folder: string): number {
  const engine = openEngine(`${folder}/store.db`, { storeId: "other" });
  try {
    assert.deepEqual(engine.check(), []);
    assert.equal(engine.health().storeId, "original");
    const rows = engine.rows("t", { limit: 100 }).map(({ json }) => JSON.parse(json).round);
    assert.equal(rows.length, ROWS);
    assert.equal(new Set(rows).size, 1, `a torn copy: ${rows}`);
    assert.deepEqual(engine.extent("s")?.ranges, [{ from: 0, to: rows[0] }]);
    return rows[0];
  } finally {
    engine.close();
  }
}

/** Counts the rounds, and waits for more of them. */
class Rounds {
  #count = 0;
  #asked = 0;
  #goOn = (): void => {};
  #waiters: { count: number; resolve(): void }[] = [];

  done(): void {
    this.#count++;
    for (const { count, resolve } of this.#waiters) if (this.#count >= count) resolve();
  }

  /** Waits while so many rounds more were written than anybody asked for. */
  async wanted(ahead: number, isOver: () => boolean): Promise<void> {
    while (this.#count > this.#asked + ahead && !isOver()) await new Promise<void>((resolve) => this.#goOn = resolve);
  }

  /** Somebody asks for more, or it is over. */
  wake(): void {
    this.#goOn();
  }

  async more(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#asked = this.#count + count;
    this.wake();
    this.#waiters.push({ count: this.#count + count, resolve });
    await promise;
  }
}

interface Busy {
  folder: string;
  store: ThreadStore;
  rounds: Rounds;
}

async function withBusyStore(use: (busy: Busy) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-copy-" });
  await Deno.mkdir(`${folder}/data`);
  const store = await threadStore({ dataDir: `${folder}/data`, storeId: "original" });
  const rounds = new Rounds();
  let over = false;
  const writing = churn(store, rounds, () => over);
  try {
    await rounds.more(1);
    await use({ folder, store, rounds });
  } finally {
    over = true;
    rounds.wake();
    await writing;
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a database that is written to is copied whole, however slowly, and goes on as before", () =>
  withBusyStore(async ({ folder, rounds }) => {
    // Between the two files so much is written that the log would be begun anew, but for the hold.
    const slowly: CopyFile = async (from, to) => {
      await rounds.more(1);
      await copyFile(from, to);
      if (from.endsWith("store.db")) await rounds.more(ROUNDS_A_LOG);
    };
    let before = 0;
    for (let copy = 0; copy < COPIES; copy++) {
      const to = `${folder}/copy-${copy}`;
      await Deno.mkdir(to);
      await copyDatabase(`${folder}/data`, to, systemClock, `id-${copy}`, slowly);
      const round = readCopy(to);
      assert.ok(round > before, "each copy is of a later moment");
      before = round;
      assert.throws(() => Deno.statSync(`${folder}/data/${HOLD_FILE}`), Deno.errors.NotFound);
    }
    await rounds.more(1);
  }));

Deno.test("a copy that nobody held still for is refused rather than torn", () =>
  withBusyStore(async ({ folder, rounds }) => {
    await Deno.mkdir(`${folder}/copy`);
    const undone: CopyFile = async (from, to) => {
      // As a server of another version, which does not look at holds.
      await Deno.remove(`${folder}/data/${HOLD_FILE}`).catch(() => {});
      await copyFile(from, to);
      if (!from.endsWith("store.db")) return;
      await eventually("the hold's end", 60_000, () => isThere(`${folder}/data/${HELD_FILE}`) ? undefined : true);
      await rounds.more(2 * ROUNDS_A_LOG);
    };
    await assert.rejects(copyDatabase(`${folder}/data`, `${folder}/copy`, systemClock, "id", undone), {
      code: "backup.busy",
    });
  }));

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a database that nobody has open is copied with what its log still holds", async () => {
  const folder = await Deno.makeTempDir({ prefix: "jabber-copy-" });
  try {
    await Deno.mkdir(`${folder}/data`);
    const script = new URL("../support/append_until_killed.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", config, script, `${folder}/data`, "1", "1"],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.length > 200) child.kill("SIGKILL");
    }
    await child.status;
    const acknowledged = Number([...said.matchAll(/^s0 (\d+)\n/gm)].at(-1)?.[1]);
    await Deno.mkdir(`${folder}/copy`);
    await copyDatabase(`${folder}/data`, `${folder}/copy`, systemClock, "id");
    const engine = openEngine(`${folder}/copy/store.db`, { storeId: "other" });
    assert.deepEqual(engine.check(), []);
    assert.ok(acknowledged > 0 && engine.extent("s0")!.end >= acknowledged, `${acknowledged} were acknowledged`);
    engine.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
