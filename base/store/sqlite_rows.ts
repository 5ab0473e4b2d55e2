import type { DatabaseSync } from "node:sqlite";
import type { RowQuery } from "../store.ts";
import { decodeKey, encodeKey, keyBounds } from "./key.ts";
import type { PackedRow } from "./pack.ts";

/** The rows of all tables. */
export interface SqliteRows {
  put(table: string, key: string, json: string): void;
  delete(table: string, key: string): void;
  /** The row's JSON text. */
  get(table: string, key: string): string | undefined;
  query(table: string, query: RowQuery): PackedRow[];
}

/** Prepares the statements; the schema must be there. */
export function sqliteRows(db: DatabaseSync): SqliteRows {
  const put = db.prepare(
    "INSERT INTO row(tbl, key, json) VALUES (?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE SET json = excluded.json",
  );
  const remove = db.prepare("DELETE FROM row WHERE tbl = ? AND key = ?");
  const get = db.prepare("SELECT json FROM row WHERE tbl = ? AND key = ?");
  const range = "SELECT key, json FROM row WHERE tbl = ? AND key >= ? AND key < ? ORDER BY key";
  const up = db.prepare(`${range} LIMIT ?`);
  const down = db.prepare(`${range} DESC LIMIT ?`);
  return {
    put: (table, key, json) => void put.run(encodeKey(table), encodeKey(key), json),
    delete: (table, key) => void remove.run(encodeKey(table), encodeKey(key)),
    get(table, key) {
      const found = get.get(encodeKey(table), encodeKey(key));
      return found === undefined ? undefined : String(found["json"]);
    },
    query(table, query) {
      const { low, high } = keyBounds(query);
      const statement = query.reverse === true ? down : up;
      const found = statement.all(encodeKey(table), low, high, query.limit);
      return found.map((row) => ({ key: decodeKey(String(row["key"])), json: String(row["json"]) }));
    },
  };
}
