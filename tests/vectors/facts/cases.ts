/** The examples of facts as they are written by hand; `generate.ts` adds what follows from each event. */
import type { JsonObject } from "../../../base/json.ts";

/** What happens to one member. A `message` stands as its JSON; `text` is for what is no JSON of a message. */
export type Happening =
  | { set: { name: string; value: string; as?: string } }
  | { from: string; message: JsonObject }
  | { from: string; text: string }
  | { members: string[] }
  | { healed: JsonObject[] }
  /** Milliseconds pass. */
  | { wait: number };

export interface Case {
  title: string;
  self: { name: string; address: string; port: number };
  members: string[];
  events: Happening[];
}

const tod = { name: "tod", address: "127.0.0.1", port: 82 };
const everybody = ["jimmy", "tod", "ann", "bob"];

function gatsby(more: JsonObject = {}): JsonObject {
  return {
    uuid: "01KAFM0000000000000000000A",
    origin: "jimmy",
    address: "127.0.0.1",
    port: 81,
    version: 1,
    ttl: 2,
    payload: { name: "book", value: "gatsby" },
    ...more,
  };
}

export const CASES: Readonly<Record<string, Case>> = {
  "set": {
    title: "A member says what its own favourite book is, then changes its mind: the version rises.",
    self: tod,
    members: everybody,
    events: [
      { set: { name: "book", value: "blah" } },
      { set: { name: "book", value: "emma" } },
    ],
  },
  "set_as": {
    title: "A member speaks in another's name: the other is the origin, and the message says who wrote it.",
    self: tod,
    members: everybody,
    events: [
      { from: "jimmy", message: gatsby() },
      { set: { name: "book", value: "emma", as: "jimmy" } },
      { set: { name: "book", value: "blah", as: "nobody" } },
    ],
  },
  "forward": {
    title: "News is forwarded at once with its TTL lowered by one; with TTL 0 it is learned and goes no further.",
    self: tod,
    members: everybody,
    events: [
      { from: "jimmy", message: gatsby() },
      { from: "bob", message: gatsby({ uuid: "01KAFM0000000000000000000B", version: 2, ttl: 1 }) },
      { from: "bob", message: gatsby({ uuid: "01KAFM0000000000000000000C", version: 3, ttl: 0 }) },
    ],
  },
  "duplicate": {
    title: "A message that was seen is dropped and counted, whatever its TTL; after a minute it is old instead.",
    self: tod,
    members: everybody,
    events: [
      { from: "jimmy", message: gatsby() },
      { from: "ann", message: gatsby({ ttl: 1 }) },
      { from: "bob", message: gatsby({ ttl: 4 }) },
      { wait: 60_000 },
      { from: "bob", message: gatsby({ ttl: 4 }) },
    ],
  },
  "own_duplicate": {
    title: "A member that hears its own message again knows it.",
    self: { name: "jimmy", address: "127.0.0.1", port: 81 },
    members: everybody,
    events: [
      { set: { name: "book", value: "gatsby" } },
      // The uuid that the member gave it above.
      { from: "tod", message: gatsby({ uuid: "01KAF8Z4002GXS0GG9Z0DKYY7W", ttl: 1 }) },
    ],
  },
  "older": {
    title: "An older version never replaces a newer one; of equal versions the later uuid wins.",
    self: tod,
    members: everybody,
    events: [
      { from: "jimmy", message: gatsby({ uuid: "01KAFM0000000000000000000B", version: 2 }) },
      { from: "jimmy", message: gatsby({ uuid: "01KAFM0000000000000000000C", version: 1 }) },
      { from: "ann", message: gatsby({ uuid: "01KAFM0000000000000000000A", version: 2 }) },
      {
        from: "ann",
        message: gatsby({
          uuid: "01KAFM0000000000000000000D",
          by: "ann",
          version: 2,
          payload: { name: "book", value: "emma" },
        }),
      },
    ],
  },
  "malformed": {
    title: "What does not fit its form is counted and changes nothing.",
    self: tod,
    members: everybody,
    events: [
      { from: "jimmy", text: "" },
      { from: "jimmy", text: "{}" },
      { from: "jimmy", message: gatsby({ uuid: "asdijfaojf3232" }) },
      { from: "jimmy", message: gatsby({ port: "80" }) },
      { from: "jimmy", message: gatsby({ ttl: 17 }) },
      { from: "jimmy", message: gatsby({ payload: "bookname" }) },
    ],
  },
  "alone": {
    title: "A member that is alone tells nobody; once others are there it tells them the next thing.",
    self: tod,
    members: [],
    events: [
      { set: { name: "book", value: "blah" } },
      { members: everybody },
      { set: { name: "book", value: "emma" } },
    ],
  },
  "healed": {
    title: "What the catalog holds is learned when it is news, and forwarded to nobody.",
    self: tod,
    members: everybody,
    events: [
      { from: "jimmy", message: gatsby({ version: 2 }) },
      {
        healed: [
          fact({ value: "old", version: 1 }),
          fact({ origin: "ann", by: "ann", value: "emma", version: 9, port: 83 }),
        ],
      },
    ],
  },
};

function fact(more: JsonObject): JsonObject {
  return {
    uuid: "01KAFM0000000000000000000Z",
    origin: "jimmy",
    by: "jimmy",
    address: "127.0.0.1",
    port: 81,
    name: "book",
    ...more,
  };
}
