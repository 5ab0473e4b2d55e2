/** Servers of one cluster inside the test's own process, each with its real gossip, listener, driver, core and store. */
import { parse } from "yaml";
import { systemClock } from "../../base/clock_system.ts";
import { UlidMaker } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import { systemRng } from "../../base/rng_system.ts";
import { anotherServer, initMaterial, type MaterialFile } from "../../cluster/ca/mod.ts";
import type { ClusterPart } from "../../server/cluster/part.ts";
import { startCluster } from "../../server/cluster/start.ts";
import { loadSettings } from "../../server/config_system.ts";
import { startServer } from "../../server/server.ts";
import { threadStore } from "../../server/storage/thread_store.ts";
import { type PrivateKey, privateKeyFromPem } from "../../wire/keys.ts";
import { eventually } from "./proc.ts";

/** Of anything that is waited for: a machine may be busy. */
export const WAIT_MS = 60_000;
const PASSWORD = "correct horse battery";
const ids = new UlidMaker(systemRng);

export interface ClusterServer {
  readonly node: string;
  readonly part: ClusterPart;
  readonly logged: string[];
  /** `host:port` of its gossip. */
  readonly gossip: string;
  /** A request of the admin. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Ends it in good order; its files stay. */
  stop(): Promise<void>;
}

export interface NearCluster {
  /** The key of the one person whom servers trust. */
  readonly author: PrivateKey;
  /** Starts the server of that place on its own files; its gossip joins the others that run. */
  start(place: number): Promise<ClusterServer>;
  end(): Promise<void>;
}

/** A cluster of up to so many servers; none runs yet. */
export async function nearCluster(count: number): Promise<NearCluster> {
  const root = await Deno.makeTempDir({ prefix: "jabber-cluster-" });
  const author = await writeServers(root, count);
  const running = new Map<number, ClusterServer>();
  return {
    author,
    async start(place) {
      const join = [...running.values()].map(({ gossip }) => gossip);
      const server = await startOne(`${root}/${place}`, join);
      running.set(place, {
        ...server,
        stop: async () => {
          running.delete(place);
          await server.stop();
        },
      });
      return running.get(place)!;
    },
    async end() {
      await Promise.all([...running.values()].map((server) => server.stop()));
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** Waits until all of them see each other alive. */
export async function untilMet(servers: readonly ClusterServer[]): Promise<void> {
  await eventually("every server to see every other one alive", WAIT_MS, () => {
    const all = servers.every(({ part }) =>
      part.members().filter(({ state }) => state === "alive").length === servers.length
    );
    return all || undefined;
  });
}

async function writeServers(root: string, count: number): Promise<PrivateKey> {
  const now = Date.now();
  const { files } = await initMaterial({
    now,
    rng: systemRng,
    listen: "127.0.0.1:1",
    operator: { password: PASSWORD },
    gossip: { listen: "127.0.0.1:0", join: [] },
  });
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  const { cluster, auth, join, trust } = parse(text("jabber-server.yaml"));
  await write(`${root}/0`, files);
  for (let place = 1; place < count; place++) {
    const another = await anotherServer({
      now,
      rng: systemRng,
      listen: "127.0.0.1:1",
      shared: {
        cluster: cluster.id,
        users: auth.users,
        tokens: join.tokens,
        signers: trust.signers,
        caPem: text("cluster-ca.pem"),
        caKey: text("cluster-ca.key"),
        gossipKey: text("gossip.key"),
        operatorSecret: text("operator-secret"),
      },
      gossip: { listen: "127.0.0.1:0", join: [] },
    });
    await write(`${root}/${place}`, another.files);
  }
  return privateKeyFromPem(text("author.key"));
}

async function write(folder: string, files: readonly MaterialFile[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const { path, mode, text } of files) {
    if (path !== "jabber-server.yaml") await Deno.writeTextFile(`${folder}/${path}`, text, { mode });
    else {
      // Loopback needs no TLS; JSON is YAML. A local profile probes often.
      const { tls: _, ...plain } = parse(text);
      const config = JSON.stringify({ ...plain, gossip: { ...plain.gossip, profile: "local" } });
      await Deno.writeTextFile(`${folder}/${path}`, config, { mode });
    }
  }
}

async function startOne(folder: string, join: readonly string[]): Promise<ClusterServer> {
  const settings = loadSettings({ config: `${folder}/jabber-server.yaml`, listen: "127.0.0.1:0", join }, Date.now());
  await Deno.mkdir(settings.dataDir, { recursive: true });
  const store = await threadStore({ dataDir: settings.dataDir, storeId: ids.next(Date.now()), onDeath: () => {} });
  const logged: string[] = [];
  const log: Log = (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const surroundings = { store, clock: systemClock, rng: systemRng, log };
  const { self, caKey, revoked, config, gossip } = settings;
  const part = await startCluster({ self, caKey, revoked, http: config.advertise, gossip: gossip!, ...surroundings });
  const running = await startServer({ settings, cluster: part, ...surroundings });
  const url = `http://127.0.0.1:${running.port}`;
  let token: Promise<string> | undefined;
  const login = async (): Promise<string> => {
    const body = JSON.stringify({ user: config.auth.users[0]!.name, password: PASSWORD });
    const headers = { "content-type": "application/json" };
    return (await (await fetch(`${url}/v1/login`, { method: "POST", headers, body })).json()).token;
  };
  return {
    node: self.node,
    part,
    logged,
    gossip: `127.0.0.1:${part.endpoint!.port}`,
    ask: async (path, init = {}) => {
      const authorization = `Bearer ${await (token ??= login())}`;
      return await fetch(url + path, { ...init, headers: { authorization, ...init.headers } });
    },
    stop: () => running.stop(),
  };
}
