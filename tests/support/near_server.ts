/** A whole server inside the test's own process: real listener, driver, core and store, and agents made by hand. */
import { parse } from "yaml";
import { systemClock } from "../../base/clock_system.ts";
import { UlidMaker } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import { systemRng } from "../../base/rng_system.ts";
import { initMaterial } from "../../cluster/ca/mod.ts";
import type { ClusterFace } from "../../server/cluster/face.ts";
import { loadSettings, type Settings } from "../../server/config_system.ts";
import { type RunningServer, startServer } from "../../server/server.ts";
import { spawnStorage, type StorageWorker, threadStore } from "../../server/storage/thread_store.ts";
import { toBase64url } from "../../wire/base64url.ts";
import { agentIdOf, joinCredential, makeConnectClaim, parseJoinToken } from "../../wire/identity/mod.ts";
import { type PrivateKey, privateKeyFromSeed } from "../../wire/keys.ts";

const PASSWORD = "correct horse battery";
const ids = new UlidMaker(systemRng);
export const ulid = (): string => ids.next(Date.now());

export interface NearServerOptions {
  /** Stands between the store and its thread. */
  spawn?: (dataDir: string) => StorageWorker;
  onDeath?: () => void;
  /** The server's part in a cluster; without one it has no gossip. */
  cluster?: ClusterFace;
}

export interface NearServer {
  url: string;
  port: number;
  settings: Settings;
  folder: string;
  /** What the server logged, level first. */
  logged: string[];
  join: string;
  /** A request of the admin. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  token(): Promise<string>;
  running: RunningServer;
  /** Stops the server and removes its files. */
  end(): Promise<void>;
}

export async function nearServer(options: NearServerOptions = {}): Promise<NearServer> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-near-" });
  const { files, summary } = await initMaterial({
    now: Date.now(),
    rng: systemRng,
    listen: "127.0.0.1:1",
    operator: { password: PASSWORD },
    join: { uses: 100_000 },
  });
  for (const { path, mode, text } of files) {
    const { tls: _, ...plain } = path === "jabber-server.yaml" ? parse(text) : {};
    // JSON is YAML.
    await Deno.writeTextFile(`${folder}/${path}`, path === "jabber-server.yaml" ? JSON.stringify(plain) : text, {
      mode,
    });
  }
  const settings = loadSettings({ config: `${folder}/jabber-server.yaml`, listen: "127.0.0.1:0" }, Date.now());
  await Deno.mkdir(settings.dataDir, { recursive: true });
  const store = await threadStore({
    dataDir: settings.dataDir,
    storeId: ulid(),
    spawn: options.spawn ?? spawnStorage,
    onDeath: () => options.onDeath?.(),
  });
  const logged: string[] = [];
  const log: Log = (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const { cluster } = options;
  const parts = { settings, store, clock: systemClock, rng: systemRng, log, ...(cluster !== undefined && { cluster }) };
  const running = await startServer(parts);
  const url = `http://127.0.0.1:${running.port}`;
  let token = "";
  const signIn = async (): Promise<string> => {
    const response = await fetch(`${url}/v1/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: summary.operator, password: PASSWORD }),
    });
    return (await response.json()).token;
  };
  const known = async (): Promise<string> => token ||= await signIn();
  return {
    url,
    port: running.port,
    settings,
    folder,
    logged,
    join: joinCredential(parseJoinToken(summary.joinToken)),
    ask: async (path, init = {}) =>
      await fetch(url + path, { ...init, headers: { authorization: `Bearer ${await known()}`, ...init.headers } }),
    token: known,
    running,
    end: async () => {
      await running.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** An agent's connection, spoken by hand. */
export class NearAgent {
  readonly id: string;
  readonly socket: WebSocket;
  readonly heard: JsonObject[] = [];
  readonly closed: Promise<CloseEvent>;
  readonly #waiters = new Set<() => void>();

  private constructor(id: string, socket: WebSocket) {
    this.id = id;
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      this.heard.push(JSON.parse(String(data)));
      for (const wake of [...this.#waiters]) wake();
    };
    socket.onerror = (event) => event.preventDefault();
    this.closed = new Promise((resolve) => {
      socket.onclose = (event) => {
        resolve(event);
        for (const wake of [...this.#waiters]) wake();
      };
    });
  }

  static async open(server: NearServer, key: PrivateKey = newAgentKey(), joins = true): Promise<NearAgent> {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/agent/connect`, {
      headers: {
        authorization: `Bearer ${await claimOf(server, key)}`,
        ...(joins && { "x-jabber-join": server.join }),
      },
    });
    const agent = new NearAgent(agentIdOf(key.public.jwk), socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      void agent.closed.then(() => reject(new Error("the door stayed shut")));
    });
    return agent;
  }

  /** Opens, says hello and waits for the welcome. */
  static async ready(server: NearServer, key: PrivateKey = newAgentKey()): Promise<NearAgent> {
    const agent = await NearAgent.open(server, key);
    agent.say("hello", {
      protocol: { min: 1, max: 1 },
      version: "1.0.0",
      boot: ulid(),
      epoch: 1,
      name: "near",
      tags: { os: "linux" },
      streams: [],
    });
    await agent.until("welcome");
    return agent;
  }

  line(kind: string, body: unknown, more: JsonObject = {}): string {
    return JSON.stringify({ v: 1, id: ulid(), kind, from: this.id, time: new Date().toISOString(), ...more, body });
  }

  say(kind: string, body: unknown, more: JsonObject = {}): void {
    this.socket.send(this.line(kind, body, more));
  }

  /** The first thing heard that fits, taken out; fails when the connection ends before it. */
  async until(kind: string, fits: (one: JsonObject) => boolean = () => true): Promise<JsonObject> {
    for (;;) {
      const index = this.heard.findIndex((one) => one["kind"] === kind && fits(one));
      if (index >= 0) return this.heard.splice(index, 1)[0]!;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`no ${kind}: ${JSON.stringify(this.heard)}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiters.delete(wake);
          resolve();
        };
        this.#waiters.add(wake);
      });
    }
  }

  async close(): Promise<void> {
    if (this.socket.readyState <= WebSocket.OPEN) this.socket.close();
    await this.closed;
  }
}

export function newAgentKey(): PrivateKey {
  return privateKeyFromSeed(systemRng.bytes(32));
}

/** A fresh claim for the server. */
export async function claimOf(server: NearServer, key: PrivateKey): Promise<string> {
  const response = await fetch(`${server.url}/v1/agent/challenge`, { method: "POST", body: "{}" });
  const { nonce, node, cluster } = await response.json();
  return makeConnectClaim(key, {
    cluster,
    node,
    dialled: `127.0.0.1:${server.port}`,
    nonce,
    salt: toBase64url(systemRng.bytes(16)),
    boot: ulid(),
    epoch: Date.now(),
    now: Date.now(),
  });
}
