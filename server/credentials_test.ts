import assert from "node:assert/strict";
import { systemRng } from "../base/rng_system.ts";
import { createCa } from "../cluster/ca/mod.ts";
import { privateKeyFromSeed } from "../wire/keys.ts";
import { certificateEnd, type Credential, warnOfEnds } from "./credentials.ts";

const DAY = 24 * 3600_000;
const NOW = Date.UTC(2026, 10, 20);

function said(credentials: Credential[]): string[] {
  const lines: string[] = [];
  warnOfEnds(credentials, NOW, (level, message, fields) => lines.push(`${level} ${message}: ${fields?.["days"]}`));
  return lines;
}

Deno.test("warnOfEnds() says what ends within a month, and what has ended, and nothing of the rest", () => {
  assert.deepEqual(
    said([
      { name: "tls_certificate", ends: NOW + 30 * DAY - 1 },
      { name: "node_statement", ends: NOW - 1 },
      { name: "ca_certificate", ends: NOW + 30 * DAY },
    ]),
    ["warn the TLS certificate ends soon: 29", "error the node statement has ended: -1"],
  );
});

Deno.test("certificateEnd() reads a certificate's end, and leaves what is none to the listener", async () => {
  const ca = await createCa("c", privateKeyFromSeed(systemRng.bytes(32)), NOW, systemRng, 10);
  assert.deepEqual(certificateEnd("ca_certificate", ca.certPem), [{ name: "ca_certificate", ends: NOW + 10 * DAY }]);
  assert.deepEqual(certificateEnd("tls_certificate", "x"), []);
});
