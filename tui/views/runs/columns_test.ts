import assert from "node:assert/strict";
import type { OrderRow } from "../../../server/core/requests.ts";
import { outcomeOf } from "./columns.ts";

Deno.test("outcomeOf() calls an order that matched no host neither done nor failed", () => {
  const counts = { "not-sent": 0, sent: 0, started: 0, finished: 0, failed: 0, refused: 0, unknown: 0 };
  const context = { look: { ascii: true } } as Parameters<typeof outcomeOf>[1];
  const text = (row: Partial<OrderRow>) =>
    outcomeOf({ counts, doneAt: "2026-11-20T19:38:06.000Z", ...row } as OrderRow, context).text;
  assert.match(text({ targets: 0 }), / no host$/);
  assert.match(text({ targets: 2, counts: { ...counts, finished: 2 } }), / done$/);
});
