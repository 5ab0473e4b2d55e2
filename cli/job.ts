/** `jabber job …`: signed jobs, from the file to what became of each run. */
import { type Command, Option } from "@commander-js/extra-typings";
import { JabberError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { sanitize } from "../base/sanitize.ts";
import { ANSWERS } from "../server/core/requests.ts";
import type { JobRow } from "../server/core/jobs/schemas.ts";
import { type JobOptions, parseJob } from "../wire/sign/mod.ts";
import { type Api, currentApi } from "./api.ts";
import type { ExitSlot } from "./exit.ts";
import { addFormat } from "./text/format_option.ts";
import { applyFiles } from "./job/apply.ts";
import { cancelJob } from "./job/cancel.ts";
import { findJob, signJobs } from "./job/files.ts";
import { jobHistory } from "./job/history.ts";
import { newJob } from "./job/new.ts";
import { agentListing, jobListing, nextText, timesAhead, triggerText } from "./job/text.ts";
import { formatOne, moment, printListing } from "./text/output.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

const FILE_HELP = `
A job file (every key but args, options and meta is needed):
  kind: job
  id: disk-report          # small letters, digits, and . _ - between them
  cluster: CLUSTER         # yours; \`jabber job new\` fills it in
  serial: 1                # raise it with every change: --next-serial does
  does: script:sha256-…    # from \`jabber script ls\`, or command:sys.facts
  args: {path: /}
  selector: "os=linux,env!=prod"
  trigger: {kind: cron, pattern: "0 3 * * *", zone: Europe/Berlin}
                           # or {kind: interval, seconds: 600}, or {kind: now};
                           # also start, stop, connect, disconnect
  options:
    timeout: 600           # seconds after which a run is ended
    overlap: forbid        # or allow, or replace the run that goes on
    missed: once           # times that passed unseen: none, once or all
    retries: {times: 2, delay: 5}
  until: 2027-11-20        # the job ends by itself then
`;

export const jobVerbs: Register = (program, world, slot) => {
  const job = program.command("job").description(
    "Signed jobs: what agents do again and again, also while no server is there.",
  ) as unknown as Command;
  newVerb(job, world);
  signVerb(job, world);
  applyVerb(job, world, slot);
  listVerb(job, world);
  showVerb(job, world);
  removeVerb(job, world, slot);
  historyVerb(job, world);
};

function newVerb(job: Command, world: World): void {
  job.command("new")
    .description("Prints a job file to start from, with your cluster and the script's hash filled in.")
    .argument("<id>", "the job's name: small letters, digits, and . _ - between them")
    .requiredOption("--does <what>", "a command's key, or a script by name, hash or file")
    .option("-l, --selector <selector>", "which agents (default: all)", "")
    .option("--args <json>", "its arguments")
    .option("--cron <pattern>", "when, as a cron pattern")
    .option("--zone <zone>", "the pattern's time zone", "UTC")
    .option("--every <span>", "when, as a span: 30s, 10m, 6h, 1d")
    .addOption(
      new Option("--on <event>", "when, by what happens on the agent").choices(
        ["now", "start", "connect", "stop", "disconnect"] as const,
      ),
    )
    .option("--until <when>", "when it ends by itself: a date, or a span from now", "365d")
    .addHelpText(
      "after",
      "\nExamples:\n  jabber job new facts --does sys.facts --every 10m > facts.yaml" +
        "\n  jabber job new disk-report --does disk-report --cron '0 3 * * *' > report.yaml",
    )
    .action(async (id, { does, selector, zone, until, args, cron, every, on }) => {
      world.out(
        await newJob(world, await currentApi(world), id, { does, selector, zone, until, args, cron, every, on }),
      );
    });
}

function signVerb(job: Command, world: World): void {
  job.command("sign")
    .description("Signs job files with your author key, in place.")
    .argument("<file...>", "job files; only signature lines are added")
    .option("--key <file>", "author key (default: the one `keygen` made)")
    .option("--next-serial", "first give each file the serial after the server's, when it differs from what is there")
    .addHelpText("after", `${FILE_HELP}\nExample:\n  jabber job sign --next-serial disk-report.yaml`)
    .action(async (paths, { key, nextSerial = false }) => {
      await signJobs(world, paths, key, nextSerial ? await currentApi(world) : undefined);
    });
}

function applyVerb(job: Command, world: World, slot: ExitSlot): void {
  addFormat(job.command("apply"))
    .description("Shows what signed job files change and on which agents, and hands them in.")
    .argument("<file...>", "signed job files, cancellations among them")
    .option("--dry-run", "only show it, agent by agent")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nApplying the same file again is harmless; a changed one needs a higher serial:" +
        "\n`jabber job sign --next-serial`." +
        "\n\nExamples:\n  jabber job apply --dry-run disk-report.yaml\n  jabber job apply --yes disk-report.yaml" +
        "\n\nExit code: 0 all are in, 1 none, 3 some.",
    )
    .action(async (paths, { dryRun = false, yes = false, output: format }) => {
      slot.exit = await applyFiles(world, await currentApi(world), paths, { dryRun, yes, format });
    });
}

function listVerb(job: Command, world: World): void {
  addFormat(job.command("ls"))
    .description("Lists jobs: on how many of the agents they are for they were accepted, and when they are due next.")
    .option("-a, --all", "ended and cancelled ones too")
    .addHelpText(
      "after",
      "\nOWNER names the server configuration that a job came from. (orphaned): it is" +
        "\nnamed there no more, and goes on until `jabber job rm` ends it.\n\nExample:\n  jabber job ls",
    )
    .action(async ({ all = false, output }) => {
      const jobs = (await allJobs(await currentApi(world))).filter(({ state }) => all || state === "active");
      await printListing(world, jobListing(jobs, world.clock.now()), output);
      if (jobs.length === 0) world.err("no jobs; make one: jabber job new --help\n");
    });
}

async function allJobs(api: Api): Promise<JobRow[]> {
  const found: JobRow[] = [];
  for (let query = "";;) {
    const { jobs, after } = ANSWERS.jobs.parse(await api.ask({ method: "GET", path: `/v1/jobs${query}` }));
    for (const one of jobs) found.push(one);
    if (after === undefined) return found;
    query = `?after=${encodeURIComponent(after)}`;
  }
}

function showVerb(job: Command, world: World): void {
  addFormat(job.command("show"))
    .description("Shows a job and what became of it on each agent, or with --text the whole signed file.")
    .argument("<id>")
    .option("--text", "print the document as it was signed")
    .addHelpText("after", "\nExample:\n  jabber job show disk-report")
    .action(async (id, { output, text = false }) => {
      const found = await findJob(await currentApi(world), id);
      if (found === undefined) throw new JabberError("input.not_found", `job ${JSON.stringify(id)}`);
      const { job: row, text: document, agents } = found;
      if (text) return world.out(world.outIsTerminal ? sanitize(document) : document);
      if (output !== "table") {
        return world.out(formatOne({ ...row, text: document, agents } as JsonObject, output, row.id));
      }
      const now = world.clock.now();
      world.out(formatOne(describe(row, document, now), output, row.id) + "\n");
      await printListing(world, agentListing(agents, now), output);
    });
}

/** What people want to know of a job, its arguments and options from the document among it. */
function describe(job: JobRow, document: string, now: number): JsonObject {
  const { counts, orphaned, signers: _thumbprints, ...row } = job;
  const { header } = parseJob(new TextEncoder().encode(document));
  const ahead = timesAhead(row, now, 3);
  return {
    ...row,
    trigger: triggerText(row.trigger),
    ...(!header.cancelled && { args: header.args, options: plainOptions(header.options) }),
    ...(header.meta !== undefined && { meta: header.meta }),
    next: row.state === "active" ? ahead.map(moment).join(" ") || nextText(job, now) : "",
    orphaned: orphaned ? "its owner's configuration names it no more; `jabber job rm` ends it" : null,
    agents: `${counts.accepted} of ${counts.matching} accepted, ${counts.failed} failed last`,
  };
}

/** One value each, as people write them. */
function plainOptions({ timeoutSeconds, jitterSeconds, retries, overlap, missed }: JobOptions): JsonObject {
  return {
    ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds }),
    ...{ overlap, missed, retries: retries.times, jitter: jitterSeconds },
  };
}

function removeVerb(job: Command, world: World, slot: ExitSlot): void {
  job.command("rm")
    .description("Ends a job for good on all agents, by a cancellation signed with your author key.")
    .argument("<id>")
    .option("--key <file>", "sign it with this key (default: the one `keygen` made)")
    .option("-y, --yes", "do not ask for the job's name")
    .addHelpText(
      "after",
      "\nRuns that are under way go on to their end. Agents that are away are told when" +
        "\nthey are back." +
        "\n\nExample:\n  jabber job rm disk-report",
    )
    .action(async (id, { key, yes = false }) => {
      slot.exit = await cancelJob(world, await currentApi(world), id, { key, yes });
    });
}

function historyVerb(job: Command, world: World): void {
  addFormat(job.command("history"))
    .description("Lists a job's runs on all agents, newest first; times are the agents'.")
    .argument("<id>")
    .option("--limit <n>", "how many", "50")
    .option("-f, --follow", "oldest first, and go on as runs end")
    .addHelpText(
      "after",
      "\nWhat a run said: jabber logs RUN\n\nExamples:\n  jabber job history disk-report --limit 20" +
        "\n  jabber job history disk-report -f",
    )
    .action(async (id, { limit, follow = false, output: format }) => {
      await jobHistory(world, await currentApi(world), id, { limit, format, follow });
    });
}
