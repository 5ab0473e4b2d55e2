/** A server as far as one agent needs it: real TLS, real challenge, claim and proof; what is asked and said is the test's. */
import { initMaterial } from "../../cluster/ca/mod.ts";
import { systemRng } from "../../base/rng_system.ts";
import { rfc3339 } from "../../base/clock.ts";
import { UlidMaker } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import { type AnyEnvelope, parseEnvelope } from "../../wire/envelope.ts";
import {
  ChallengeBook,
  checkJoinCredential,
  hashJoinSecret,
  makeChallenge,
  makeWelcomeProof,
  type NodeIdentity,
  parseJoinToken,
  type PrivateKey,
  privateKeyFromPem,
  privateKeyFromSeed,
  publicKeyFromText,
  publicKeyToText,
  verifyConnectClaim,
  verifyNodeStatement,
} from "../../wire/identity/mod.ts";
import { composeOrder, composeScript, parseScript, sign } from "../../wire/sign/mod.ts";

export interface AgentServerOptions {
  /** Spoils what is said in `welcome`. */
  welcome?(body: JsonObject): JsonObject;
}

/** How long something may take to be said: long, because it only matters when something is broken. */
const SAID_TIMEOUT_MS = 120_000;

const ids = new UlidMaker(systemRng);
const ulid = (): string => ids.next(Date.now());

export class AgentServer {
  /** Everything agents said, in order. */
  readonly said: AnyEnvelope[] = [];
  readonly scripts = new Map<string, Uint8Array>();
  /** Tokens that came with claims. */
  readonly joins: (string | null)[] = [];
  readonly author: PrivateKey;
  readonly token: string;
  readonly cluster: string;
  /** Durable marks by stream, as a server would hold them. */
  readonly marks = new Map<string, number>();
  readonly #self: NodeIdentity;
  readonly #book = new ChallengeBook(systemRng.bytes(32), systemRng);
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #waiters = new Set<() => void>();
  #socket: WebSocket | undefined;

  private constructor(
    self: NodeIdentity,
    author: PrivateKey,
    token: string,
    tls: { cert: string; key: string },
    private readonly options: AgentServerOptions,
  ) {
    this.#self = self;
    this.author = author;
    this.token = token;
    this.cluster = self.cluster;
    const onListen = () => {};
    this.#http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen, ...tls }, (request) => this.#answer(request));
  }

  static async start(options: AgentServerOptions = {}): Promise<AgentServer> {
    const author = privateKeyFromSeed(systemRng.bytes(32));
    const { files, summary } = await initMaterial({
      now: Date.now(),
      rng: systemRng,
      operator: { password: "correct horse", publicKey: publicKeyToText(author.public) },
    });
    const file = (path: string): string => files.find((one) => one.path === path)!.text;
    const { cluster, caKey } = parseJoinToken(summary.joinToken);
    const statement = verifyNodeStatement(file("node-statement.jws").trim(), {
      caKey: publicKeyFromText(caKey),
      cluster,
      now: Date.now(),
    });
    const self = {
      cluster,
      node: statement.node,
      key: privateKeyFromPem(file("node.key")),
      statement: statement.jws,
      names: statement.names,
    };
    const tls = { cert: file("tls.pem"), key: file("tls.key") };
    return new AgentServer(self, author, summary.joinToken, tls, options);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#http.addr.port}`;
  }

  /** An order for whoever is connected, signed by the author. */
  order(does: string, args: JsonObject = {}, more: JsonObject = {}): string {
    const id = ulid();
    const seconds = (ms: number): string => rfc3339(ms).replace(/\.\d+/, "");
    const bytes = composeOrder({
      ...{ id, cluster: this.cluster, does, args, selector: "" },
      notBefore: seconds(Date.now() - 1000),
      notAfter: seconds(Date.now() + 600_000),
      ...more,
    });
    const signed = sign(bytes, "order", this.author, { at: Date.now() });
    this.say("command", { order: new TextDecoder().decode(signed) }, { job: id });
    return id;
  }

  /** Makes a signed script that the agent can fetch; answers what an order says to run it. */
  script(fields: JsonObject, body: string): string {
    const bytes = composeScript({ name: "test", ...fields }, body);
    const signed = sign(bytes, "script", this.author, { at: Date.now() });
    const { hash } = parseScript(signed);
    this.scripts.set(hash, signed);
    return `script:${hash}`;
  }

  say(kind: string, body: JsonObject, more: JsonObject = {}): void {
    const envelope = { v: 1, id: ulid(), kind, from: this.#self.node, time: rfc3339(Date.now()), ...more, body };
    this.#socket?.send(JSON.stringify(envelope));
  }

  /** Ends the connection, as a crash of this server would. */
  drop(): void {
    this.#socket?.close();
  }

  /** The first thing said that fits, already or yet. */
  async until<K extends AnyEnvelope["kind"]>(
    kind: K,
    fits: (envelope: Extract<AnyEnvelope, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<AnyEnvelope, { kind: K }>> {
    const late = Date.now() + SAID_TIMEOUT_MS;
    for (;;) {
      for (const one of this.said) {
        if (one.kind === kind && fits(one as Extract<AnyEnvelope, { kind: K }>)) {
          return one as Extract<AnyEnvelope, { kind: K }>;
        }
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, late - Date.now());
      this.#waiters.add(resolve);
      await promise;
      clearTimeout(timer);
      if (Date.now() >= late) {
        throw new Error(`no such ${kind} was said; it said ${JSON.stringify(this.said.slice(-5))}`);
      }
    }
  }

  /** The end of an order's run. */
  finished(job: string) {
    return this.until("runState", (one) => one.job === job && one.body.state !== "started");
  }

  async stop(): Promise<void> {
    this.drop();
    await this.#http.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    try {
      if (pathname === "/v1/agent/challenge") {
        await request.body?.cancel();
        return Response.json(makeChallenge(this.#self, this.#book.issue("127.0.0.1", Date.now()), Date.now()));
      }
      const identity = verifyConnectClaim((request.headers.get("authorization") ?? "").replace("Bearer ", ""), {
        self: this.#self,
        book: this.#book,
        now: Date.now(),
        fromLoopback: true,
      });
      const script = this.scripts.get(pathname.replace("/v1/agent/scripts/", ""));
      if (pathname !== "/v1/agent/connect") {
        return script === undefined ? new Response(null, { status: 404 }) : new Response(script.slice());
      }
      this.#join(request.headers.get("x-jabber-join"));
      const { socket, response } = Deno.upgradeWebSocket(request);
      const proof = makeWelcomeProof(this.#self, identity, Date.now());
      socket.onopen = () => this.#socket = socket;
      socket.onmessage = ({ data }) => this.#heard(socket, proof, String(data));
      socket.onerror = (event) => event.preventDefault();
      return response;
    } catch (cause) {
      return Response.json({ error: { code: "agent.refused", message: String(cause) } }, { status: 401 });
    }
  }

  #join(credential: string | null): void {
    this.joins.push(credential);
    if (credential === null) return;
    const { id, secret, expires } = parseJoinToken(this.token);
    const row = { id, hash: hashJoinSecret(secret), expires: rfc3339(expires), uses: 10 };
    checkJoinCredential(credential, [row], Date.now());
  }

  #heard(socket: WebSocket, proof: string, frame: string): void {
    const streams = new Map<string, number>();
    for (const line of frame.split("\n")) {
      const envelope = parseEnvelope(line, "agent");
      this.said.push(envelope);
      if (envelope.stream !== undefined) streams.set(envelope.stream, envelope.offset! + 1);
      if (envelope.kind === "hello") this.#welcome(socket, proof);
    }
    for (const [stream, next] of streams) this.marks.set(stream, next);
    if (streams.size > 0) {
      this.say("ack", { streams: [...streams].map(([stream, next]) => ({ stream, next })) });
    }
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  #welcome(socket: WebSocket, proof: string): void {
    this.#socket = socket;
    const body: JsonObject = {
      protocol: 1,
      node: this.#self.node,
      cluster: this.cluster,
      version: "0",
      proof,
      settings: { aliveEveryMs: 30_000 },
      streams: [...this.marks].map(([stream, next]) => ({ stream, next })),
    };
    this.say("welcome", this.options.welcome?.(body) ?? body);
  }
}
