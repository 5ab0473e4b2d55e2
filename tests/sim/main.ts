/** `./denow task sim [--seed N] [--seeds N] [--agents N] [--minutes N] [--harsh W] [--jobs]`: runs seeds, prints what became of them. */
import { CHECKS } from "./checks/failure.ts";
import { HARSH, type Harsh, isHarsh } from "./faults/faults.ts";
import { type SimReport, simulate } from "./sim.ts";

const USAGE =
  `Usage: ./denow task sim [--seed N] [--seeds N] [--agents N] [--minutes N] [--harsh disk|slow] [--jobs] [--tail N]

  --seed N     the (first) seed; default 1
  --seeds N    how many seeds from there on; default 1
  --agents N   agents in each world; default 3
  --minutes N  simulated time with faults; default 1.5
  --harsh W    a world where one thing goes wrong all the time: disk, slow
  --jobs       people sign jobs besides orders
  --tail N     events shown of a run that fails; default 30
`;

/** Failed seeds after which no more are tried. */
const FAILURES_MAX = 10;

const FLAGS = ["seed", "seeds", "agents", "minutes", "tail"] as const;
export type Flags = Partial<Record<typeof FLAGS[number], number>> & { harsh?: Harsh; jobs?: true };

/** The flags; a sentence when something is wrong with them. */
export function parseFlags(args: readonly string[]): Flags | string {
  const found: Flags = {};
  for (let i = 0; i < args.length; i++) {
    const [word, joined] = args[i]!.split("=");
    if (word === "--harsh") {
      const name = joined ?? args[++i] ?? "";
      if (!isHarsh(name)) return `--harsh is one of ${Object.keys(HARSH).join(", ")}, not "${name}"`;
      found.harsh = name;
      continue;
    }
    if (word === "--jobs") {
      found.jobs = true;
      continue;
    }
    const flag = FLAGS.find((one) => word === `--${one}`);
    if (flag === undefined) return `"${args[i]}" is no option`;
    const text = joined ?? args[++i];
    const value = Number(text);
    if (text === undefined || !(value >= 0)) return `--${flag} needs a number, not "${text ?? ""}"`;
    found[flag] = value;
  }
  return found;
}

/** A failed run for a reader: what was promised, what was found, the last events, how to see it again. */
export function story(report: SimReport, tail: number): string {
  const { seed, failure, events, replay } = report;
  if (failure === undefined) return "";
  return [
    `seed ${seed} FAILED after ${events} events: ${failure.check}`,
    `  promised: ${CHECKS[failure.check]}`,
    `  found:    ${failure.message}`,
    `  faults:   ${JSON.stringify(report.profile)}`,
    ...report.tail.slice(Math.max(0, report.tail.length - tail)).map((line) => `    ${line}`),
    `  replay:   ${replay}`,
  ].join("\n");
}

async function main(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args);
  if (typeof flags === "string") {
    console.error(`${flags}\n\n${USAGE}`);
    return 2;
  }
  const { seed: first = 1, seeds = 1, agents, minutes, harsh, jobs, tail = 30 } = flags;
  let seed = first;
  const sum = { events: 0, runs: 0, firings: 0, records: 0, orders: 0, failed: 0 };
  const begun = performance.now();
  for (; seed < first + seeds && sum.failed < FAILURES_MAX; seed++) {
    const options = {
      seed,
      harsh,
      jobs,
      ...(agents !== undefined && { agents }),
      ...(minutes !== undefined && { minutes }),
    };
    const report = await simulate(options);
    sum.events += report.events;
    sum.runs += report.runs;
    sum.firings += report.firings;
    sum.records += report.records;
    sum.orders += report.orders;
    if (report.failure !== undefined) {
      sum.failed++;
      console.log(story(report, tail));
    } else if (seeds === 1) console.log(`seed ${seed} ok, history ${report.hash}`);
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(
    `${
      seed - first
    } seeds, ${sum.failed} failed: ${sum.events} events, ${sum.orders} orders, ${sum.runs} runs, ${sum.firings} firings, ` +
      `${sum.records} records in ${seconds} s`,
  );
  return sum.failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
