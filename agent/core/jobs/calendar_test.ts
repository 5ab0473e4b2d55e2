import assert from "node:assert/strict";
import * as fc from "fast-check";
import { nextTime } from "./calendar.ts";

/** The next times after an instant, as RFC 3339 to the minute. */
function times(pattern: string, zone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let at: number | undefined = Date.parse(from);
  for (let i = 0; i < count && at !== undefined; i++) {
    at = nextTime(pattern, zone, at);
    found.push(at === undefined ? "never" : new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

const CASES: [what: string, pattern: string, zone: string, from: string, expected: string[]][] = [
  ["a fixed time in Berlin's gap at its end", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", [
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]],
  ["fixed times in Berlin's gap once, at its end", "15,45 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", [
    "2026-03-29T01:00",
    "2026-03-30T00:15",
  ]],
  ["no repeating time in Berlin's gap", "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", [
    "2026-03-29T00:30",
    "2026-03-29T01:00",
    "2026-03-29T01:30",
  ]],
  ["a fixed time in Berlin's overlap once", "30 2 * * *", "Europe/Berlin", "2026-10-24T01:00:00Z", [
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]],
  ["repeating times in both hours of Berlin's overlap", "*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", [
    "2026-10-25T00:00",
    "2026-10-25T00:30",
    "2026-10-25T01:00",
    "2026-10-25T01:30",
    "2026-10-26T01:00",
  ]],
  ["a fixed time in New York's gap at its end", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", [
    "2026-03-08T07:00",
    "2026-03-09T06:30",
  ]],
  ["a fixed time in New York's overlap once", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", [
    "2026-11-01T05:30",
    "2026-11-02T06:30",
  ]],
  ["a fixed time once also when asked within the overlap", "30 1 * * *", "America/New_York", "2026-11-01T05:45:00Z", [
    "2026-11-02T06:30",
  ]],
  [
    "a fixed time in Lord Howe's gap of half an hour at its end",
    "15 2 * * *",
    "Australia/Lord_Howe",
    "2026-10-03T00:00:00Z",
    [
      "2026-10-03T15:30",
      "2026-10-04T15:15",
    ],
  ],
  [
    "a fixed time in Lord Howe's overlap of half an hour once",
    "45 1 * * *",
    "Australia/Lord_Howe",
    "2026-04-03T15:00:00Z",
    [
      "2026-04-04T14:45",
      "2026-04-05T15:15",
    ],
  ],
  ["29 February in leap years", "0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00"]],
  ["29 February 2100 not", "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", ["2104-02-29T00:00"]],
  ["never on 30 February", "0 0 30 2 *", "UTC", "2026-03-01T00:00:00Z", ["never"]],
  ["never in a year that is over", "0 0 0 1 1 * 2020", "UTC", "2026-03-01T00:00:00Z", ["never"]],
];

for (const [what, pattern, zone, from, expected] of CASES) {
  Deno.test(`nextTime() finds ${what}`, () => {
    assert.deepEqual(times(pattern, zone, from, expected.length), expected);
  });
}

Deno.test("nextTime() throws for a zone or pattern that does not exist", () => {
  assert.throws(() => nextTime("0 0 * * *", "Mars/Base", 0), { message: 'no time zone is called "Mars/Base"' });
  assert.throws(() => nextTime("61 0 * * *", "UTC", 0));
});

Deno.test("nextTime() always goes ahead, and misses nothing in between", () => {
  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu");
  const pattern = fc.constantFrom("*/7 * * * *", "30 2 * * *", "0,30 1-3 * * *", "*/20 * * * * *", "5 4 * * 0");
  const at = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });
  fc.assert(
    fc.property(zone, pattern, at, fc.float({ min: 0, max: 1, noNaN: true }), (
      zone,
      pattern,
      at,
      part,
    ) => {
      const next = nextTime(pattern, zone, at)!;
      assert.ok(next > at);
      // Asked anywhere before it, the answer is the same.
      assert.equal(nextTime(pattern, zone, Math.floor(at + (next - 1 - at) * part)), next);
    }),
    { seed: 7, numRuns: 300 },
  );
});
