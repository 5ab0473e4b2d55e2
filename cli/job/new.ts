/** `jabber job new`: a job file to start from, with what is tedious to write by hand filled in. */
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { findCommand } from "../../commands/mod.ts";
import { parseSelector } from "../../wire/selector.ts";
import { isCommandKey, parseJob, parseScript } from "../../wire/sign/mod.ts";
import type { Api } from "../api.ts";
import { fetchScript } from "../script.ts";
import type { World } from "../world.ts";

export interface NewOptions {
  does: string;
  selector: string;
  args: string | undefined;
  cron: string | undefined;
  zone: string;
  every: string | undefined;
  on: string | undefined;
  until: string;
}

/** The text of an unsigned job file. @throws `input.usage`, `input.not_found`, `document.malformed` */
export async function newJob(world: World, api: Api, id: string, options: NewOptions): Promise<string> {
  const work = await workOf(world, api, options.does);
  parseSelector(options.selector);
  const args = argsOf(options.args);
  const lines = [
    "kind: job",
    `id: ${id}`,
    `cluster: ${api.context.cluster}`,
    "# Raise it with every change: jabber job sign --next-serial FILE",
    "serial: 1",
    ...(work.name === undefined ? [] : [`# the script ${work.name}`]),
    `does: ${work.does}`,
    ...(Object.keys(args).length === 0 ? [] : [`args: ${JSON.stringify(args)}`]),
    "# Which agents; the empty selector means all of them.",
    `selector: ${JSON.stringify(options.selector)}`,
    `trigger: ${triggerOf(options)}`,
    "options:",
    "  # Seconds after which a run is ended.",
    "  timeout: 600",
    "  # While a run goes on: forbid, allow or replace the next one.",
    "  overlap: forbid",
    "  # Times that passed while the agent was not running: none, once or all.",
    "  missed: none",
    "  # After a failure; the wait doubles, up to delayMax seconds.",
    "  retries: {times: 0, delay: 5, delayMax: 300}",
    "# The job ends by itself then.",
    `until: ${untilOf(options.until, world.clock.now())}`,
  ];
  const text = `${lines.join("\n")}\n`;
  parseJob(new TextEncoder().encode(text));
  return text;
}

async function workOf(world: World, api: Api, name: string): Promise<{ does: string; name?: string }> {
  const key = name.replace(/^command:/, "");
  if (findCommand(key) !== undefined || (key !== name && isCommandKey(key))) return { does: `command:${key}` };
  const isFile = /[./\\]/.test(name) && await world.files.exists(name);
  const bytes = isFile ? await world.files.read(name) : new TextEncoder().encode((await fetchScript(api, name)).text);
  const { hash, header } = parseScript(bytes);
  if (isFile || hash === name || header.name === name) return { does: `script:${hash}`, name: header.name };
  throw new JabberError("script.mismatch", `${JSON.stringify(name)} was asked for, "${header.name}" came`);
}

function argsOf(text: string | undefined): JsonObject {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Told below, together with JSON that is no object.
  }
  throw new JabberError("input.usage", `--args: ${JSON.stringify(text)} is no JSON object`);
}

function triggerOf({ cron, zone, every, on }: NewOptions): string {
  const given = [cron, every, on].filter((one) => one !== undefined);
  if (given.length !== 1) throw new JabberError("input.usage", "say when with one of --cron, --every and --on");
  if (cron !== undefined) return `{kind: cron, pattern: ${JSON.stringify(cron)}, zone: ${JSON.stringify(zone)}}`;
  if (every !== undefined) return `{kind: interval, seconds: ${spanOf("--every", every)}}`;
  return `{kind: ${on}}`;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function spanOf(option: string, text: string): number {
  const [, count, unit = ""] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  const size = UNIT_SECONDS[unit];
  if (count !== undefined && size !== undefined) return Number(count) * size;
  throw new JabberError("input.usage", `${option}: ${JSON.stringify(text)} is no span such as 30s, 10m, 6h or 90d`);
}

/** A date as it is, or so far from now. */
function untilOf(text: string, now: number): string {
  return /^\d{4}-/.test(text) ? text : rfc3339(now + spanOf("--until", text) * 1000).slice(0, 10);
}
