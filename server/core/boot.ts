/** The first event: what the store holds, as far as the core keeps it in memory. */
import type { Row, Store } from "../../base/store.ts";
import { SERVER_TABLES, type ServerEvent } from "./contract.ts";

/** What booting needs of a store. */
export type RowReader = Pick<Store, "row" | "rows">;

/** Rows read at a time. */
const PAGE = 1000;

/** Reads agents, scripts and jobs (without their texts) and open orders. Errors: those of the store. */
export async function bootEvent(store: RowReader): Promise<ServerEvent & { type: "booted" }> {
  const order: Row[] = [];
  const target: Row[] = [];
  for (const { key } of await allRows(store, SERVER_TABLES.open, "")) {
    const row = await store.row(SERVER_TABLES.order, key);
    if (row === undefined) continue;
    order.push({ key, row });
    for (const one of await allRows(store, SERVER_TABLES.target, `${key}/`)) target.push(one);
  }
  const agent = await allRows(store, SERVER_TABLES.agent, "");
  const script = await allRows(store, SERVER_TABLES.script, "");
  const job = await allRows(store, SERVER_TABLES.job, "");
  const jobState = await allRows(store, SERVER_TABLES.jobState, "");
  const jobLast = await allRows(store, SERVER_TABLES.jobLast, "");
  return { type: "booted", rows: { agent, script, order, target, job, jobState, jobLast } };
}

/** Every row of a table whose key has the prefix. Errors: those of the store. */
export async function allRows(store: RowReader, table: string, prefix: string): Promise<Row[]> {
  const found: Row[] = [];
  for (;;) {
    const after = found.at(-1)?.key;
    const page = await store.rows(table, { prefix, limit: PAGE, ...(after !== undefined && { after }) });
    for (const row of page) found.push(row);
    if (page.length < PAGE) return found;
  }
}
