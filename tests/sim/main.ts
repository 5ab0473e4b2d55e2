/**
 * `./denow task sim [--seed N] [--seeds N] [--servers N] [--agents N] [--hours N | --minutes N] [--harsh W] [--jobs]`:
 * runs seeds, prints what became of them.
 */
import { CHECKS } from "./checks/failure.ts";
import { HARSH, type Harsh, isHarsh } from "./faults/profile.ts";
import { type SimReport, simulate } from "./sim.ts";

export const USAGE =
  `Usage: ./denow task sim [--seed N] [--seeds N] [--servers N] [--agents N] [--hours N | --minutes N]
                        [--harsh disk|slow|away] [--jobs] [--tail N]

  --seed N     the (first) seed; default 1
  --seeds N    how many seeds from there on; default 1
  --servers N  a fleet of 1 to 7 servers, with the faults that a fleet has; default: a small world of one
  --agents N   agents in each world, at most 500; default 3
  --minutes N  simulated time with faults; default 1.5, in a fleet 5
  --hours N    the same in hours
  --harsh W    a world where one thing goes wrong all the time: disk, slow; away: a server is away
               for eight days
  --jobs       people sign jobs besides orders
  --tail N     events shown of a run that fails; default 30
`;

/** Failed seeds after which no more are tried. */
const FAILURES_MAX = 10;

const FLAGS = ["seed", "seeds", "servers", "agents", "minutes", "hours", "tail"] as const;
const MOST: Partial<Record<typeof FLAGS[number], number>> = { servers: 7, agents: 500 };
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
    const most = MOST[flag] ?? Infinity;
    if (value > most || (flag === "servers" && value < 1)) return `--${flag} ${value}: at most ${most}, at least 1`;
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
  const { seed: first = 1, seeds = 1, servers, agents, hours, harsh, jobs, tail = 30 } = flags;
  const minutes = hours === undefined ? flags.minutes : 60 * hours;
  let seed = first;
  const sum = { simulatedMs: 0, events: 0, runs: 0, firings: 0, records: 0, orders: 0, failed: 0 };
  const begun = performance.now();
  for (; seed < first + seeds && sum.failed < FAILURES_MAX; seed++) {
    const options = {
      seed,
      servers,
      harsh,
      jobs,
      ...(agents !== undefined && { agents }),
      ...(minutes !== undefined && { minutes }),
    };
    const report = await simulate(options);
    sum.simulatedMs += report.simulatedMs;
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
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `${
      seed - first
    } seeds, ${sum.failed} failed: ${sum.events} events, ${sum.orders} orders, ${sum.runs} runs, ${sum.firings} firings, ` +
      `${sum.records} records in ${seconds.toFixed(1)} s, ${(sum.simulatedMs / 1000 / seconds).toFixed(0)} × real time`,
  );
  return sum.failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
