/**
 * The commands of one script: turns calls from inside into messages on the run's port, and answers back into calls.
 * All limits stand here, outside the script's reach. What a run may use at all, the executor checks again by itself.
 */
import { type ErrorBody, JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json, jsonDepth, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { HostAnswer, HostCall, HostTaken, ScriptLimits } from "../threads/protocol.ts";
import type { HostFunction } from "./guest.ts";

export type AnswerKind = HostAnswer["type"];

export interface Bridge {
  readonly send: HostFunction;
  readonly taken: HostFunction;
  readonly abandon: HostFunction;
  /** Calls whose end the run waits for. */
  awaited(): number;
  close(): void;
}

interface Call {
  stream: boolean;
  abandoned: boolean;
  /** Items delivered and not yet taken. */
  items: number;
}

type BridgeLimits = Pick<ScriptLimits, "callsInFlight" | "callBytes">;

/** @param deliver gets each answer to a call that is open */
export function openBridge(
  port: MessagePort,
  uses: ReadonlySet<string>,
  limits: BridgeLimits,
  deliver: (call: number, kind: AnswerKind, text: string) => void,
): Bridge {
  const open = new Map<number, Call>();
  let lastCall = 0;

  const send: HostFunction = (call, command, text, stream) => {
    if (typeof call !== "number" || !Number.isSafeInteger(call) || call <= lastCall) {
      return refuse("a call out of turn");
    }
    if (typeof command !== "string" || !uses.has(command)) return refuse("a command that is not in `uses`");
    if (open.size >= limits.callsInFlight) {
      return refuse(`${limits.callsInFlight} calls are under way, more are not allowed at once`);
    }
    const args = readArgs(text, limits);
    if (typeof args === "string") return refuse(`the arguments of ${command} ${args}`);
    lastCall = call;
    open.set(call, { stream: stream === true, abandoned: false, items: 0 });
    const message: HostCall = { call, command, args, stream: stream === true };
    if (message.stream) message.window = LIMITS.sandboxItemsWindow;
    port.postMessage(message);
    return "";
  };

  const taken: HostFunction = (call) => {
    const state = typeof call === "number" ? open.get(call) : undefined;
    if (state === undefined || state.items === 0) return undefined;
    state.items--;
    port.postMessage({ call: call as number, taken: 1 } satisfies HostTaken);
    return undefined;
  };

  const abandon: HostFunction = (call) => {
    const state = typeof call === "number" ? open.get(call) : undefined;
    if (state !== undefined) state.abandoned = true;
    return undefined;
  };

  port.onmessage = ({ data: answer }: MessageEvent<HostAnswer>) => {
    const state = open.get(answer.call);
    if (state === undefined) return;
    if (answer.type === "item") {
      if (!state.stream) return;
      state.items++;
    } else open.delete(answer.call);
    deliver(answer.call, answer.type, answerText(answer));
  };

  const close = (): void => {
    port.onmessage = null;
    port.close();
    open.clear();
  };
  const awaited = (): number => open.values().filter((call) => !call.abandoned).toArray().length;
  return { send, taken, abandon, awaited, close };
}

function answerText(answer: HostAnswer): string {
  if (answer.type === "item") return JSON.stringify(answer.body);
  return JSON.stringify(answer.type === "done" ? answer.outcome : answer.error);
}

/** A call's arguments, or what is wrong with them. */
function readArgs(text: unknown, { callBytes }: BridgeLimits): JsonObject | string {
  if (typeof text !== "string" || new TextEncoder().encode(text).length > callBytes) {
    return `are longer than ${callBytes} bytes`;
  }
  const args = parseSafe(text, LIMITS.hostCallDepthMax);
  return isJsonObject(args) ? args : 'are nested too deep or hold the key "__proto__"';
}

function refuse(why: string): string {
  const body: ErrorBody = new JabberError("script.calls", why).toBody();
  return JSON.stringify(body);
}

/** JSON text as a value, unless it is no JSON, too deep, or names `__proto__`; then `undefined`. */
export function parseSafe(text: string, depthMax: number): Json | undefined {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (jsonDepth(value, depthMax + 1) > depthMax) return undefined;
  return namesProto(value) ? undefined : value;
}

function namesProto(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (!Array.isArray(value) && Object.hasOwn(value as JsonObject, "__proto__")) return true;
  return Object.values(value).some(namesProto);
}
