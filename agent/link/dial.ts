/**
 * The line to a server: challenge over HTTP, claim, upgrade, and the proof in `welcome` before any frame counts.
 *
 * What a server may send to the core before its proof was good: nothing. The join token's secret goes only to a server
 * whose node statement the cluster's CA has signed.
 */
import type { Clock } from "../../base/clock.ts";
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import { toBase64url } from "../../wire/base64url.ts";
import { openChallenge } from "../../wire/identity/challenge.ts";
import { makeConnectClaim } from "../../wire/identity/claim.ts";
import { agentIdOf } from "../../wire/identity/ids.ts";
import { dialledName } from "../../wire/identity/names.ts";
import type { NodeStatement } from "../../wire/identity/statement.ts";
import { verifyWelcomeProof } from "../../wire/identity/welcome.ts";
import type { PrivateKey } from "../../wire/keys.ts";
import type { AgentEvent } from "../core/contract.ts";
import type { ClusterPin } from "./identity_file.ts";

export interface DialDeps {
  key: PrivateKey;
  pin: Pick<ClusterPin, "cluster" | "ca" | "caKey">;
  boot: string;
  /** `<id>.<secret>` of a join token. */
  join: string | undefined;
  clock: Clock;
  rng: Rng;
  /** Nothing a server answers is looked at before. */
  walls: Promise<void>;
  feed(event: AgentEvent): void;
}

export interface Dialer {
  dial(target: { attempt: number; url: string; epoch: number; node?: string }): void;
  send(attempt: number, text: string): void;
  hangUp(attempt: number, reason: string): void;
  /** Fetches a script's bytes from the server of the current line. */
  fetchScript(hash: string): void;
}

/** A challenge that was checked, and what is sent in answer. */
interface Claim {
  statement: NodeStatement;
  nonce: string;
  salt: string;
  jws: string;
}

interface Line {
  attempt: number;
  url: string;
  epoch: number;
  node: string | undefined;
  abort: AbortController;
  socket: WebSocket | undefined;
  /** The server's proof was good. */
  proved: boolean;
  /** Given to the socket since the core last heard `writable`, characters. */
  unwritten: number;
}

/** An answer to a challenge is a statement and some names. */
const CHALLENGE_BYTES_MAX = 16 * 1024;
/** How often a full socket is looked at. */
const LOOK_MS = 5;
/** The platform lets a client say 1000 and 3000 to 4999, and throws for any other code. */
const CLOSE = { done: 1000, notText: 4003, notProved: 4008 } as const;

export function createDialer(deps: DialDeps): Dialer {
  const client = Deno.createHttpClient({ caCerts: [deps.pin.ca] });
  let line: Line | undefined;
  const mine = (attempt: number): Line | undefined => line?.attempt === attempt ? line : undefined;
  return {
    dial({ attempt, url, epoch, node }) {
      const abort = new AbortController();
      const made: Line = { attempt, url, epoch, node, abort, socket: undefined, proved: false, unwritten: 0 };
      line = made;
      open(deps, client, made).catch((cause) => {
        if (!abort.signal.aborted) deps.feed({ type: "dialFailed", attempt, error: dialError(cause, url) });
      });
    },
    send(attempt, text) {
      const to = mine(attempt);
      if (to?.socket?.readyState !== WebSocket.OPEN) return;
      to.socket.send(text);
      const before = to.unwritten;
      to.unwritten += text.length;
      if (before < LIMITS.socketBytesMax / 2 && to.unwritten >= LIMITS.socketBytesMax / 2) watchSocket(deps, to);
    },
    hangUp(attempt, reason) {
      const to = mine(attempt);
      if (to === undefined) return;
      line = undefined;
      to.abort.abort();
      if (to.socket !== undefined && to.socket.readyState <= WebSocket.OPEN) {
        to.socket.close(CLOSE.done, closeReason(reason));
      }
    },
    fetchScript(hash) {
      const from = line;
      const failed = (error: ErrorBody) => deps.feed({ type: "scriptFailed", hash, error });
      if (from === undefined) return failed(new JabberError("script.unavailable", "no server is connected").toBody());
      fetchScript(deps, client, from, hash).then(
        (bytes) => deps.feed({ type: "scriptFetched", hash, bytes }),
        (cause) => failed(dialError(cause, from.url)),
      );
    },
  };
}

async function open(deps: DialDeps, client: Deno.HttpClient, line: Line): Promise<void> {
  const claim = await answerChallenge(deps, client, line);
  if (line.abort.signal.aborted) return;
  const headers: Record<string, string> = { authorization: `Bearer ${claim.jws}` };
  if (deps.join !== undefined) headers["x-jabber-join"] = deps.join;
  const socket = new WebSocket(`${line.url.replace(/^http/, "ws").replace(/\/$/, "")}/v1/agent/connect`, {
    headers,
    client,
  });
  line.socket = socket;
  const { attempt } = line;
  let opened = false;
  socket.onopen = () => {
    opened = true;
    deps.feed({ type: "dialed", attempt });
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return refuse(socket, CLOSE.notText, "text frames only");
    if (!line.proved && !prove(deps, line, claim, data)) return;
    deps.feed({ type: "frame", attempt, text: data });
  };
  // `close` follows every `error`; what the error says is the only reason there is for a refused upgrade.
  let fault = "";
  socket.onerror = (event) => {
    event.preventDefault();
    if (event instanceof ErrorEvent) fault = event.message;
  };
  socket.onclose = ({ code, reason }) => {
    if (opened) return deps.feed({ type: "closed", attempt, reason: lossText(fault, reason, code) });
    if (line.abort.signal.aborted) return;
    const error = new JabberError("net.unreachable", `${line.url}: ${inWords(fault) || "the upgrade was refused"}`)
      .toBody();
    deps.feed({ type: "dialFailed", attempt, error });
  };
}

/** Checks the proof in the first frame. A frame that is no welcome goes to the core, which hangs up and says why. */
function prove(deps: DialDeps, line: Line, claim: Claim, frame: string): boolean {
  try {
    const first: unknown = JSON.parse(frame.split("\n", 1)[0]!);
    line.proved = true;
    if (!isJsonObject(first) || first["kind"] !== "welcome" || !isJsonObject(first["body"])) return true;
    verifyWelcomeProof(String(first["body"]["proof"]), claim.statement, {
      agent: agentIdOf(deps.key.public.jwk),
      nonce: claim.nonce,
      salt: claim.salt,
      boot: deps.boot,
      now: deps.clock.now(),
    });
    return true;
  } catch (cause) {
    const { message } = toErrorBody(cause);
    if (line.socket !== undefined) refuse(line.socket, CLOSE.notProved, "proof refused");
    deps.feed({ type: "closed", attempt: line.attempt, reason: message });
    return false;
  }
}

/** Asks for a challenge, checks who answers, and signs. */
async function answerChallenge(deps: DialDeps, client: Deno.HttpClient, line: Line): Promise<Claim> {
  const { key, pin, clock, rng, boot } = deps;
  const response = await fetch(new URL("/v1/agent/challenge", line.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ agent: agentIdOf(key.public.jwk) }),
    redirect: "manual",
    signal: line.abort.signal,
    client,
  });
  await deps.walls;
  const bytes = await readBounded(response, CHALLENGE_BYTES_MAX);
  if (!response.ok) throw refusal(response, bytes);
  const dialled = dialledName(line.url);
  const now = clock.now();
  const { nonce, statement } = openChallenge(parseJson(bytes), {
    caKey: pin.caKey,
    cluster: pin.cluster,
    now,
    dialled,
    ...(line.node !== undefined && { node: line.node }),
  });
  const salt = toBase64url(rng.bytes(16));
  const facts = { cluster: pin.cluster, node: statement.node, dialled, nonce, salt, boot, epoch: line.epoch, now };
  return { statement, nonce, salt, jws: makeConnectClaim(key, facts) };
}

/** A script's file, with a claim of its own: a nonce is good once. */
async function fetchScript(
  deps: DialDeps,
  client: Deno.HttpClient,
  line: Line,
  hash: string,
): Promise<Uint8Array> {
  const { jws } = await answerChallenge(deps, client, line);
  const response = await fetch(new URL(`/v1/agent/scripts/${hash}`, line.url), {
    headers: { authorization: `Bearer ${jws}` },
    redirect: "manual",
    signal: line.abort.signal,
    client,
  });
  const bytes = await readBounded(response, LIMITS.scriptBytesMax);
  if (!response.ok) throw refusal(response, bytes);
  return bytes;
}

async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > bytesMax) throw new JabberError("frame.too_large", `more than ${bytesMax} bytes from ${response.url}`);
    parts.push(part);
  }
  return await new Blob(parts).bytes();
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new JabberError("frame.malformed", "the answer is not JSON", undefined, { cause });
  }
}

/** The server's own words for a refusal, as far as they have the form of one. */
function refusal(response: Response, bytes: Uint8Array): Error {
  let said = "";
  try {
    const body = parseJson(bytes);
    const error = isJsonObject(body) ? body["error"] : undefined;
    if (isJsonObject(error)) said = ` ${String(error["code"])}: ${String(error["message"]).slice(0, 300)}`;
  } catch {
    // Somebody else's page; its status has to do.
  }
  return new JabberError("net.unreachable", `it answered ${response.status}${said}`);
}

function dialError(cause: unknown, url: string): ErrorBody {
  if (cause instanceof JabberError) return cause.toBody();
  return new JabberError(
    "net.unreachable",
    `${url}: ${inWords(cause instanceof Error ? cause.message : String(cause))}`,
  )
    .toBody();
}

const NO_GOODBYE = "the server went away without a goodbye";
/** How the platform's TLS says it, with the address of a page for programmers. */
const TLS_CUT = /peer closed connection without sending TLS close_notify(?:: https?:\/\/[^\s"')]+)?/g;
/** A socket's own word for an end without a close frame. */
const CLOSED_ABNORMALLY = 1006;

/** The platform's words about a broken line, as far as there are better ones. */
function inWords(fault: string): string {
  return fault.replace(TLS_CUT, NO_GOODBYE);
}

/** Why an open line ended: its fault, else what the server said with its goodbye. */
export function lossText(fault: string, reason: string, code: number): string {
  return inWords(fault) || reason || (code === CLOSED_ABNORMALLY ? NO_GOODBYE : `code ${code}`);
}

/** Hangs up and looks at nothing more that comes until the other side has closed as well. */
function refuse(socket: WebSocket, code: number, reason: string): void {
  socket.onmessage = null;
  socket.close(code, reason);
}

/** A close frame takes 123 bytes; the words may be the server's, and more would throw. */
function closeReason(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}

/** Tells the core that more may be sent, as soon as the socket has written nearly all. */
function watchSocket(deps: DialDeps, line: Line): void {
  const look = (): void => {
    const { socket } = line;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > LIMITS.socketBytesMax / 8) {
      deps.clock.after(LOOK_MS, look);
      return;
    }
    line.unwritten = 0;
    deps.feed({ type: "writable", attempt: line.attempt });
  };
  deps.clock.after(0, look);
}
