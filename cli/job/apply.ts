/**
 * `jabber job apply`: what a document would change and on exactly which agents, then the change itself. The server is
 * asked first and applies nothing meanwhile; what happens between question and answer it judges anew by the serial.
 */
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { sanitize, sanitizeLine } from "../../base/sanitize.ts";
import { ANSWERS, type ApplyJobAnswer, type TargetPreview } from "../../server/core/requests.ts";
import { parseJob, stripSignatures } from "../../wire/sign/mod.ts";
import { type Api, ServerRefusal } from "../api.ts";
import { confirmed } from "../confirm.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { byName, type Format, moment, printListing, tagText } from "../text/output.ts";
import { agentsText } from "../run/attach.ts";
import type { World } from "../world.ts";
import { changedLines } from "./diff.ts";
import { findJob } from "./files.ts";
import { doesText, timesAhead, triggerText } from "./text.ts";

export interface ApplyOptions {
  dryRun: boolean;
  yes: boolean;
  format: Format;
}

/** A document and what the server says of it. */
export interface Plan {
  /** A file, or what it does. */
  title: string;
  bytes: Uint8Array;
  answer: ApplyJobAnswer;
}

/** Applies files one by one; what is wrong with one keeps no other from its place. */
export async function applyFiles(
  world: World,
  api: Api,
  paths: readonly string[],
  options: ApplyOptions,
): Promise<ExitCode> {
  const plans: Plan[] = [];
  let failed = 0;
  for (const path of paths) {
    const plan = await attempt(world, path, async () => await planOf(world, api, path, await world.files.read(path)));
    if (plan === undefined) failed++;
    else plans.push(plan);
  }
  if (options.dryRun) {
    await showTargets(world, plans, options.format);
    return exitOf(failed, plans.length);
  }
  const due = plans.filter(({ answer }) => answer.change !== "same");
  if (due.length > 0 && !options.yes && !await mayApply(world, due)) return EXIT.failed;
  const done: ApplyJobAnswer[] = plans.filter((plan) => !due.includes(plan)).map(({ answer }) => answer);
  for (const { title, bytes } of due) {
    const answer = await attempt(world, title, () => submitJob(api, bytes, false));
    if (answer === undefined) failed++;
    else done.push(answer);
  }
  await showDone(world, done, options.format);
  return exitOf(failed, done.length);
}

export async function submitJob(api: Api, bytes: Uint8Array, dryRun: boolean): Promise<ApplyJobAnswer> {
  const path = `/v1/jobs${dryRun ? "?dryRun=true" : ""}`;
  return ANSWERS.applyJob.parse(await api.ask({ method: "POST", path, body: bytes }));
}

/** Asks what the document would change, and tells it. */
async function planOf(world: World, api: Api, title: string, bytes: Uint8Array): Promise<Plan> {
  const answer = await submitJob(api, bytes, true);
  const { header } = parseJob(bytes);
  // It is applied by what the file says; the server must not speak of another one.
  if (answer.job.id !== header.id) throw new JabberError("script.mismatch", `it spoke of job "${answer.job.id}"`);
  const before = answer.before === undefined ? undefined : (await findJob(api, header.id))?.text;
  const plan = { title, bytes, answer };
  world.err(planText(plan, before, world.clock.now()));
  return plan;
}

function planText({ title, bytes, answer }: Plan, before: string | undefined, now: number): string {
  const { change, job, targets, leaving } = answer;
  const serial = answer.before === undefined
    ? `serial ${job.serial}`
    : `serial ${answer.before.serial} → ${job.serial}`;
  const lines = [
    `${title}: ${job.id}: ${VERBS[change]}${change === "same" ? ` with serial ${job.serial}` : `, ${serial}`}`,
  ];
  if (change !== "same" && before !== undefined) lines.push(...changedLines(plainText(before), plainText(bytes)));
  if (change === "create" || change === "update") {
    lines.push(`does ${doesText(job)}, ${triggerText(job.trigger)}, until ${moment(job.until ?? "?")}`);
    const ahead = timesAhead(job, now, 3);
    if (ahead.length > 0) lines.push(`next at ${ahead.map(moment).join(", ")}`);
  }
  lines.push(`${change === "cancel" ? "ends on" : "is for"} ${reachText(targets)}`);
  if (leaving.length > 0) lines.push(`ends on ${reachText(leaving)}, which it is not for any more`);
  const [head, ...rest] = lines.map((line) => sanitize(line));
  return `${head}\n${rest.map((line) => `  ${line}\n`).join("")}`;
}

const VERBS = { create: "is new", update: "changes", cancel: "is cancelled", same: "is here already" } as const;
const NAMES_SHOWN_MAX = 8;

function reachText(agents: readonly TargetPreview[]): string {
  if (agents.length === 0) return "no agent that is known now";
  const names = byName(agents).slice(0, NAMES_SHOWN_MAX).map(({ name }) => sanitizeLine(name)).join(", ");
  const more = agents.length > NAMES_SHOWN_MAX ? ` and ${agents.length - NAMES_SHOWN_MAX} more` : "";
  return `${agentsText(agents)}: ${names}${more}`;
}

/** What a person wrote: without the lines of signatures. */
function plainText(document: string | Uint8Array): string {
  const bytes = typeof document === "string" ? new TextEncoder().encode(document) : document;
  return new TextDecoder().decode(stripSignatures(bytes, "job"));
}

/** @throws `input.usage` when nobody can be asked */
function mayApply(world: World, plans: readonly Plan[]): Promise<boolean> {
  const reached = new Set(
    plans.flatMap(({ answer }) => [...answer.targets, ...answer.leaving].map(({ agent }) => agent)),
  );
  const what = `${plans.length === 1 ? "1 job" : `${plans.length} jobs`} on ${reached.size} agents`;
  return confirmed(world, { text: `Apply ${what}`, count: reached.size, things: "agents", verb: "apply" });
}

async function showTargets(world: World, plans: readonly Plan[], format: Format): Promise<void> {
  if (format === "json" || format === "yaml") {
    const rows = plans.map(({ title, answer }) => ({ file: title, ...answer }) as JsonObject);
    return await printListing(world, { rows, columns: [], name: String }, format);
  }
  const rows = plans.flatMap(({ answer: { job, change, targets, leaving } }) => [
    ...byName(targets).map((target) => ({ ...target, job: job.id, effect: change })),
    ...byName(leaving).map((target) => ({ ...target, job: job.id, effect: "leaves" })),
  ]);
  await printListing(world, {
    rows,
    name: (row) => row.agent,
    columns: [
      { title: "JOB", value: (row) => row.job },
      { title: "EFFECT", value: (row) => row.effect },
      { title: "NAME", value: (row) => row.name },
      { title: "CONNECTED", value: (row) => row.connected ? "yes" : "no" },
      { title: "TAGS", least: 12, value: (row) => tagText(row.tags) },
      { title: "ID", least: 12, value: (row) => row.agent },
    ],
  }, format);
  world.err("nothing was changed\n");
}

async function showDone(world: World, done: readonly ApplyJobAnswer[], format: Format): Promise<void> {
  if (done.length === 0) return;
  await printListing(world, {
    rows: done,
    name: ({ job }) => job.id,
    columns: [
      { title: "JOB", value: ({ job }) => job.id },
      { title: "SERIAL", value: ({ job }) => String(job.serial) },
      { title: "CHANGE", value: ({ change }) => change },
      { title: "AGENTS", value: ({ count }) => String(count) },
    ],
  }, format);
}

/** Does one of several things; what goes wrong is told, and does not stop the others. */
async function attempt<T>(world: World, title: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ServerRefusal || cause instanceof JabberError)) throw cause;
    if (["auth.missing", "auth.refused", "auth.expired", "net.unreachable"].includes(cause.code)) throw cause;
    const next = cause.code === "job.older" || cause.code === "job.other_document"
      ? "run `jabber job sign --next-serial FILE` and apply it again"
      : cause.next;
    world.err(`${sanitizeLine(title)}: ${sanitize(cause.message)}\n`);
    if (next !== undefined) world.err(`  → ${sanitize(next)}\n`);
    world.err(`  (${sanitize(cause.code)})\n`);
    return undefined;
  }
}

function exitOf(failed: number, done: number): ExitCode {
  if (failed === 0) return EXIT.done;
  return done === 0 ? EXIT.failed : EXIT.partial;
}
