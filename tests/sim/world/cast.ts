/** Who is there: a person whose signature counts, one whose does not, agents with their tags, scripts. */
import { createHash } from "node:crypto";
import type { JsonObject } from "../../../base/json.ts";
import { type PrivateKey, privateKeyFromSeed } from "../../../wire/keys.ts";
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

export interface Cast {
  readonly trust: TrustList;
  readonly ada: PrivateKey;
  readonly mallory: PrivateKey;
  readonly servers: readonly { name: string; node: string }[];
  readonly hosts: readonly Host[];
  readonly scripts: readonly SimScript[];
}

/** @param servers how many; agents have their homes there in turn */
export function createCast(seed: number, servers: number, agents: number, dice: Dice, withJobs: boolean): Cast {
  const nodes = Array.from({ length: servers }, (_, index) => {
    const name = index === 0 ? "server" : `server-${index + 1}`;
    return { name, node: nodeIdOf(keyOf(seed, name).public.jwk) };
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
      // A server knows only those who were enrolled with it, so an agent has but its home.
      servers: [nodes[index % servers]!.name],
      jobs: withJobs ? ownJobs(index) : [],
    };
  });
  const scripts = [
    makeScript(ada, true, "look", "open", 1, ["sys.facts", "output.emit"], undefined),
    makeScript(ada, true, "restart", "ordered", 4, ["process.exec", "output.emit"], "prod"),
    makeScript(ada, true, "peek", "open", 2, ["fs.read"], "test"),
    makeScript(mallory, false, "steal", "open", 2, ["fs.read"], undefined),
  ];
  return { trust, ada, mallory, servers: nodes, hosts, scripts };
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
