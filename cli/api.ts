/** The client of the HTTP API. */
import { JabberError } from "../base/errors.ts";
import { isJsonObject, type Json } from "../base/json.ts";
import { currentContext, type OperatorContext } from "./context_file.ts";
import type { World } from "./world.ts";

/** A coded answer of the server; printed as it is. */
export class ServerRefusal extends Error {
  override readonly name = "ServerRefusal";
  readonly code: string;
  readonly next: string | undefined;

  constructor(code: string, message: string, next: string | undefined) {
    super(message);
    this.code = code;
    this.next = next;
  }
}

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query. */
  path: string;
  /** Sent as JSON, or as it is when bytes. */
  body?: Json | Uint8Array;
}

export class Api {
  readonly #world: World;
  readonly #context: OperatorContext;

  constructor(world: World, context: OperatorContext) {
    this.#world = world;
    this.#context = context;
  }

  get context(): OperatorContext {
    return this.#context;
  }

  /** One answer as JSON. @throws `ServerRefusal`, `net.unreachable` */
  async ask(request: ApiRequest): Promise<Json> {
    const response = await this.#send(request, undefined);
    return await response.json() as Json;
  }

  /** A streaming answer, line by line. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string, void, void> {
    const response = await this.#send({ method: "GET", path }, signal);
    if (response.body === null) return;
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      yield* parts;
    }
    if (rest !== "") yield rest;
  }

  /** The firehose and its like. */
  frames(path: string, signal: AbortSignal): AsyncGenerator<string, void, void> {
    const url = this.#context.url.replace(/^http/, "ws") + path;
    return this.#world.frames(url, { headers: this.#headers(), ca: this.#context.ca, signal });
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#context.token}` };
  }

  async #send(request: ApiRequest, signal: AbortSignal | undefined): Promise<Response> {
    const init: RequestInit = { method: request.method, headers: this.#headers() };
    if (signal !== undefined) init.signal = signal;
    if (request.body instanceof Uint8Array) init.body = request.body.slice();
    else if (request.body !== undefined) {
      init.body = JSON.stringify(request.body);
      init.headers = { ...this.#headers(), "content-type": "application/json" };
    }
    const response = await reach(this.#world, this.#context.url + request.path, init, this.#context.ca);
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** The API as the current context reaches it. @throws `auth.missing`, `auth.expired` */
export async function currentApi(world: World): Promise<Api> {
  return new Api(world, await currentContext(world));
}

/** A request that got an answer, whatever it says. @throws `net.unreachable` */
export async function reach(world: World, url: string, init: RequestInit, ca: string | undefined): Promise<Response> {
  try {
    return await world.fetch(url, init, ca);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    const why = cause instanceof Error ? plainReason(cause.message) : String(cause);
    throw new JabberError("net.unreachable", `${new URL(url).origin} (${why})`, undefined, { cause });
  }
}

/** The platform's own words are a chain of causes around the URL; the last one says what happened. */
function plainReason(message: string): string {
  if (/UnknownIssuer|CaUsedAsEndEntity/.test(message)) {
    return "its certificate is not of a known CA; name the cluster's with --ca";
  }
  if (/NotValidForName/.test(message)) {
    return "its certificate is for another name; use one that `jabber init --name` was given";
  }
  return /^error sending request for url \(\S+\): (?:client error \(Connect\): )?(.+)$/s.exec(message)?.[1] ?? message;
}

/** The error of an answer that is none. */
export async function refusal(response: Response): Promise<ServerRefusal> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = undefined;
  }
  const error = isJsonObject(body) ? body["error"] : undefined;
  if (!isJsonObject(error)) return new ServerRefusal("internal", `the server answered ${response.status}`, undefined);
  const next = error["next"];
  return new ServerRefusal(
    String(error["code"]),
    String(error["message"]),
    typeof next === "string" ? next : undefined,
  );
}
