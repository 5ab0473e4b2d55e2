/**
 * Where attacks are played: one compiled agent that a hostile server holds, and a folder of markers. Every forbidden
 * program would leave its marker there; the agent's own policy allows it, so nothing but the missing right to ask stops it.
 */
import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import { systemRng } from "../../base/rng_system.ts";
import type { JsonObject } from "../../base/json.ts";
import { type PrivateKey, privateKeyFromSeed } from "../../wire/keys.ts";
import { composeOrder, composeScript, parseScript, sign } from "../../wire/sign/mod.ts";
import type { UnsignedOrder } from "../../wire/kinds.ts";
import { binary, Program } from "../support/program.ts";
import { type ClusterMaterial, HostileServer, newCluster, ulid } from "./double.ts";
import { isRunState, refusalsIn, type RunState } from "./heard.ts";

const TOUCH = "/usr/bin/touch";

/** An attack: what the server does, and what the agent's own records say about it. */
export interface Attack {
  name: string;
  /** The codes of the refusals, in order. */
  refused: string[];
  /** Honest orders that the attack itself has carried out first. */
  honestRuns?: number;
  play(stage: Stage): void | Promise<void>;
}

export interface StageOptions {
  /** More of `policy.trust`, beside the author. */
  trust?: (material: ClusterMaterial) => { signers: JsonObject[]; revoked: string[] };
  server?: HostileServer;
}

export class Stage {
  readonly server: HostileServer;
  readonly folder: string;
  /** A person's key that nobody here trusts. */
  readonly stranger = newKey();
  agent: Program | undefined;
  #honest = 0;

  private constructor(server: HostileServer, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  /** A cluster, its hostile server, and an agent that is READY. */
  static async open(options: StageOptions = {}): Promise<Stage> {
    const server = options.server ?? new HostileServer(await newCluster());
    const stage = new Stage(server, await Deno.makeTempDir({ prefix: "jabber-hostile-" }));
    try {
      await Deno.mkdir(`${stage.folder}/markers`);
      await Deno.writeTextFile(`${stage.folder}/token`, server.joinToken, { mode: 0o600 });
      const { author } = server.material;
      const more = options.trust?.(server.material) ?? { signers: [], revoked: [] };
      const policy = {
        trust: { signers: [signerOf(author, "author"), ...more.signers], revoked: more.revoked, rules: [] },
        tags: { role: "web" },
        programs: [{ path: TOUCH, realPath: Deno.realPathSync(TOUCH), args: [{ word: 300 }] }],
      };
      await Deno.writeTextFile(`${stage.folder}/agent.yaml`, JSON.stringify({ name: "victim", policy }), {
        mode: 0o600,
      });
      await stage.startAgent();
      return stage;
    } catch (cause) {
      await stage.close();
      throw cause;
    }
  }

  /** Starts the agent's process, again if need be, and waits until it is READY. */
  async startAgent(): Promise<Program> {
    const agent = this.launchAgent();
    await agent.line(/READY/);
    return agent;
  }

  /** Waits for the agent's next `hello`, counted from what was heard before. */
  async hello(from: number): Promise<void> {
    await this.server.heard.until("hello", (since) => since.find(({ kind }) => kind === "hello"), from);
  }

  /** Starts the agent's process without waiting for anything. */
  launchAgent(): Program {
    this.agent = new Program("agent", binary("jabber-agent"), {
      args: [
        "--config",
        `${this.folder}/agent.yaml`,
        "--data",
        `${this.folder}/data`,
        "--token-file",
        `${this.folder}/token`,
      ],
    });
    return this.agent;
  }

  async killAgent(): Promise<void> {
    await this.agent?.stop("SIGKILL");
  }

  async close(): Promise<void> {
    await this.killAgent();
    await this.server.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  /** The path of a marker. */
  marker(name: string): string {
    return `${this.folder}/markers/${name}`;
  }

  /** The markers that are there, sorted. */
  markers(): string[] {
    return [...Deno.readDirSync(`${this.folder}/markers`)].map(({ name }) => name).sort();
  }

  /** An order's text that would leave a marker, signed by `key` (the author's when left out, nobody's for null). */
  order(
    marker: string,
    fields: JsonObject = {},
    key: PrivateKey | null = this.server.material.author,
  ): string {
    const now = Date.now();
    const bytes = composeOrder({
      id: ulid(),
      cluster: this.server.material.cluster,
      does: "command:process.exec",
      args: { program: TOUCH, args: [this.marker(marker)] },
      selector: "",
      notBefore: seconds(now - 1000),
      notAfter: seconds(now + 3600_000),
      ...fields,
    });
    return new TextDecoder().decode(key === null ? bytes : sign(bytes, "order", key, { at: now }));
  }

  /** Hands the agent a signed order. */
  command(order: string): void {
    this.server.say("command", { order });
  }

  /** Hands the agent an order that nobody signed. */
  bare(marker: string, fields: Partial<UnsignedOrder> = {}): void {
    const unsigned: UnsignedOrder = {
      id: ulid(),
      does: "command:process.exec",
      args: { program: TOUCH, args: [this.marker(marker)] },
      selector: "",
      notAfter: rfc3339(Date.now() + 60_000),
      ...fields,
    };
    this.server.say("command", { unsigned });
  }

  /** A script that would leave a marker, signed by `key` (nobody for null). */
  script(
    marker: string,
    fields: JsonObject = {},
    key: PrivateKey | null = this.server.material.author,
  ): { bytes: Uint8Array<ArrayBuffer>; hash: string } {
    const header = { name: marker, access: 4, uses: ["process.exec"], ...fields };
    const body = `await process.exec(${JSON.stringify({ program: TOUCH, args: [this.marker(marker)] })});\n`;
    const bytes = composeScript(header, body);
    const signed = key === null ? bytes : sign(bytes, "script", key, { at: Date.now() });
    return { bytes: signed, hash: parseScript(signed).hash };
  }

  /** An honest order of the author still does its work: waits for its end. */
  async honestOrder(): Promise<RunState> {
    const marker = `honest-${++this.#honest}`;
    const from = this.server.heard.length;
    const order = this.order(marker);
    this.command(order);
    const id = /^id: "(\w+)"$/m.exec(order)?.[1];
    const end = await this.server.heard.until(`the end of ${marker}`, (since) => {
      return since.filter(isRunState).find(({ job, body }) => job === id && body.state !== "started");
    }, from);
    assert.equal(end.body.ok, true, JSON.stringify(end));
    assert.ok(this.markers().includes(marker), `${marker} left no marker`);
    return end;
  }

  /** Plays one attack, then shows that it was refused as it says, that nothing ran, and that honest orders still work. */
  async play(attack: Attack): Promise<void> {
    const { heard } = this.server;
    const from = heard.length;
    const before = this.markers();
    await attack.play(this);
    await heard.until(`${attack.refused.length} refusals`, (since) => {
      return refusalsIn(since).length >= attack.refused.length ? true : undefined;
    }, from);
    const { run } = await this.honestOrder();
    const since = heard.envelopes.slice(from);
    assert.deepEqual(refusalsIn(since), attack.refused);
    const started = since.filter(isRunState).filter(({ body }) => body.state === "started").map((one) => one.run);
    const others = new Set(started.filter((one) => one !== run));
    assert.equal(others.size, attack.honestRuns ?? 0, `something else was started: ${[...others].join(", ")}`);
    assert.deepEqual(this.markers(), [...before, `honest-${this.#honest}`].sort(), "something ran");
  }
}

export function newKey(): PrivateKey {
  return privateKeyFromSeed(systemRng.bytes(32));
}

/** A line of a trust list. */
export function signerOf(key: PrivateKey, name: string, notAfter?: string): JsonObject {
  return { key: key.public.kid, x: key.public.jwk.x, name, ...(notAfter !== undefined && { notAfter }) };
}

/** A time as documents spell it. */
export function seconds(at: number): string {
  return rfc3339(at).replace(/\.\d+/, "");
}

/** Plays a table of attacks on one agent, one step each, and checks at the end that nothing came late. */
export async function playAll(t: Deno.TestContext, stage: Stage, attacks: readonly Attack[]): Promise<void> {
  for (const attack of attacks) await t.step(attack.name, () => stage.play(attack));
  await t.step("nothing ran late", () => {
    assert.deepEqual(stage.markers().filter((name) => !name.startsWith("honest-")), []);
  });
}
