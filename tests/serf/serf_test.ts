/**
 * The oracle: a stock `serf agent` takes ours for one of its own, and ours takes it for one. Waits are for what either
 * side says; the only times are the protocol's own (serf's `local` profile and ours).
 */
import assert from "node:assert/strict";
import { memberLine, type MemberSettings, startMember } from "../support/gossip_member.ts";
import { canRun } from "../support/needs.ts";
import { SerfAgent, serfLacks } from "../support/serf_agent.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import type { Program } from "../support/program.ts";

/** A key for tests alone. */
const KEY = btoa("a key that only these tests know.".slice(0, 32));

interface Wire {
  readonly says: string;
  readonly key?: string;
  readonly compress: boolean;
}

const WIRES: readonly Wire[] = [
  { says: "in the clear, compressed", compress: true },
  { says: "sealed with aes-gcm, compressed", key: KEY, compress: true },
];
const PLAIN_WIRES: readonly Wire[] = [
  { says: "in the clear, uncompressed", compress: false },
  { says: "sealed with aes-gcm, uncompressed", key: KEY, compress: false },
];

const OUR_TAGS = { role: "server", place: "rack 7 — Zürich" };
const SERF_TAGS = { role: "oracle", zone: "b" };

/** What was started, ended at the end whatever happened. */
class Started implements AsyncDisposable {
  readonly #programs: Program[] = [];
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async ours(more: Partial<MemberSettings> = {}): Promise<{ program: Program; endpoint: Endpoint }> {
    const started = await startMember({ name: "ours", tags: OUR_TAGS, ...this.#settings(), ...more });
    this.#programs.push(started.program);
    return started;
  }

  async serf(more: { name?: string; join?: Endpoint; address?: string } = {}): Promise<SerfAgent> {
    const agent = await SerfAgent.start({ name: "stock", tags: SERF_TAGS, ...this.#settings(), ...more });
    this.#programs.push(agent.program);
    return agent;
  }

  #settings(): { key?: string; compress: boolean } {
    const { key, compress } = this.#wire;
    return { compress, ...(key !== undefined && { key }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program.stop("SIGKILL");
  }
}

/** Registers a test on each of these wires. */
function testOn(wires: readonly Wire[], name: string, run: (started: Started) => Promise<void>): void {
  for (const wire of wires) {
    Deno.test(`${name} (${wire.says})`, async () => {
      if (!canRun(await serfLacks())) return;
      await using started = new Started(wire);
      await run(started);
    });
  }
}

const isAlive = ({ status }: { status: string }) => status === "alive";

testOn([...WIRES, ...PLAIN_WIRES], "who joins is listed by both, with its tags", async (started) => {
  const ours = await started.ours();
  const first = await started.serf({ name: "first", join: ours.endpoint });
  const seen = await first.until("ours", isAlive);
  assert.deepEqual(seen.tags, OUR_TAGS);
  assert.equal(seen.addr, `${ours.endpoint.address}:${ours.endpoint.port}`);
  const [, tags] = await ours.program.line(/^member joined first alive (.*)$/);
  assert.deepEqual(JSON.parse(tags!), SERF_TAGS);
  // The other way round, and everybody learns of everybody.
  const second = await started.serf({ name: "second" });
  const others = await started.ours({ name: "others", join: second.endpoint });
  await others.program.line(/^reached 1 $/);
  await second.until("others", isAlive);
  await second.join(ours.endpoint);
  for (const serf of [first, second]) {
    for (const name of ["ours", "others", "first", "second"]) await serf.until(name, isAlive);
  }
  for (const [program, names] of [[ours.program, ["second", "others"]], [others.program, ["first", "ours"]]] as const) {
    for (const name of names) await program.line(memberLine("joined", name, "alive"));
  }
  // Passed on by everybody, and handed up by ours.
  await first.event("deploy", "now");
  for (const { program } of [ours, others]) await program.line(/^event deploy now$/);
  await second.program.line(/Received event: user-event: deploy/);
});

testOn(
  WIRES,
  "a serf agent that is killed has failed, one that stops has left, and both come back",
  async (started) => {
    const ours = await started.ours();
    const serf = await started.serf({ join: ours.endpoint });
    await ours.program.line(memberLine("joined", "stock", "alive"));
    await serf.until("ours", isAlive);
    const restart = async (): Promise<SerfAgent> => {
      const seen = ours.program.lines.length;
      const again = await started.serf({ address: serf.endpoint.address, join: ours.endpoint });
      await ours.program.line(memberLine("joined", "stock", "alive"), seen);
      return again;
    };
    await serf.kill();
    await ours.program.line(memberLine("failed", "stock", "failed"));
    const second = await restart();
    await second.until("ours", isAlive);
    await second.leave();
    await ours.program.line(memberLine("left", "stock", "left"));
    const third = await restart();
    await third.until("ours", isAlive);
  },
);

testOn(WIRES, "one of ours that is killed has failed, one that stops has left, and both come back", async (started) => {
  const serf = await started.serf();
  const ours = await started.ours({ join: serf.endpoint });
  await serf.until("ours", isAlive);
  await ours.program.stop("SIGKILL");
  await serf.until("ours", ({ status }) => status === "failed");
  const again = { listen: ours.endpoint, join: serf.endpoint };
  const second = await started.ours(again);
  await serf.until("ours", isAlive);
  const { code } = await second.program.stop("SIGTERM");
  assert.equal(code, 0);
  await serf.until("ours", ({ status }) => status === "left");
  await started.ours(again);
  await serf.until("ours", isAlive);
});
