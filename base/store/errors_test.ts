import assert from "node:assert/strict";
import { JabberError } from "../errors.ts";
import { isFsyncFailure, toStoreError } from "./errors.ts";

function sqliteError(message: string, errcode?: number): Error {
  return Object.assign(new Error(message), errcode === undefined ? {} : { errcode });
}

Deno.test("toStoreError() reads SQLite's number, extended ones too, and else its sentence", () => {
  const cases: [Error, string][] = [
    [sqliteError("text", 5), "store.locked"],
    [sqliteError("text", 11), "store.corrupt"],
    [sqliteError("text", 11 | (2 << 8)), "store.corrupt"],
    [sqliteError("text", 13), "store.full"],
    [sqliteError("text", 26), "store.corrupt"],
    [sqliteError("text", 10), "store.failed"],
    [sqliteError("database is locked"), "store.locked"],
    [sqliteError("database or disk is full"), "store.full"],
    [sqliteError("unable to open database file: /none"), "store.failed"],
  ];
  for (const [cause, code] of cases) assert.equal(toStoreError(cause, "/data/store.db").code, code);
  assert.match(toStoreError(sqliteError("text", 13), "/data/store.db").message, /"\/data\/store.db": text/);
  const own = new JabberError("store.newer");
  assert.equal(toStoreError(own, "/data/store.db"), own);
});

Deno.test("isFsyncFailure() knows the two failures after which nothing may be acknowledged", () => {
  assert.equal(isFsyncFailure(sqliteError("disk I/O error", 10 | (4 << 8))), true);
  assert.equal(isFsyncFailure(sqliteError("disk I/O error", 10 | (5 << 8))), true);
  assert.equal(isFsyncFailure(sqliteError("disk I/O error", 10)), false);
  assert.equal(isFsyncFailure(sqliteError("database or disk is full", 13)), false);
  assert.equal(isFsyncFailure("text"), false);
});
