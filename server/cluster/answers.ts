/** What the routes about servers, gossip keys and facts answer. Times are RFC 3339; a field that does not apply is left out. */
import * as z from "zod";
import { SERVER_STATES } from "./face.ts";

export const serverAnswer = z.object({
  /** As gossip knows it. */
  name: z.string(),
  /** Its node id; only of servers of this product. */
  node: z.string().exactOptional(),
  /** `host:port` of its gossip. */
  address: z.string(),
  state: z.enum(SERVER_STATES),
  /** Since when it is in that state. */
  since: z.string(),
  tags: z.record(z.string(), z.string()),
  incarnation: z.number(),
  /** Its own health score: 0 is healthy. */
  health: z.number().exactOptional(),
  /** Milliseconds from a probe to its answer, measured last. */
  rttMs: z.number().exactOptional(),
  /** The server that answers. */
  self: z.boolean(),
});
export type ServerAnswer = z.infer<typeof serverAnswer>;

export const joinAnswer = z.object({
  /** How many answered. */
  reached: z.number(),
  /** Why the others did not. */
  errors: z.array(z.string()),
});
export type JoinAnswer = z.infer<typeof joinAnswer>;

export const keyAnswer = z.object({
  id: z.string(),
  /** Seals what this server sends; the others only open what it hears. */
  primary: z.boolean(),
});
export type KeyAnswer = z.infer<typeof keyAnswer>;

export const factAnswer = z.object({
  /** The member it is about. */
  origin: z.string(),
  name: z.string(),
  value: z.string(),
  version: z.number(),
  /** ULID of the message that said it. */
  uuid: z.string(),
  /** When the writer wrote it, by its own clock. */
  at: z.string(),
  /** The member that wrote it: the origin, or who spoke in its name. */
  by: z.string(),
  /** `host:port` of the writer's gossip. */
  address: z.string(),
});
export type FactAnswer = z.infer<typeof factAnswer>;

export const serversAnswer = z.object({ servers: z.array(serverAnswer) });
export const keysAnswer = z.object({ keys: z.array(keyAnswer) });
export const factsAnswer = z.object({ facts: z.array(factAnswer) });
