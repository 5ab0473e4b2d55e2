/**
 * A server in the hands of an attacker. It owns all that a real server owns (node key, statement, TLS key, join tokens,
 * every script and order) and does the real handshake, so that a real agent takes it for its server. From there on it
 * says whatever a test wants. What it does not own is any person's signing key.
 */
import assert from "node:assert/strict";
import { systemRng } from "../../base/rng_system.ts";
import { UlidMaker } from "../../base/ids.ts";
import { rfc3339 } from "../../base/clock.ts";
import { initMaterial, nodeMaterial } from "../../cluster/ca/mod.ts";
import { parseEnvelope } from "../../wire/envelope.ts";
import {
  type Challenge,
  ChallengeBook,
  type ConnectIdentity,
  makeChallenge,
  makeJoinToken,
  makeWelcomeProof,
  type NodeIdentity,
  parseJoinToken,
  verifyConnectClaim,
} from "../../wire/identity/mod.ts";
import { type PrivateKey, privateKeyFromPem } from "../../wire/keys.ts";
import type { BodyOf } from "../../wire/kinds.ts";
import { Heard } from "./heard.ts";

/** A cluster as `jabber init` makes it, in memory. */
export interface ClusterMaterial {
  cluster: string;
  ca: { key: PrivateKey; certPem: string };
  node: NodeIdentity;
  tls: { cert: string; key: string };
  /** The person whose signature counts. Tests sign honest orders with it; the attacker never does. */
  author: PrivateKey;
  joinToken: string;
}

export async function newCluster(): Promise<ClusterMaterial> {
  const { files, summary } = await initMaterial({
    now: Date.now(),
    rng: systemRng,
    operator: { password: "correct horse battery" },
  });
  const text = (path: string): string => files.find((file) => file.path === path)?.text ?? "";
  const { cluster, node, names } = summary;
  const key = privateKeyFromPem(text("node.key"));
  return {
    cluster,
    ca: { key: privateKeyFromPem(text("cluster-ca.key")), certPem: text("cluster-ca.pem") },
    node: { cluster, node, key, statement: text("node-statement.jws").trim(), names },
    tls: { cert: text("tls.pem"), key: text("tls.key") },
    author: privateKeyFromPem(text("author.key")),
    joinToken: summary.joinToken,
  };
}

/** Another server of the same cluster, by the CA's word. */
export async function secondNode(material: ClusterMaterial): Promise<ClusterMaterial> {
  const { cluster, ca, node: { names } } = material;
  const about = { cluster, names, now: Date.now() };
  const { node, files } = await nodeMaterial(ca, about, systemRng);
  const text = (path: string): string => files.find((file) => file.path === path)?.text ?? "";
  return {
    ...material,
    node: {
      cluster,
      node,
      key: privateKeyFromPem(text("node.key")),
      statement: text("node-statement.jws").trim(),
      names,
    },
    tls: { cert: text("tls.pem"), key: text("tls.key") },
  };
}

/** What the server does where an honest one has no choice. Tests change it between attacks. */
export interface Behaviour {
  /** A body, or a whole answer. */
  challenge(honest: Challenge): unknown;
  welcome(honest: BodyOf<"welcome">, caller: ConnectIdentity): BodyOf<"welcome">;
  /** Said on the open socket before the welcome. */
  first: (string | Uint8Array<ArrayBuffer>)[];
  script(hash: string): Uint8Array<ArrayBuffer> | undefined;
  /** Acknowledges what it was sent. */
  acks: boolean;
  /** Remembers what it has acknowledged. */
  remembers: boolean;
}

const HONEST: Behaviour = {
  challenge: (honest) => honest,
  welcome: (honest) => honest,
  first: [],
  script: () => undefined,
  acks: true,
  remembers: true,
};

/** One agent's connection. */
export interface Session {
  caller: ConnectIdentity;
  socket: WebSocket;
  /** Resolves when the socket has ended. */
  closed: Promise<void>;
}

const ids = new UlidMaker(systemRng);
/** A fresh ULID. */
export const ulid = (): string => ids.next(Date.now());

export class HostileServer {
  readonly material: ClusterMaterial;
  behaviour: Behaviour = { ...HONEST };
  readonly heard = new Heard();
  /** Paths of the requests that came, in order. */
  readonly requests: string[] = [];
  /** Claims that were good. */
  readonly callers: ConnectIdentity[] = [];
  session: Session | undefined;
  /** Every record by stream and offset, as its line. What comes again must be the same. */
  readonly lines = new Map<string, string>();
  /** Records that came again. */
  repeats = 0;
  readonly #book = new ChallengeBook(systemRng.bytes(32), systemRng);
  readonly #held = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(material: ClusterMaterial) {
    this.material = material;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...material.tls },
      (request, info) => this.#answer(request, info.remoteAddr.hostname),
    );
  }

  get url(): string {
    return `https://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The cluster's token with this server in it. */
  get joinToken(): string {
    return makeJoinToken({ ...parseJoinToken(this.material.joinToken), servers: [this.url] });
  }

  /** From now on it does this and is honest in all else. */
  behave(behaviour: Partial<Behaviour>): void {
    this.behaviour = { ...HONEST, ...behaviour };
  }

  /** Ends the agent's connection. */
  async hangUp(): Promise<void> {
    this.session?.socket.close();
    await this.session?.closed;
  }

  async stop(): Promise<void> {
    await this.hangUp();
    await this.#server.shutdown();
  }

  /** Sends one envelope. `more` may replace any of its members. */
  say(kind: string, body: unknown, more: Record<string, unknown> = {}): void {
    this.sayRaw(this.line(kind, body, more));
  }

  /** An envelope's line. */
  line(kind: string, body: unknown, more: Record<string, unknown> = {}): string {
    const { node } = this.material.node;
    return JSON.stringify({ v: 1, id: ulid(), kind, from: node, time: rfc3339(Date.now()), ...more, body });
  }

  /** Sends a frame as it is. */
  sayRaw(frame: string | Uint8Array<ArrayBuffer>): void {
    this.session?.socket.send(frame);
  }

  async #answer(request: Request, address: string): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.requests.push(pathname);
    const { node } = this.material;
    const now = Date.now();
    if (pathname === "/v1/agent/challenge") {
      await request.body?.cancel();
      const answer = this.behaviour.challenge(makeChallenge(node, this.#book.issue(address, now), now));
      return answer instanceof Response ? answer : Response.json(answer);
    }
    const claim = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
    const caller = verifyConnectClaim(claim, { self: node, book: this.#book, now, fromLoopback: true });
    this.callers.push(caller);
    if (pathname === "/v1/agent/connect") return this.#upgrade(request, caller);
    const script = this.behaviour.script(pathname.slice(pathname.lastIndexOf("/") + 1));
    return script === undefined ? new Response("no such script", { status: 404 }) : new Response(script);
  }

  #upgrade(request: Request, caller: ConnectIdentity): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    const closed = new Promise<void>((resolve) => socket.onclose = () => resolve());
    socket.onerror = (event) => event.preventDefault();
    socket.onopen = () => {
      this.session = { caller, socket, closed };
      for (const frame of this.behaviour.first) socket.send(frame);
    };
    socket.onmessage = ({ data }) => this.#received(caller, String(data));
    return response;
  }

  #received(caller: ConnectIdentity, frame: string): void {
    // The product's own reader: an agent that is talked into sending nonsense fails the test here.
    const marks = new Map<string, number>();
    for (const line of frame.split("\n")) {
      const envelope = parseEnvelope(line, "agent");
      const { kind, stream, offset } = envelope;
      if (kind === "hello") this.#welcome(caller, envelope.body);
      if (stream === undefined || offset === undefined) {
        this.heard.add(envelope);
        continue;
      }
      marks.set(stream, offset + 1);
      if (this.#isNew(`${stream} ${offset}`, line)) this.heard.add(envelope);
    }
    if (!this.behaviour.acks || marks.size === 0) return;
    const streams = [...marks].map(([stream, next]) => ({ stream, next }));
    if (this.behaviour.remembers) { for (const { stream, next } of streams) this.#held.set(stream, next); }
    this.say("ack", { streams });
  }

  #isNew(place: string, line: string): boolean {
    const known = this.lines.get(place);
    if (known === undefined) {
      this.lines.set(place, line);
      return true;
    }
    assert.equal(line, known, `other content at ${place}`);
    this.repeats++;
    return false;
  }

  #welcome(caller: ConnectIdentity, hello: BodyOf<"hello">): void {
    const { node } = this.material;
    const honest: BodyOf<"welcome"> = {
      protocol: 1,
      node: node.node,
      cluster: node.cluster,
      version: "0.1.0",
      proof: makeWelcomeProof(node, caller, Date.now()),
      settings: { aliveEveryMs: 30_000 },
      streams: hello.streams.map(({ stream }) => ({ stream, next: this.#held.get(stream) ?? 0 })),
    };
    this.say("welcome", this.behaviour.welcome(honest, caller));
  }
}
