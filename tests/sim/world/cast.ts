/** Who is there: a person whose signature counts, one whose does not, agents with their tags, scripts. */
import { createHash } from "node:crypto";
import type { JsonObject } from "../../../base/json.ts";
import { type PrivateKey, privateKeyFromSeed } from "../../../wire/keys.ts";
import type { Endpoint } from "../../../cluster/swim/messages.ts";
import { agentIdOf, nodeIdOf } from "../../../wire/identity/ids.ts";
import { composeScript, parseScript, sign, type TrustList } from "../../../wire/sign/mod.ts";
import type { Access } from "../../../commands/command.ts";
import type { LocalJob } from "../../../agent/config_jobs.ts";
import { NO_TIMES } from "../../../agent/core/jobs/state.ts";
import { type Dice, WORLD_BEGIN } from "./clock.ts";

export const CLUSTER = "sim-1";

/** What agents can do. */
export const COMMANDS: readonly { key: string; access: Access }[] = [
  { key: "sys.facts", access: 1 },
  { key: "fs.read", access: 2 },
  { key: "process.exec", access: 4 },
  { key: "output.emit", access: 0 },
];
/** Commands that every agent's owner lets run without a signature. */
export const UNSIGNED: readonly string[] = ["sys.facts"];

/** An agent's host: what its owner wrote. */
export interface Host {
  readonly id: string;
  readonly name: string;
  /** JWK member `x`. */
  readonly key: string;
  readonly tags: Record<string, string>;
  /** Signed `start: open` scripts run without an order. */
  readonly openScripts: boolean;
  /** It came with a join token; else somebody has to approve it. */
  readonly invited: boolean;
  /** Names of the servers that it may dial, its home first. */
  readonly servers: readonly string[];
  /** The owner's own; none in a world without jobs. */
  readonly jobs: readonly LocalJob[];
}

export interface SimScript {
  readonly name: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
  /** What reaches the sandbox. */
  readonly body: string;
  readonly start: "open" | "ordered";
  /** Hosts it may run on, by its own header. */
  readonly env: string | undefined;
  readonly trusted: boolean;
}

/** Where a server sits. */
export interface Seat {
  readonly name: string;
  /** Its id, and its name in gossip. */
  readonly node: string;
  readonly key: PrivateKey;
  /** Where it hears gossip. */
  readonly endpoint: Endpoint;
  /** Whether agents have their home there; another one may lose everything. */
  readonly isHome: boolean;
}

/** An agent of which only the door of servers ever sees anything. */
export interface Visitor {
  readonly id: string;
  readonly name: string;
  /** JWK member `x`. */
  readonly key: string;
}

export interface Cast {
  readonly trust: TrustList;
  readonly ada: PrivateKey;
  readonly mallory: PrivateKey;
  readonly servers: readonly Seat[];
  readonly hosts: readonly Host[];
  readonly visitors: readonly Visitor[];
  readonly scripts: readonly SimScript[];
  /** Signed scripts that come and go; no order names them. */
  readonly leaflets: readonly SimScript[];
}

const GOSSIP_PORT = 7946;
const VISITORS = 5;
const LEAFLETS = 4;

export interface CastOptions {
  readonly seed: number;
  readonly servers: number;
  /** The last so many servers are home to nobody. */
  readonly spares: number;
  readonly agents: number;
  readonly withJobs: boolean;
  /** Servers know of each other. */
  readonly clustered: boolean;
}

/** Agents have their homes on the servers in turn. */
export function createCast(dice: Dice, options: CastOptions): Cast {
  const { seed, servers, spares, agents, withJobs, clustered } = options;
  const nodes = Array.from({ length: servers }, (_, index): Seat => {
    const name = index === 0 ? "server" : `server-${index + 1}`;
    const key = keyOf(seed, name);
    const endpoint = { address: `10.0.0.${index + 1}`, port: GOSSIP_PORT };
    return { name, node: nodeIdOf(key.public.jwk), key, endpoint, isHome: index < servers - spares };
  });
  const ada = keyOf(seed, "ada");
  const mallory = keyOf(seed, "mallory");
  const trust: TrustList = {
    signers: [{ key: ada.public.kid, x: ada.public.jwk.x, name: "ada" }],
    revoked: [],
    rules: [],
  };
  const hosts = Array.from({ length: agents }, (_, index): Host => {
    const key = keyOf(seed, `agent ${index}`);
    return {
      id: agentIdOf(key.public.jwk),
      name: `agent-${index + 1}`,
      key: key.public.jwk.x,
      tags: { env: index % 3 === 0 ? "prod" : "test", role: index % 2 === 0 ? "web" : "db", os: "linux" },
      openScripts: index % 3 !== 1,
      invited: index === 0 || !dice.chance(0.2),
      // A server speaks only with agents that call it home, so an agent knows but that one.
      servers: [nodes[index % (servers - spares)]!.name],
      jobs: withJobs ? ownJobs(index) : [],
    };
  });
  const scripts = [
    makeScript(ada, true, "look", "open", 1, ["sys.facts", "output.emit"], undefined),
    makeScript(ada, true, "restart", "ordered", 4, ["process.exec", "output.emit"], "prod"),
    makeScript(ada, true, "peek", "open", 2, ["fs.read"], "test"),
    makeScript(mallory, false, "steal", "open", 2, ["fs.read"], undefined),
  ];
  const visitors = Array.from({ length: clustered ? VISITORS : 0 }, (_, index): Visitor => {
    const { jwk } = keyOf(seed, `visitor ${index}`).public;
    return { id: agentIdOf(jwk), name: `visitor-${index + 1}`, key: jwk.x };
  });
  const leaflets = Array.from(
    { length: clustered ? LEAFLETS : 0 },
    (_, index) => makeScript(ada, true, `leaflet-${index + 1}`, "ordered", 2, ["fs.read"], undefined),
  );
  return { trust, ada, mallory, servers: nodes, hosts, visitors, scripts, leaflets };
}

function ownJobs(index: number): LocalJob[] {
  const job = { does: { kind: "command" as const, key: "fs.read" }, args: { own: index }, options: NO_TIMES.options };
  return [
    { ...job, id: "own-timed", trigger: { kind: "interval", seconds: 600 } },
    { ...job, id: "own-start", trigger: { kind: "start" } },
  ];
}

function keyOf(seed: number, name: string): PrivateKey {
  return privateKeyFromSeed(createHash("sha256").update(`${seed} ${name}`).digest());
}

function makeScript(
  key: PrivateKey,
  trusted: boolean,
  name: string,
  start: "open" | "ordered",
  access: Access,
  uses: string[],
  env: string | undefined,
): SimScript {
  const header: JsonObject = {
    name,
    access,
    uses,
    start,
    args: { type: "object", properties: { n: { type: "integer" } } },
    ...(env !== undefined && { tags: { env } }),
  };
  const bytes = sign(composeScript(header, `output.emit({ script: "${name}" });\n`), "script", key, {
    at: WORLD_BEGIN - 3600_000,
  });
  const { hash, body } = parseScript(bytes);
  return { name, hash, bytes, body, start, env, trusted };
}
