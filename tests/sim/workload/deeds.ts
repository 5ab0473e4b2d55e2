/** What people do, one function for each: honest operators, and a thief who holds a server and old documents. */
import { rfc3339 } from "../../../base/clock.ts";
import type { UlidMaker } from "../../../base/ids.ts";
import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import type { AgentNode } from "../nodes/agent_node.ts";
import { UNSIGNED } from "../world/cast.ts";
import { startKey } from "../checks/runs.ts";
import { type Paper, type Papers, wholeSeconds } from "../world/papers.ts";
import type { JobPaper, JobPapers } from "../world/job_papers.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import type { World } from "../world/world.ts";

/** Where people act, and what they remember. */
export interface Stage {
  readonly world: World;
  readonly papers: Papers;
  readonly servers: readonly ServerNode[];
  readonly agents: readonly AgentNode[];
  readonly ids: UlidMaker;
  /** Orders that an operator has signed. */
  readonly written: Paper[];
  /** Unsigned orders that a server has answered for. */
  readonly unsigned: string[];
  readonly jobs: JobPapers;
  /** What reached an agent behind the server's back: `<order>/<agent>`. */
  readonly slipped: Set<string>;
}

/** So many of the last orders are still of interest. */
const RECENT = 12;

export function writeOrder(stage: Stage): void {
  const { papers, world: { timeline, dice }, written } = stage;
  const paper = papers.write("ada", timeline.now());
  written.push(paper);
  submit(stage, paper, dice.chance(0.1));
}

export function orderUnsigned(stage: Stage): void {
  const { world: { dice, cast }, written, unsigned } = stage;
  const script = dice.pick(cast.scripts);
  const does = ["command:sys.facts", "command:process.exec", `script:${script.name}`, `script:${script.hash}`];
  const request = {
    ask: "submitUnsigned" as const,
    does: dice.pick(does),
    args: { n: written.length },
    selector: dice.pick(["", "env=test"]),
    dryRun: false,
  };
  someServer(stage).ask({ ...request, ...(dice.chance(0.2) && { timeout: 5 }) }, (outcome) => {
    if ("answer" in outcome && isJsonObject(outcome.answer)) unsigned.push(String(outcome.answer["order"]));
  });
}

/** An operator who has lost the answer. */
export function submitAgain(stage: Stage): void {
  const { world: { dice }, written } = stage;
  if (written.length > 0) submit(stage, dice.pick(written));
}

export function submitForged(stage: Stage): void {
  submit(stage, forged(stage));
}

export function cancelSome(stage: Stage): void {
  const order = someOrder(stage);
  if (order !== undefined) someServer(stage).ask({ ask: "cancelOrder", order, reason: "changed my mind" });
}

export function lookAtSome(stage: Stage): void {
  const order = someOrder(stage);
  if (order !== undefined) someServer(stage).ask({ ask: "order", order });
}

export function listSome(stage: Stage): void {
  someServer(stage).ask(stage.world.dice.pick([
    { ask: "orders", limit: 5 },
    { ask: "history", limit: 20 },
    { ask: "agents", selector: "" },
    { ask: "scripts" },
  ]));
}

/** A thief sends everything on that was ever signed, to everybody. */
export function slipAll(stage: Stage): void {
  for (const paper of stage.written) for (const agent of stage.agents) slipPaper(stage, paper, agent);
}

/** A thief sends an old document on. */
export function slipOld(stage: Stage): void {
  const { world: { dice }, written } = stage;
  if (written.length > 0) slipPaper(stage, dice.pick(written));
}

export function slipForged(stage: Stage): void {
  slipPaper(stage, forged(stage));
}

export function slipUnsigned(stage: Stage): void {
  const { world: { timeline, dice, cast }, ids, papers } = stage;
  const now = timeline.now();
  const script = `script:${dice.pick(cast.scripts).hash}`;
  const order = {
    id: ids.next(now),
    does: dice.pick([`command:${UNSIGNED[0]}`, "command:process.exec", script]),
    args: { n: -1 },
    selector: dice.pick(["", "env=test"]),
    notAfter: rfc3339(now + 60_000),
  };
  papers.register({ ...order, text: "", seal: "none", notBefore: 0, notAfter: now + 60_000, runs: "once" });
  slip(stage, "command", order.id, { unsigned: order });
}

export function slipCancel(stage: Stage): void {
  const order = someOrder(stage);
  if (order !== undefined) slip(stage, "cancel", order, { order, reason: "forged" });
}

export function applyJob(stage: Stage): void {
  const { jobs, world: { timeline, dice } } = stage;
  const paper = jobs.write("ada", timeline.now(), dice.chance(0.2));
  // Its server may not hear of it: then only a thief has it.
  if (dice.chance(0.9)) {
    someServer(stage).ask({ ask: "applyJob", bytes: new TextEncoder().encode(paper.text), dryRun: false });
  }
}

/** A thief sends any version on, honest or not. */
export function slipJob(stage: Stage): void {
  const { jobs, world: { timeline, dice } } = stage;
  const all = [...jobs.issued.values()].flat();
  const now = timeline.now();
  const forged: (() => JobPaper)[] = [() => jobs.write("mallory", now, dice.chance(0.3))];
  if (all.length > 0) forged.push(() => jobs.widen(dice.pick(all)));
  const paper = all.length > 0 && dice.chance(0.7) ? dice.pick(all) : dice.pick(forged)();
  slip(stage, "command", paper.id, { job: paper.text });
}

export function askForJobs(stage: Stage): void {
  const { jobs, world: { dice } } = stage;
  const ids = [...jobs.issued.keys()];
  if (ids.length === 0) return;
  const job = dice.pick(ids);
  someServer(stage).ask(
    dice.pick([{ ask: "job", job }, { ask: "jobRuns", job, limit: 20 }, { ask: "jobs", limit: 5 }]),
  );
}

function submit(stage: Stage, paper: Paper, dryRun = false): void {
  someServer(stage).ask({ ask: "submitOrder", bytes: new TextEncoder().encode(paper.text), dryRun });
}

function slipPaper(stage: Stage, paper: Paper, node?: AgentNode): void {
  slip(stage, "command", paper.id, { order: paper.text }, node);
}

function slip(stage: Stage, kind: string, job: string, body: JsonObject, to?: AgentNode): void {
  const { world, agents, ids, slipped } = stage;
  const { timeline, dice, cast } = world;
  const node = to ?? dice.pick(agents);
  slipped.add(startKey(job, node.host.id));
  world.note("thief", `slips ${node.host.name} a ${kind} for ${job.slice(-6)}`);
  const now = timeline.now();
  const from = cast.servers.find(({ name }) => name === node.host.servers[0])!.node;
  const envelope = { v: 1, id: ids.next(now), kind, from, time: rfc3339(now), job, body };
  node.forge(JSON.stringify(envelope));
}

/** A document that no agent may act on, or not now, or not under that id. */
function forged({ papers, written, world: { timeline, dice } }: Stage): Paper {
  const now = timeline.now();
  const past = wholeSeconds(now - 1000);
  const future = wholeSeconds(now + 900_000);
  const kinds: (() => Paper)[] = [
    () => papers.write("mallory", now),
    () => papers.write("ada", now, { notBefore: past - 60_000, notAfter: past }),
    () => papers.write("ada", now, { notBefore: future, notAfter: future + 60_000 }),
  ];
  if (written.length > 0) {
    const old = dice.pick(written);
    kinds.push(
      () => papers.widen(old),
      () => papers.write("ada", now, { id: old.id }),
      () => papers.write("mallory", now, { id: old.id }),
    );
  }
  return dice.pick(kinds)();
}

function someOrder({ written, unsigned, world: { dice } }: Stage): string | undefined {
  const all = [...written.map(({ id }) => id), ...unsigned].slice(-RECENT);
  return all.length === 0 ? undefined : dice.pick(all);
}

/** People ask any server. */
function someServer({ servers, world: { dice } }: Stage): ServerNode {
  return servers.length === 1 ? servers[0]! : dice.pick(servers);
}
