/** The jobs of a run of the simulator, honest and forged, and the truth about each, as `papers.ts` has it of orders. */
import { isDeepStrictEqual } from "node:util";
import { rfc3339 } from "../../../base/clock.ts";
import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import { composeJob, sign, type Trigger } from "../../../wire/sign/mod.ts";
import { type Cast, CLUSTER, type Host } from "./cast.ts";
import type { Dice } from "./clock.ts";
import { type Deed, means, type Seal, wholeSeconds } from "./papers.ts";

export interface JobPaper {
  readonly id: string;
  readonly serial: number;
  readonly text: string;
  readonly seal: Seal;
  readonly cancelled: boolean;
  readonly does: string;
  readonly args: JsonObject;
  readonly selector: string;
  readonly until: number;
}

export interface JobPapers {
  /** Every version that anybody ever wrote, by id. */
  readonly issued: Map<string, JobPaper[]>;
  /** The next version of some job, or a cancellation. @param now the signer's clock */
  write(seal: "ada" | "mallory", now: number, cancelled?: boolean): JobPaper;
  /** The same document with another selector: its signature no longer fits. */
  widen(paper: JobPaper): JobPaper;
  /** Why nobody allowed this firing on that host; `undefined` when somebody did. */
  fault(host: Host, serial: number, deed: Deed): string | undefined;
}

const IDS = ["backup", "report", "sweep", "watch"];

export function createJobPapers(cast: Cast, dice: Dice): JobPapers {
  const issued = new Map<string, JobPaper[]>();
  let count = 0;
  const register = (paper: JobPaper): JobPaper => {
    issued.set(paper.id, [...issued.get(paper.id) ?? [], paper]);
    return paper;
  };
  return {
    issued,
    write(seal, now, cancelled = false) {
      const id = dice.pick(IDS);
      const serial = Math.max(0, ...(issued.get(id) ?? []).map((paper) => paper.serial)) + 1;
      const paper = {
        id,
        serial,
        seal,
        cancelled,
        does: dice.chance(0.6) ? "command:fs.read" : `script:${dice.pick(cast.scripts).hash}`,
        args: { n: ++count },
        selector: dice.pick(["", "env=prod", "env=test", "role=web"]),
        until: wholeSeconds(now + dice.between(20_000, 6 * 60_000)),
      };
      const head = { id, cluster: CLUSTER, serial };
      const { does, args, selector, until } = paper;
      const body = {
        does,
        args,
        selector,
        trigger: { ...drawTrigger(dice) },
        until: rfc3339(until).replace(".000", ""),
        options: drawOptions(dice),
      };
      const bytes = composeJob(cancelled ? { ...head, cancelled } : { ...head, ...body });
      const key = seal === "ada" ? cast.ada : cast.mallory;
      return register({ ...paper, text: new TextDecoder().decode(sign(bytes, "job", key, { at: now })) });
    },
    widen(paper) {
      const text = paper.text.replace(/^selector: .*$/m, 'selector: "!nowhere"');
      return register({ ...paper, text, seal: text === paper.text ? paper.seal : "broken", selector: "" });
    },
    fault(host, serial, deed) {
      const own = host.jobs.find(({ id }) => id === deed.order);
      if (own !== undefined) {
        return serial === 0 && isSame(deed, "command:fs.read", own.args) ? undefined : "it is the owner's";
      }
      const known = (issued.get(deed.order) ?? []).filter((paper) => paper.serial === serial);
      const faults = known.map((paper) => faultOf(cast, paper, host, deed));
      return known.length > 0 && faults.includes(undefined) ? undefined : `serial ${serial}: ${faults.join("; ")}`;
    },
  };
}

function drawTrigger(dice: Dice): Trigger {
  const kind = dice.pick(
    ["interval", "cron", "interval", "cron", "now", "connect", "start", "disconnect", "stop"] as const,
  );
  if (kind === "interval") return { kind, seconds: dice.between(1, 40) };
  return kind === "cron" ? { kind, pattern: dice.pick(["*/10 * * * * *", "* * * * *"]), zone: "UTC" } : { kind };
}

function drawOptions(dice: Dice): JsonObject {
  return {
    overlap: dice.pick(["allow", "forbid", "replace"]),
    missed: dice.pick(["none", "once", "all"]),
    jitter: dice.chance(0.2) ? dice.between(0, 10) : 0,
    retries: { times: dice.between(0, 2), delay: dice.between(0, 5) },
    ...(dice.chance(0.2) && { timeout: dice.between(1, 20) }),
  };
}

function faultOf(cast: Cast, paper: JobPaper, host: Host, deed: Deed): string | undefined {
  if (paper.seal !== "ada") return `the signature is ${paper.seal}'s`;
  if (paper.cancelled) return "it is a cancellation";
  if (!means(paper.selector, host)) return `"${paper.selector}" does not mean this host`;
  if (deed.now >= paper.until) return `it ended ${deed.now - paper.until} ms ago`;
  if ("command" in deed.work) return isSame(deed, paper.does, paper.args) ? undefined : `it says ${paper.does}`;
  const { source } = deed.work;
  const script = cast.scripts.find(({ hash }) => paper.does === `script:${hash}`);
  if (script?.body !== source || !isDeepStrictEqual(deed.args, paper.args)) return `it says ${paper.does}`;
  if (!script.trusted) return "nobody who is trusted signed the script";
  return script.env === undefined || host.tags["env"] === script.env ? undefined : "the script is not for this host";
}

function isSame({ work, args }: Deed, does: string, wanted: JsonObject): boolean {
  return "command" in work && does === `command:${work.command}` && isDeepStrictEqual(args, wanted);
}

/** What a record says that tells a job's state, by its line. */
export function jobStateOf(line: string): { agent: string; job: string; serial: number; state: string } | undefined {
  if (!line.includes('"kind":"jobState"')) return undefined;
  const envelope: unknown = JSON.parse(line);
  const body = isJsonObject(envelope) ? envelope["body"] : undefined;
  if (!isJsonObject(envelope) || !isJsonObject(body)) return undefined;
  const { from, job } = envelope;
  return { agent: String(from), job: String(job), serial: Number(body["serial"]), state: String(body["state"]) };
}
