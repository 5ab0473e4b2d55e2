/**
 * Lets rows go that nobody needs any more: history and orders, with their targets, by the age that their ids tell.
 * Orders that the core still holds stay, however old they are. Of each job's runs the newest stay, so many that those of
 * all jobs together are within their limit, and none that are older than the streams they name.
 */
import { UlidMaker } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Store, StoreOp } from "../../base/store.ts";
import { SERVER_TABLES } from "../core/contract.ts";

/** Rows looked at in one round; what others ask of the storage thread goes between. */
const ROUND_ROWS_MAX = 500;

export interface RowAges {
  historyMsMax: number;
  orderMsMax: number;
}

/** Takes away what is older than the limits. Returns how many history rows, orders and runs of jobs went. @throws `store.*` */
export async function forgetOldRows(store: Store, now: number, ages: RowAges): Promise<number> {
  return await forgetHistory(store, now - ages.historyMsMax) +
    await forgetOrders(store, now - ages.orderMsMax) +
    await forgetJobRuns(store, now - LIMITS.jobRunAgeMsMax);
}

async function forgetHistory(store: Store, before: number): Promise<number> {
  const table = SERVER_TABLES.history;
  for (let gone = 0;;) {
    const rows = await store.rows(table, { before: idAt(before), limit: ROUND_ROWS_MAX });
    if (rows.length === 0) return gone;
    await store.commit(rows.map(({ key }) => ({ op: "delete", table, key })));
    gone += rows.length;
  }
}

async function forgetOrders(store: Store, before: number): Promise<number> {
  let gone = 0;
  for (let after = "";;) {
    const rows = await store.rows(SERVER_TABLES.order, { after, before: idAt(before), limit: ROUND_ROWS_MAX });
    if (rows.length === 0) return gone;
    for (const { key } of rows) {
      if (await store.row(SERVER_TABLES.open, key) !== undefined) continue;
      await forgetTargets(store, key);
      await store.commit([{ op: "delete", table: SERVER_TABLES.order, key }]);
      gone++;
    }
    after = rows.at(-1)!.key;
  }
}

/** Targets go before their order, so that a crash in between leaves nothing without a parent. */
async function forgetTargets(store: Store, order: string): Promise<void> {
  const table = SERVER_TABLES.target;
  for (;;) {
    const rows = await store.rows(table, { prefix: `${order}/`, limit: ROUND_ROWS_MAX });
    if (rows.length === 0) return;
    await store.commit(rows.map(({ key }): StoreOp => ({ op: "delete", table, key })));
  }
}

async function forgetJobRuns(store: Store, before: number): Promise<number> {
  const jobs = await jobsWithRuns(store);
  const most = Math.min(LIMITS.jobRunsPerJobMax, Math.floor(LIMITS.jobRunsMax / Math.max(1, jobs.length)));
  let gone = 0;
  for (const job of jobs) {
    const oldest = await oldestToKeep(store, `${job}/`, most);
    const young = `${job}/${idAt(before)}`;
    gone += await forgetRunsBefore(store, `${job}/`, oldest !== undefined && oldest > young ? oldest : young);
  }
  return gone;
}

/** Also those that the registry has forgotten. One look for each: the next one's runs begin behind all of this one's. */
async function jobsWithRuns(store: Store): Promise<string[]> {
  const jobs: string[] = [];
  for (let after = "";;) {
    const [row] = await store.rows(SERVER_TABLES.jobRun, { after, limit: 1 });
    if (row === undefined) return jobs;
    const job = row.key.slice(0, row.key.indexOf("/"));
    jobs.push(job);
    after = `${job}/~`;
  }
}

/** The key of the oldest of the newest `most` rows; undefined when there are no more than so many. */
async function oldestToKeep(store: Store, prefix: string, most: number): Promise<string | undefined> {
  let before: string | undefined;
  for (let seen = 0;;) {
    const limit = Math.min(ROUND_ROWS_MAX, most - seen);
    const rows = await store.rows(SERVER_TABLES.jobRun, {
      prefix,
      reverse: true,
      limit,
      ...(before !== undefined && { before }),
    });
    seen += rows.length;
    before = rows.at(-1)?.key;
    if (rows.length < limit) return undefined;
    if (seen === most) return before;
  }
}

async function forgetRunsBefore(store: Store, prefix: string, before: string): Promise<number> {
  const table = SERVER_TABLES.jobRun;
  for (let gone = 0;;) {
    const rows = await store.rows(table, { prefix, before, limit: ROUND_ROWS_MAX });
    if (rows.length === 0) return gone;
    await store.commit(rows.map(({ key }) => ({ op: "delete", table, key })));
    gone += rows.length;
  }
}

/** The least id of that millisecond. */
function idAt(time: number): string {
  return new UlidMaker({ bytes: (length) => new Uint8Array(length), float: () => 0 }).next(Math.max(0, time));
}
