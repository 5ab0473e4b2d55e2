import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { LIMITS } from "../../../base/limits.ts";
import {
  decodeSerfMessage,
  decodeTags,
  encodeSerfMessage,
  encodeTags,
  type SaidSerfMessage,
  type SerfState,
} from "./messages.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

const STATE: SerfState = {
  type: "pushPull",
  ltime: 2 ** 40,
  statusLTimes: new Map([["alpha", 7], ["__proto__", 2 ** 53 - 1]]),
  leftMembers: ["beta", "gamma"],
  eventLTime: 300,
  events: [{ ltime: 299, events: [{ name: "deploy", payload: utf8("7") }, { name: "", payload: utf8("") }] }],
  queryLTime: 1,
};

Deno.test("what is said to serf comes back", () => {
  const said: SaidSerfMessage[] = [
    STATE,
    { ...STATE, statusLTimes: new Map(), leftMembers: [], events: [] },
    { type: "join", ltime: 0, node: "alpha" },
    { type: "leave", ltime: 1, node: "alpha", prune: true },
    { type: "userEvent", ltime: 2, name: "deploy", payload: new Uint8Array(400), coalesce: true },
  ];
  for (const message of said) assert.deepEqual(decodeSerfMessage(encodeSerfMessage(message)), message);
  const plain = encodeSerfMessage({ type: "leave", ltime: 1, node: "alpha" });
  assert.deepEqual(decodeSerfMessage(plain), { type: "leave", ltime: 1, node: "alpha", prune: false });
});

Deno.test("types that are not for us are told by their number", () => {
  for (const code of [5, 6, 7, 8, 9, 10, 63]) {
    assert.deepEqual(decodeSerfMessage(Uint8Array.of(code)), { type: "ignored", code });
  }
});

Deno.test("a state is read from the front, whatever stands behind it", () => {
  assert.deepEqual(decodeSerfMessage(Uint8Array.from([...encodeSerfMessage(STATE), 0xc1, 1, 2])), STATE);
});

Deno.test("what is no message of serf is none", () => {
  const bad = [
    "",
    "00",
    "01 81",
    "02 c1",
    "00 90",
    "01 81 a5 4c54696d65 cf ffffffffffffffff",
    "03 81 a4 4e616d65 a2 c328",
  ];
  for (const text of bad) assert.equal(decodeSerfMessage(hex(text)), undefined, text);
});

Deno.test("a state with more than any cluster has is refused", () => {
  const many = Array.from({ length: LIMITS.gossipNodesMax + 1 }, (_, i) => `member-${i}`);
  const events = Array.from({ length: LIMITS.serfStateEventsMax + 1 }, (_, ltime) => ({ ltime, events: [] }));
  const states: SerfState[] = [
    { ...STATE, leftMembers: many },
    { ...STATE, statusLTimes: new Map(many.map((name) => [name, 1])) },
    { ...STATE, events },
  ];
  for (const state of states) assert.equal(decodeSerfMessage(encodeSerfMessage(state)), undefined);
  assert.notEqual(decodeSerfMessage(encodeSerfMessage({ ...STATE, leftMembers: many.slice(1) })), undefined);
});

Deno.test("tags come back, and a meta that has none says so", () => {
  const tags = new Map([["role", "web"], ["größe", "x".repeat(40)], ["__proto__", ""]]);
  assert.deepEqual(decodeTags(encodeTags(tags)), tags);
  assert.deepEqual(decodeTags(encodeTags(new Map())), new Map());
  // An older serf's role, nothing, tags that are cut off, too many of them.
  for (const meta of [utf8("web"), utf8(""), encodeTags(tags).subarray(0, -1), hex("ff")]) {
    assert.equal(decodeTags(meta), undefined);
  }
  const many = new Map(Array.from({ length: LIMITS.serfTagsMax + 1 }, (_, i) => [String(i), ""]));
  assert.equal(decodeTags(encodeTags(many)), undefined);
});
