/** The fields of a job: what an order has, plus when (trigger), how (options), until when, and a serial that rises. */
import { isUlid } from "../../base/ids.ts";
import { isJsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import * as f from "./fields.ts";
import { malformed } from "./rules.ts";
import type { StrictYaml } from "./strict_yaml.ts";
import type { ActiveJob, CancelledJob, JobHeader, JobOptions, Trigger } from "./types.ts";

const REQUIRED = ["kind", "id", "cluster", "serial", "does", "selector", "trigger", "until"] as const;
const OPTIONAL = ["args", "options", "meta"] as const;
const CANCELLED_REQUIRED = ["kind", "id", "cluster", "serial", "cancelled"] as const;
const CANCELLED_OPTIONAL = ["meta"] as const;

const DAY_SECONDS = 86_400;
const SIMPLE_TRIGGERS = ["now", "start", "connect", "stop", "disconnect"] as const;
/** Five to seven fields of what croner reads; whether it ever fires is for the scheduler to say. */
const CRON = /^[0-9A-Za-z*/,?#+-]{1,64}(?: [0-9A-Za-z*/,?#+-]{1,64}){4,6}$/;
const ZONE = /^(?=.{1,64}$)[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;
const PERCENT = /^([1-9][0-9]?|100)%$/;

/** Reads a job or its cancellation. Errors: `document.malformed`. */
export function readJobHeader(yaml: StrictYaml): JobHeader {
  const kind = f.field(yaml, "kind");
  if (kind.value !== undefined && kind.value !== "job") throw f.wrong("order.kind", kind, '"job"');
  return Object.hasOwn(yaml.value, "cancelled") ? readCancelled(yaml) : readActive(yaml);
}

function readActive(yaml: StrictYaml): ActiveJob {
  f.checkKeys(yaml, REQUIRED, OPTIONAL);
  const at = (key: typeof REQUIRED[number] | typeof OPTIONAL[number]) => f.field(yaml, key);
  return {
    ...readIdentity(yaml),
    cancelled: false,
    does: f.doesOf(at("does")),
    args: f.argsOf(at("args")),
    selector: f.selectorOf(at("selector")),
    trigger: readTrigger(at("trigger")),
    options: readOptions(at("options")),
    until: f.timeOf(at("until")),
  };
}

function readCancelled(yaml: StrictYaml): CancelledJob {
  f.checkKeys(yaml, CANCELLED_REQUIRED, CANCELLED_OPTIONAL, "job.cancelled");
  if (yaml.value["cancelled"] !== true) throw f.wrong("job.cancelled", f.field(yaml, "cancelled"));
  return { ...readIdentity(yaml), cancelled: true };
}

/** A name that is no order's id: records and requests tell the two apart by it. Errors: `document.malformed`. */
export function jobIdOf(at: f.Field): string {
  const id = f.nameOf(at);
  if (isUlid(id)) throw f.wrong("field.name", at, "a name that is no ULID");
  return id;
}

function readIdentity(yaml: StrictYaml) {
  return {
    kind: "job" as const,
    id: jobIdOf(f.field(yaml, "id")),
    cluster: f.clusterOf(f.field(yaml, "cluster")),
    serial: f.integerOf(f.field(yaml, "serial"), 1, Number.MAX_SAFE_INTEGER),
    ...(Object.hasOwn(yaml.value, "meta") && { meta: f.metaOf(f.field(yaml, "meta")) }),
  };
}

/** When a job runs. Errors: `document.malformed`. */
export function readTrigger(at: f.Field): Trigger {
  if (!isJsonObject(at.value)) throw f.wrong("job.trigger", at, "a map such as {kind: now}");
  const kind = at.value["kind"];
  const simple = SIMPLE_TRIGGERS.find((one) => one === kind);
  if (simple !== undefined) {
    f.mapOf(at, ["kind"], "job.trigger");
    return { kind: simple };
  }
  if (kind === "interval") {
    const map = f.mapOf(at, ["kind", "seconds"], "job.trigger");
    return { kind, seconds: f.integerOf(f.inner(at, map, "seconds"), 1, 366 * DAY_SECONDS) };
  }
  if (kind !== "cron") throw f.wrong("job.trigger", at);
  const map = f.mapOf(at, ["kind", "pattern", "zone"], "job.trigger");
  const pattern = f.textOf(f.inner(at, map, "pattern"));
  const zone = map["zone"] === undefined ? "UTC" : f.textOf(f.inner(at, map, "zone"));
  if (!CRON.test(pattern) || !ZONE.test(zone)) throw f.wrong("job.trigger", at);
  return { kind, pattern, zone };
}

const OPTION_KEYS = [
  "timeout",
  "killTree",
  "retries",
  "jitter",
  "overlap",
  "missed",
  "waves",
  "failures",
  "once",
  "partition",
] as const;

/** How a job runs, with defaults filled in. Errors: `document.malformed`. */
export function readOptions(at: f.Field): JobOptions {
  const map = at.value === undefined ? {} : f.mapOf(at, OPTION_KEYS);
  const has = (key: typeof OPTION_KEYS[number]) => Object.hasOwn(map, key);
  const option = (key: typeof OPTION_KEYS[number]) => f.inner(at, map, key);
  if (has("partition") && map["partition"] === "skip") {
    throw malformed("field.reserved", at.line, '"options.partition: skip" needs leases');
  }
  return {
    killTree: has("killTree") ? f.booleanOf(option("killTree")) : true,
    retries: readRetries(option("retries")),
    jitterSeconds: has("jitter") ? f.integerOf(option("jitter"), 0, DAY_SECONDS) : 0,
    overlap: has("overlap") ? f.choiceOf(option("overlap"), ["allow", "forbid", "replace"]) : "forbid",
    missed: has("missed") ? f.choiceOf(option("missed"), ["none", "once", "all"]) : "none",
    once: has("once") ? f.choiceOf(option("once"), ["match", "cluster"]) : "match",
    partition: has("partition") ? f.choiceOf(option("partition"), ["run"]) : "run",
    ...(has("timeout") && { timeoutSeconds: f.integerOf(option("timeout"), 1, LIMITS.timeoutSecondsMax) }),
    ...(has("waves") && { waves: readWaves(option("waves")) }),
    ...(has("failures") && { failuresMax: f.integerOf(option("failures"), 1, 1_000_000) }),
  };
}

function readRetries(at: f.Field): JobOptions["retries"] {
  const map = at.value === undefined ? {} : f.mapOf(at, ["times", "delay", "factor", "delayMax"]);
  const number = (key: string, otherwise: number, min: number, max: number) =>
    Object.hasOwn(map, key) ? f.integerOf(f.inner(at, map, key), min, max) : otherwise;
  return {
    times: number("times", 0, 0, 100),
    delaySeconds: number("delay", 1, 0, DAY_SECONDS),
    factor: number("factor", 2, 1, 10),
    delayMaxSeconds: number("delayMax", 300, 0, DAY_SECONDS),
  };
}

function readWaves(at: f.Field): NonNullable<JobOptions["waves"]> {
  const map = f.mapOf(at, ["size", "pause"]);
  const size = f.inner(at, map, "size");
  const pauseSeconds = Object.hasOwn(map, "pause") ? f.integerOf(f.inner(at, map, "pause"), 0, DAY_SECONDS) : 0;
  if (typeof size.value !== "string") return { size: f.integerOf(size, 1, 1_000_000), unit: "agents", pauseSeconds };
  const percent = PERCENT.exec(size.value)?.[1];
  if (percent === undefined) throw f.wrong("field.range", size, 'a count or "1%" to "100%"');
  return { size: Number(percent), unit: "percent", pauseSeconds };
}
