import assert from "node:assert/strict";
import {
  backupFiles,
  checkSums,
  isBackupName,
  type Manifest,
  manifestText,
  parseManifest,
  staysInside,
} from "./archive.ts";
import { HOLD_LOG_BYTES_MAX, HOLD_STALE_MS, nextHeld } from "../storage/hold.ts";

const MANIFEST: Omit<Manifest, "format" | "product"> = {
  version: "1.2.3",
  createdAt: "2026-11-20T12:00:00.000Z",
  cluster: "c",
  node: "n",
  store: { id: "s", schema: 1 },
  data: "./data",
  files: [{ name: "config/0-jabber-server.yaml", path: "jabber-server.yaml" }],
};

Deno.test("backupFiles() takes every file the configuration names but the CA's private key", () => {
  const config = {
    cluster: { caFile: "cluster-ca.pem", caKeyFile: "cluster-ca.key" },
    node: { keyFile: "node.key", statementFile: "node.key" },
    tls: { certFile: "/etc/ssl/a b.pem" },
    listen: "keyFile",
    more: [{ deep: { secretFile: "../s" } }],
  };
  assert.deepEqual(backupFiles("s.yaml", config), [
    { name: "config/0-s.yaml", path: "s.yaml" },
    { name: "config/1-cluster-ca.pem", path: "cluster-ca.pem" },
    { name: "config/2-node.key", path: "node.key" },
    { name: "config/3-a_b.pem", path: "/etc/ssl/a b.pem" },
    { name: "config/4-s", path: "../s" },
  ]);
  for (const { name } of backupFiles("s.yaml", config)) assert.ok(isBackupName(name), name);
});

Deno.test("a manifest is read as it was written; a newer one and a broken one are refused", () => {
  const text = manifestText(MANIFEST);
  const { format, product, ...rest } = parseManifest(text);
  assert.deepEqual([format, product], [1, "jabberwocky"]);
  assert.deepEqual(rest, MANIFEST);
  assert.throws(() => parseManifest(text.replace('"format": 1', '"format": 2')), { code: "backup.newer" });
  for (const bad of ["", "{}", "[]", "null", text.slice(0, -5), text.replace("config/0-", "../")]) {
    assert.throws(() => parseManifest(bad), { code: "backup.damaged" }, bad);
  }
});

Deno.test("checkSums() misses no file that is damaged, gone or too many", () => {
  const manifest = parseManifest(manifestText(MANIFEST));
  const found = new Map([["manifest.json", "a"], ["config/0-jabber-server.yaml", "b"], ["store.db", "c"]]);
  const text = "a  manifest.json\nb  config/0-jabber-server.yaml\nc  store.db\n";
  checkSums(text, found, manifest);
  for (const name of found.keys()) {
    const less = new Map(found);
    less.delete(name);
    assert.throws(() => checkSums(text, less, manifest), { code: "backup.damaged", message: new RegExp(name) });
    assert.throws(() => checkSums(text, new Map([...found, [name, "x"]]), manifest), { code: "backup.damaged" });
  }
  const more = new Map([...found, ["config/1-more", "d"]]);
  assert.throws(() => checkSums(`${text}d  config/1-more\n`, more, manifest), { code: "backup.damaged" });
  assert.throws(() => checkSums("", found, manifest), { code: "backup.damaged" });
});

Deno.test("no name and no path of an archive leads out of its folder", () => {
  for (
    const name of ["../x", "/etc/passwd", "config/../x", "config/0-a/b", "config/0-", "store.db/x", "STORE.DB", ""]
  ) {
    assert.equal(isBackupName(name), false, name);
  }
  for (const path of ["/etc/x", "../x", "a/../../x", "..\\x", "C:\\x", "\\x"]) {
    assert.equal(staysInside(path), false, path);
  }
  for (const path of ["x", "a/b.pem", "./a", "..a"]) assert.equal(staysInside(path), true, path);
});

Deno.test("a hold holds while it is fresh, and never for ever", () => {
  const now = 1_000_000;
  const hold = { text: "id", at: now };
  assert.equal(nextHeld({ hold, logBytes: 0 }, now), "id");
  assert.equal(nextHeld({ hold, logBytes: 0 }, now + HOLD_STALE_MS), "id");
  assert.equal(nextHeld({ hold, logBytes: 0 }, now + HOLD_STALE_MS + 1), undefined, "whoever copied has crashed");
  assert.equal(nextHeld({ hold, logBytes: 0 }, now - HOLD_STALE_MS - 1), undefined, "the clock was set back");
  assert.equal(nextHeld({ hold, logBytes: HOLD_LOG_BYTES_MAX + 1 }, now), undefined);
  assert.equal(nextHeld({ logBytes: 0 }, now), undefined);
});
