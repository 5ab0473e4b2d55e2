/**
 * What serf's delegate says within memberlist's user messages, metas and push/pull states (serf 0.8 and later,
 * serf/messages.go): a type's byte and a map in MessagePack, as memberlist's own. Only what serf.ts needs is decoded;
 * types that are not for us are `ignored`, those of a serf yet to come as well.
 */
import { LIMITS } from "../../../base/limits.ts";
import { PacketFault } from "../packet/fault.ts";
import { Reader, Writer } from "../packet/msgpack.ts";
import { bool, bytes, list, map, name, struct, text, u32, u53 } from "../packet/struct.ts";

/** serf's type bytes. The last ones are answers and keys between serf agents, named so that the table is whole. */
const TYPES = {
  leave: 0,
  join: 1,
  pushPull: 2,
  userEvent: 3,
  query: 4,
  queryResponse: 5,
  conflictResponse: 6,
  keyRequest: 7,
  keyResponse: 8,
  relay: 9,
} as const;

/** `ltime` and its kin are Lamport times. */
export type SerfMessage =
  | {
    type: "leave";
    ltime: number;
    node: string;
    /** An operator wants the member forgotten, not only gone. */
    prune?: boolean;
  }
  | { type: "join"; ltime: number; node: string }
  | SerfState
  /** `coalesce`: the last one of a name within a short time stands for all of them. */
  | { type: "userEvent"; ltime: number; name: string; payload: Uint8Array; coalesce: boolean }
  /** As much of a query as is needed to pass it on. */
  | { type: "query"; ltime: number; id: number; flags: number }
  | { type: "ignored"; code: number };

/** serf's part of a push/pull. */
export interface SerfState {
  readonly type: "pushPull";
  readonly ltime: number;
  /** By member: the time of the last intent that counted. */
  readonly statusLTimes: ReadonlyMap<string, number>;
  readonly leftMembers: readonly string[];
  readonly eventLTime: number;
  /** Recent events by their time. */
  readonly events: readonly SerfEvents[];
  readonly queryLTime: number;
}

export interface SerfEvents {
  readonly ltime: number;
  readonly events: readonly { readonly name: string; readonly payload: Uint8Array }[];
}

/** Messages that are said here; queries are only passed on, as they came. */
export type SaidSerfMessage = Exclude<SerfMessage, { type: "query" | "ignored" }>;

const JOIN = struct({ LTime: u53, Node: name });
const LEAVE = struct({ LTime: u53, Node: name, Prune: bool });
const USER_EVENT = struct({ LTime: u53, Name: text, Payload: bytes, CC: bool });
const QUERY = struct({ LTime: u53, ID: u32, Flags: u32 });
const EVENT = struct({ Name: text, Payload: bytes });
const EVENTS = struct({ LTime: u53, Events: list(EVENT, LIMITS.serfStateEventsMax) });
const PUSH_PULL = struct({
  LTime: u53,
  StatusLTimes: map(u53, LIMITS.gossipNodesMax),
  LeftMembers: list(name, LIMITS.gossipNodesMax),
  EventLTime: u53,
  Events: list(EVENTS, LIMITS.serfStateEventsMax),
  QueryLTime: u53,
});
const TAGS = map(text, LIMITS.serfTagsMax);
/** The first byte of a meta that holds tags; older serfs have a role's bare name there. */
const TAGS_MAGIC = 0xff;

/** Encodes a message as serf does. */
export function encodeSerfMessage(message: SaidSerfMessage): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.byte(TYPES[message.type]);
  writeBody(writer, message);
  return writer.finish();
}

/** Decodes a message; `undefined` when it is none. Bytes after it are passed over. */
export function decodeSerfMessage(message: Uint8Array): SerfMessage | undefined {
  return orNothing(() => readMessage(new Reader(message)));
}

/** A member's meta of these tags. It may have 512 bytes (`memberMetaBytesMax`); the caller looks. */
export function encodeTags(tags: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.byte(TAGS_MAGIC);
  TAGS.write(writer, tags);
  return writer.finish();
}

/** The tags of a member's meta; `undefined` when it is none of serf's. */
export function decodeTags(meta: Uint8Array): ReadonlyMap<string, string> | undefined {
  return meta[0] === TAGS_MAGIC ? orNothing(() => TAGS.read(new Reader(meta, 1))) : undefined;
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PacketFault) return undefined;
    throw cause;
  }
}

function readMessage(reader: Reader): SerfMessage {
  const code = reader.byte();
  switch (code) {
    case TYPES.leave: {
      const row = LEAVE.read(reader);
      return { type: "leave", ltime: row.LTime, node: row.Node, prune: row.Prune };
    }
    case TYPES.join: {
      const row = JOIN.read(reader);
      return { type: "join", ltime: row.LTime, node: row.Node };
    }
    case TYPES.pushPull:
      return readPushPull(reader);
    case TYPES.userEvent: {
      const row = USER_EVENT.read(reader);
      return { type: "userEvent", ltime: row.LTime, name: row.Name, payload: row.Payload, coalesce: row.CC };
    }
    case TYPES.query: {
      const row = QUERY.read(reader);
      return { type: "query", ltime: row.LTime, id: row.ID, flags: row.Flags };
    }
  }
  return { type: "ignored", code };
}

function readPushPull(reader: Reader): SerfState {
  const row = PUSH_PULL.read(reader);
  return {
    type: "pushPull",
    ltime: row.LTime,
    statusLTimes: row.StatusLTimes,
    leftMembers: row.LeftMembers,
    eventLTime: row.EventLTime,
    events: row.Events.map(({ LTime, Events }) => ({
      ltime: LTime,
      events: Events.map(({ Name, Payload }) => ({ name: Name, payload: Payload })),
    })),
    queryLTime: row.QueryLTime,
  };
}

function writeBody(writer: Writer, message: SaidSerfMessage): void {
  switch (message.type) {
    case "leave":
      return LEAVE.write(writer, { LTime: message.ltime, Node: message.node, Prune: message.prune ?? false });
    case "join":
      return JOIN.write(writer, { LTime: message.ltime, Node: message.node });
    case "userEvent":
      return USER_EVENT.write(writer, {
        LTime: message.ltime,
        Name: message.name,
        Payload: message.payload,
        CC: message.coalesce,
      });
    case "pushPull":
      return PUSH_PULL.write(writer, {
        LTime: message.ltime,
        StatusLTimes: message.statusLTimes,
        LeftMembers: message.leftMembers,
        EventLTime: message.eventLTime,
        Events: message.events.map(({ ltime, events }) => ({
          LTime: ltime,
          Events: events.map((event) => ({ Name: event.name, Payload: event.payload })),
        })),
        QueryLTime: message.queryLTime,
      });
  }
}
