/** What the HTTP side is made of; `server/main.ts` puts it together. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Clock } from "../../base/clock.ts";
import type { Json } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../base/store.ts";
import type { ClusterFace } from "../cluster/face.ts";
import type { Operator, ServerRequest } from "../core/contract.ts";
import type { Hub } from "./hub.ts";
import type { OperatorDoor } from "./operators.ts";

export interface HttpDeps {
  /** Asks the core. */
  ask(who: Operator, request: ServerRequest): Promise<Json>;
  store: Store;
  hub: Hub;
  operators: OperatorDoor;
  /** Undefined when gossip is not configured. */
  cluster: ClusterFace | undefined;
  clock: Clock;
  log: Log;
  /** Why the server is not ready to work; empty when it is. */
  notReady(): string[];
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Aborted when the server stops: ends those who follow. */
  stopping: AbortSignal;
  info: { version: string; node: string; cluster: string };
}

/** What a request carries through the middleware. */
export interface HttpEnv {
  Variables: { who: Operator; address: string };
}

/** The connection's facts, given with each request by the driver. */
export interface Connection {
  /** The peer's address, without port. */
  address: string;
}

export type App = OpenAPIHono<HttpEnv & { Bindings: Connection }>;
