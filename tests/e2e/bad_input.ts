/** What the tests of bad input share: a way to speak to a real server by hand, and one sentence for what a refusal is. */
import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import { type ErrorCode, ERRORS } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { systemRng } from "../../base/rng_system.ts";
import { fromBase64url, toBase64url } from "../../wire/base64url.ts";
import { type ConnectFacts, dialledName, makeConnectClaim } from "../../wire/identity/mod.ts";
import { type PrivateKey, privateKeyFromPem, privateKeyFromSeed } from "../../wire/keys.ts";
import { composeOrder, sign } from "../../wire/sign/mod.ts";
import type { CliResult, Fleet } from "../support/fleet.ts";
import { binary, Program } from "../support/program.ts";

const ids = new UlidMaker(systemRng);
/** A fresh ULID. */
export const ulid = (): string => ids.next(Date.now());

export function newKey(): PrivateKey {
  return privateKeyFromSeed(systemRng.bytes(32));
}

/** A time as documents spell it. */
export function seconds(at: number): string {
  return rfc3339(at).replace(/\.\d+/, "");
}

/** The header of a JWS as a forger writes it: its algorithm is none, everything else is as it was. */
export function withoutAlg(header: string): string {
  const honest = JSON.parse(new TextDecoder().decode(fromBase64url(header)));
  return toBase64url(JSON.stringify({ ...honest, alg: "none" }));
}

/** A refusal over HTTP: its code, after a look at whether it says what to do. */
export async function refusalOf(response: Response): Promise<string> {
  const answer: unknown = await response.json();
  const error = isJsonObject(answer) ? answer["error"] : undefined;
  assert.ok(isJsonObject(error), JSON.stringify(answer));
  const code = String(error["code"]);
  assert.ok(Object.hasOwn(ERRORS, code), `${code} is not in the table`);
  assert.equal(error["next"], ERRORS[code as ErrorCode].next, `${code} says no next step`);
  assert.equal(response.status, ERRORS[code as ErrorCode].http);
  return code;
}

/** A command that failed with this code and said what to do. */
export function assertRefused(result: CliResult, code: ErrorCode, exit = 1): void {
  const said = result.out + result.err;
  assert.equal(result.code, exit, said);
  assert.match(result.err, new RegExp(`\\(${code.replace(".", "\\.")}\\)`), said);
  assert.ok(result.err.includes(`→ ${ERRORS[code].next}`), `no next step:\n${said}`);
}

/** Starts a program that cannot start: it says this code and a next step, and ends. */
export async function assertNoStart(name: string, args: string[], code: ErrorCode): Promise<void> {
  const program = new Program(name, binary(name), { args });
  try {
    await program.line(new RegExp(`code=${code.replace(".", "\\.")} .*next=`));
    assert.equal((await program.ended).code, 1, program.lines.join("\n"));
  } finally {
    program.signal("SIGKILL");
    await program.ended;
  }
}

/** The fleet's API as the operator who is signed in reaches it, and as a stranger does. */
export class Operator {
  readonly fleet: Fleet;
  readonly cluster: string;
  /** The person whose signature counts. */
  readonly author: PrivateKey;
  /** The header that says who asks. */
  readonly authorization: string;
  readonly #client: Deno.HttpClient;

  private constructor(fleet: Fleet, context: JsonObject, author: PrivateKey, client: Deno.HttpClient) {
    this.fleet = fleet;
    this.cluster = String(context["cluster"]);
    this.authorization = `Bearer ${String(context["token"])}`;
    this.author = author;
    this.#client = client;
  }

  static async of(fleet: Fleet): Promise<Operator> {
    const home = `${fleet.folder}/operator`;
    const { current, contexts } = JSON.parse(await Deno.readTextFile(`${home}/contexts.json`));
    const author = privateKeyFromPem(await Deno.readTextFile(`${home}/author.key`));
    const caCerts = [await Deno.readTextFile(`${fleet.clusterFolder}/cluster-ca.pem`)];
    return new Operator(fleet, contexts[current], author, Deno.createHttpClient({ caCerts }));
  }

  close(): void {
    this.#client.close();
  }

  /** Opens a websocket, and closes it: it was let in. */
  async knock(path: string, headers: Record<string, string>): Promise<void> {
    const socket = new WebSocket(this.fleet.url.replace(/^http/, "ws") + path, { headers, client: this.#client });
    await new Promise<void>((resolve, reject) => {
      socket.onclose = () => resolve();
      socket.onopen = () => socket.close();
      socket.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event instanceof ErrorEvent ? event.message : "the door stayed shut"));
      };
    });
  }

  /** A request without credentials. */
  stranger(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.fleet.url + path, { ...init, client: this.#client });
  }

  /** A request of the operator who is signed in. */
  ask(path: string, init: RequestInit = {}): Promise<Response> {
    return this.stranger(path, { ...init, headers: { authorization: this.authorization, ...init.headers } });
  }

  /** Hands in an order as it stands. */
  submit(order: Uint8Array<ArrayBuffer> | string): Promise<Response> {
    return this.ask("/v1/orders", {
      method: "POST",
      body: order,
      headers: { "content-type": "application/octet-stream" },
    });
  }

  /** Hands in a script as it stands. */
  push(script: Uint8Array<ArrayBuffer> | string): Promise<Response> {
    return this.ask("/v1/scripts", {
      method: "POST",
      body: script,
      headers: { "content-type": "application/octet-stream" },
    });
  }

  /** A signed order for facts, with other fields and another signer where they are given. */
  order(fields: JsonObject = {}, key: PrivateKey | null = this.author): Uint8Array<ArrayBuffer> {
    const now = Date.now();
    const bytes = composeOrder({
      id: ulid(),
      cluster: this.cluster,
      does: "command:sys.facts",
      args: {},
      selector: "",
      notBefore: seconds(now - 1000),
      notAfter: seconds(now + 3600_000),
      ...fields,
    });
    return key === null ? bytes : sign(bytes, "order", key, { at: now });
  }
}

/** An agent made by hand: it can say anything a real one would not. */
export class HandAgent {
  readonly operator: Operator;
  readonly key: PrivateKey;
  readonly boot: string = ulid();
  #epoch = 0;

  constructor(operator: Operator, key: PrivateKey = newKey()) {
    this.operator = operator;
    this.key = key;
  }

  /** Asks for a challenge; answers its nonce and the node that made it. */
  async challenge(): Promise<{ nonce: string; node: string }> {
    const response = await this.operator.stranger("/v1/agent/challenge", { method: "POST", body: "{}" });
    return await response.json();
  }

  /** A claim with any of its parts changed. */
  async claim(change: Partial<ConnectFacts> = {}): Promise<string> {
    const { nonce, node } = await this.challenge();
    return makeConnectClaim(this.key, {
      cluster: this.operator.cluster,
      node,
      dialled: dialledName(this.operator.fleet.url),
      nonce,
      salt: toBase64url(systemRng.bytes(16)),
      boot: this.boot,
      epoch: ++this.#epoch,
      now: Date.now(),
      ...change,
    });
  }

  /** Connects with the claim, and with a join token's `id.secret` where one is given. */
  connect(claim: string, join?: string): Promise<void> {
    const joins = join === undefined ? {} : { "x-jabber-join": join };
    return this.operator.knock("/v1/agent/connect", { authorization: `Bearer ${claim}`, ...joins });
  }

  /** Asks for a script with the claim: the door checks it as it does for a connection, and answers in words. */
  show(claim: string): Promise<Response> {
    return this.operator.stranger(`/v1/agent/scripts/sha256-${"0".repeat(64)}`, {
      headers: { authorization: `Bearer ${claim}` },
    });
  }
}
