import assert from "node:assert/strict";
import { NODE_STATES } from "../cluster/node/contract.ts";
import { TYPES } from "../cluster/swim/packet/message.ts";
import { SECURITIES } from "../cluster/swim/seal/mod.ts";
import { USER_KINDS } from "../cluster/user_kinds.ts";

const PAGE = await Deno.readTextFile(new URL("../docs/gossip.md", import.meta.url));

/** First and second cells of the rows that begin with such a cell. */
function rows(first: RegExp): string[] {
  return [...PAGE.matchAll(/^\| +([^ |]+) +\| +([^|]*?) +\|/gm)].filter(([, cell]) => first.test(cell!))
    .map(([, cell, next]) => `${cell} ${next}`);
}

Deno.test("docs/gossip.md has a row for each message on the wire, with its number", () => {
  const numbers = { ...TYPES, ...USER_KINDS };
  assert.deepEqual(
    rows(/^\d+$/).sort(),
    Object.entries(numbers).map(([name, number]) => `${number} \`${name}\``).sort(),
  );
});

Deno.test("docs/gossip.md has a row for each seal, and names every state of a server", () => {
  assert.deepEqual(rows(/^`(jws|aes-gcm|none)`$/).map((row) => row.split("`")[1]), [...SECURITIES]);
  for (const state of NODE_STATES) assert.ok(PAGE.includes(`\`${state}\``), state);
});
