/**
 * The listener: hands each request to the websocket doors or to the HTTP app. The only place that knows `Deno.serve`
 * and sockets.
 */
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { ServerDriver } from "../driver.ts";
import { type Admission, admit, type AgentDoorDeps, answerChallenge, answerScript, refusalOf } from "./agent_door.ts";
import type { App } from "./deps.ts";
import { bodyOf, errorResponse } from "./errors.ts";
import { parseFilter } from "./filter.ts";
import { createGate, type Gate } from "./gate.ts";
import { createHeldSockets, type HeldSockets } from "./held_sockets.ts";
import type { Sink } from "./bounded_sink.ts";
import { type GossipTap, parseGossipFilter } from "./gossip_tap.ts";
import type { Hub } from "./hub.ts";
import type { OperatorDoor } from "./operators.ts";
import { RateLimiter } from "./rate.ts";

export interface ListenerDeps {
  app: App;
  door: AgentDoorDeps;
  driver: ServerDriver;
  hub: Hub;
  /** Undefined when gossip is not configured. */
  gossip: GossipTap | undefined;
  operators: OperatorDoor;
  clock: Clock;
  log: Log;
  count(name: string, by: number): void;
}

export interface ListenOptions {
  hostname: string;
  port: number;
  /** PEM texts. */
  tls: { cert: string; key: string } | undefined;
}

/** A server that listens. */
export interface Listener {
  /** The port that was bound; another one than asked for when that was 0. */
  port: number;
  /** Takes no new requests, and waits for those under way, but not long: the rest ends with the process. */
  stop(): Promise<void>;
}

/** Starts to listen. @throws `net.port_in_use` */
export function listen(deps: ListenerDeps, options: ListenOptions): Listener {
  const { hostname, port, tls } = options;
  const doors: Doors = {
    gate: createGate(deps.clock),
    taps: new Set(),
    held: createHeldSockets(),
    refusals: new RateLimiter(LIMITS.refusalsLoggedPerMinute),
  };
  const serve = (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) => handle(deps, doors, request, info);
  const settings = { hostname, port, onListen: () => {}, ...tls };
  try {
    const server = Deno.serve(settings, serve);
    return { port: server.addr.port, stop: () => stop(deps.clock, server, doors.taps) };
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new JabberError("net.port_in_use", `${hostname}:${port}`, undefined, { cause });
    }
    throw cause;
  }
}

/** What requests share. */
interface Doors {
  gate: Gate;
  /** Readers of the firehose and of gossip. */
  taps: Set<WebSocket>;
  held: HeldSockets;
  /** What the log is told of agents that were refused. */
  refusals: RateLimiter;
}

/** Whoever has sent half a request, or reads half an answer, keeps nobody from stopping. */
async function stop(clock: Clock, server: Deno.HttpServer, taps: ReadonlySet<WebSocket>): Promise<void> {
  for (const tap of taps) tap.close(1001, "the server is stopping");
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(LIMITS.requestsEndMsMax, late.resolve);
  await Promise.race([server.shutdown(), late.promise]);
  cancel();
}

/** Where agents fetch scripts from; what follows is the hash. */
const SCRIPTS = "/v1/agent/scripts/";

async function handle(
  deps: ListenerDeps,
  doors: Doors,
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
): Promise<Response> {
  const path = request.url.slice(request.url.indexOf("/", 8)).split("?", 1)[0];
  const address = info.remoteAddr.hostname;
  try {
    if (path?.startsWith(SCRIPTS)) {
      return await answerScript(deps.door, request.headers, address, path.slice(SCRIPTS.length));
    }
    switch (path) {
      case "/v1/agent/challenge":
        return await doors.gate(() => answerChallenge(deps.door, request, address));
      case "/v1/agent/connect":
        return openAgent(deps, doors.held, request, address);
      case "/v1/firehose":
        return openTap(deps, doors.taps, request, address, (query) => {
          const filter = parseFilter(query);
          return (sink) => deps.hub.read(filter, sink);
        });
      case "/v1/gossip/events":
        return openTap(deps, doors.taps, request, address, (query) => {
          if (deps.gossip === undefined) throw new JabberError("gossip.off");
          const { gossip } = deps;
          const filter = parseGossipFilter(query);
          return (sink) => gossip.read(filter, sink);
        });
      default:
        return await deps.app.fetch(request, { address });
    }
  } catch (cause) {
    const error = bodyOf(cause);
    deps.count(`refused_${error.code.replace(".", "_")}`, 1);
    if (error.code === "internal") deps.log("error", "a request failed", { path: path ?? "", error: String(cause) });
    else if (path?.startsWith("/v1/agent/") && doors.refusals.take("all", deps.clock.monotonic())) {
      deps.log("warn", "an agent was refused", { address, ...refusalOf(cause) });
    }
    return errorResponse(error);
  }
}

function openAgent(deps: ListenerDeps, held: HeldSockets, request: Request, address: string): Response {
  demandUpgrade(request);
  // What the core is given goes to the core: a connection that lives for months does not hold it too.
  let admission: Admission | undefined = admit(deps.door, request.headers, address);
  const { agent, token } = admission.proof;
  const isStranger = token === null && !deps.door.isEnrolled(agent);
  held.check(agent, isStranger);
  const { socket, response } = upgrade(request, { idleTimeout: 0 });
  let session = 0;
  // Not `onmessage` and its like, which put a function of their own around each call.
  socket.addEventListener("open", () => {
    const { proof, welcome } = admission!;
    admission = undefined;
    held.add(agent, isStranger);
    session = deps.driver.open(guarded(socket, (why) => deps.driver.closed(session, why)), proof, welcome);
  });
  socket.addEventListener("message", (event) => {
    if (typeof event.data === "string") deps.driver.frame(session, event.data);
    else {
      socket.close(1003, "text frames only");
      deps.driver.closed(session, "a frame that is no text");
    }
  });
  socket.addEventListener("close", () => {
    if (admission === undefined) held.remove(agent, isStranger);
    deps.driver.closed(session, "closed");
  });
  // `close` follows every `error`; without a handler the error would end the process.
  socket.addEventListener("error", ignore);
  return response;
}

/** Texts sent to a socket, in characters, between two looks at what it has not taken yet: a look costs as much as a send. */
const LOOK_EVERY_CHARS = 64 * 1024;

/**
 * A socket that may be gone when the core still speaks to it.
 * @param gone called when it is given up: its own end may never come, when the other side does not answer
 */
function guarded(
  socket: WebSocket,
  gone: (why: string) => void,
): { send(text: string): void; close(code: number, reason: string): void } {
  let unseen = 0;
  return {
    send: (text) => {
      if (socket.readyState !== WebSocket.OPEN) return;
      unseen += text.length;
      if (unseen > LOOK_EVERY_CHARS) {
        unseen = 0;
        // An agent that takes nothing while more and more is sent to it must not fill the memory.
        if (socket.bufferedAmount > LIMITS.windowBytesMax) {
          socket.close(1013, "too slow");
          return gone("too slow");
        }
      }
      socket.send(text);
    },
    close: (code, reason) => {
      if (socket.readyState <= WebSocket.OPEN) socket.close(code, reason);
    },
  };
}

function ignore(event: Event): void {
  event.preventDefault();
}

/** Adds a reader; returns how to remove it. */
type Read = (sink: Sink) => () => void;

/** @param readerOf reads the query, before the socket stands */
function openTap(
  deps: ListenerDeps,
  taps: Set<WebSocket>,
  request: Request,
  address: string,
  readerOf: (query: Record<string, string | undefined>) => Read,
): Response {
  demandUpgrade(request);
  const { user } = deps.operators.identify(request.headers.get("authorization") ?? undefined, address);
  if (taps.size >= LIMITS.firehoseReadersMax) throw new JabberError("server.busy", `${taps.size} readers`);
  // Not `new URL`: the host in it is the caller's own word, and may be none.
  const read = readerOf(Object.fromEntries(new URLSearchParams(request.url.split("?", 2)[1])));
  const { socket, response } = upgrade(request, {});
  let leave = () => {};
  socket.onopen = () => {
    if (taps.size >= LIMITS.firehoseReadersMax) return socket.close(1013, "too many readers");
    taps.add(socket);
    const until = deps.operators.until(user);
    const end = () => socket.close(1008, "the user may read no more");
    until.addEventListener("abort", end);
    const stopReading = read({
      buffered: () => socket.bufferedAmount,
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
    });
    leave = () => {
      until.removeEventListener("abort", end);
      stopReading();
    };
  };
  socket.onclose = () => {
    taps.delete(socket);
    leave();
  };
  socket.onerror = ignore;
  return response;
}

/** @throws `input.invalid` for a handshake that lacks something */
function upgrade(request: Request, options: Deno.UpgradeWebSocketOptions): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request, options);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new JabberError("input.invalid", cause.message, undefined, { cause });
  }
}

function demandUpgrade(request: Request): void {
  if (request.method !== "GET" || request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new JabberError("input.invalid", "this address takes websocket upgrades only");
  }
}
