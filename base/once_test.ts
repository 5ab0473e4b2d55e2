import assert from "node:assert/strict";
import { once } from "./once.ts";

Deno.test("once() makes nothing before it is asked, and makes it one time, also when that is undefined", () => {
  let made = 0;
  const value = once(() => {
    made++;
    return { made };
  });
  const nothing = once(() => void made++);
  assert.equal(made, 0);
  assert.equal(value(), value());
  assert.equal(made, 1);
  nothing();
  nothing();
  assert.equal(made, 2);
});

Deno.test("once() tries again after an error", () => {
  let tries = 0;
  const value = once(() => {
    if (tries++ === 0) throw new Error("not yet");
    return tries;
  });
  assert.throws(value, /not yet/);
  assert.equal(value(), 2);
});
