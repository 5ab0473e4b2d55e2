import assert from "node:assert/strict";
import { type Action, actionFor, KEY_USES, keyName, keysIn } from "./keys.ts";
import { VIEWS } from "./views/mod.ts";

Deno.test("in no view does a key do two things that are equally special", () => {
  for (const view of VIEWS) {
    const places = ["everywhere", ...view.places] as const;
    const seen = new Map<string, Action>();
    for (const use of KEY_USES) {
      for (const place of use.in.filter((place) => places.includes(place))) {
        for (const key of use.keys) {
          const at = `${place}/${key}`;
          const other = seen.get(at);
          assert.ok(other === undefined || other === use.action, `${view.name}: ${key} is ${other} and ${use.action}`);
          seen.set(at, use.action);
        }
      }
    }
  }
});

Deno.test("every place of the table is a view's or of all", () => {
  const known = new Set(["everywhere", ...VIEWS.flatMap(({ places }) => places)]);
  for (const use of KEY_USES) {
    for (const place of use.in) assert.ok(known.has(place), `${use.action}: ${place}`);
  }
  for (const view of VIEWS) assert.ok(view.places.includes(view.name), view.name);
});

Deno.test("actionFor() takes the most special place", () => {
  assert.equal(actionFor("j", ["everywhere", "list", "agents"], false), "move.down");
  assert.equal(actionFor("space", ["everywhere", "list"], false), "list.mark");
  assert.equal(actionFor("space", ["everywhere"], false), undefined);
});

Deno.test("keysIn() leaves out what acts when nothing may be changed", () => {
  const places = [...new Set(KEY_USES.flatMap((use) => use.in))];
  assert.ok(keysIn(places, true).every(({ acts }) => acts === undefined));
  for (const { keys, acts } of KEY_USES.filter(({ acts }) => acts)) {
    assert.ok(acts && keys.length > 0);
  }
});

Deno.test("keyName() puts names in brackets and leaves symbols alone", () => {
  assert.equal(keyName("ctrl-c"), "<ctrl-c>");
  assert.equal(keyName("?"), "?");
});
