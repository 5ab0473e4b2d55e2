/** The machine a bench runs on: what it is, how busy it is, what its processes hold. */
import { inRepository, runDeno } from "../build/shell.ts";

/** One line about the machine and the versions. */
export function machineLine(): string {
  const { os, arch } = Deno.build;
  const { deno, v8 } = Deno.version;
  const gib = (Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0);
  return `${os} ${Deno.osRelease()} ${arch}, ${navigator.hardwareConcurrency} cores, ${gib} GiB, ` +
    `load ${loadText()}, deno ${deno}, v8 ${v8}, commit ${commit()}`;
}

/** The load average of the last minute; past 0.3 a core the figures are noisy. */
export function loadText(): string {
  const [load = 0] = Deno.loadavg();
  return `${load.toFixed(2)}${load > 0.3 * navigator.hardwareConcurrency ? " (busy: noisy figures)" : ""}`;
}

function commit(): string {
  try {
    const args = ["-C", inRepository("."), "rev-parse", "--short", "HEAD"];
    const { success, stdout } = new Deno.Command("git", { args, stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : "unknown";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "unknown";
    throw cause;
  }
}

/** Resident memory of a process, bytes. Linux only. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  return Number(/^Rss:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}

const SAMPLE_MS = 500;
const SAMPLES = 8;
const STILL = 0.0025;
const SETTLE_MS_MAX = 30_000;

/** Resident memory once it has stopped changing: 4 seconds within a quarter of a percent. Nothing is forced. */
export async function settledBytes(pid: number): Promise<number> {
  const samples: number[] = [];
  for (const end = performance.now() + SETTLE_MS_MAX; performance.now() < end;) {
    samples.push(await residentBytes(pid));
    const last = samples.slice(-SAMPLES);
    if (last.length === SAMPLES && Math.max(...last) - Math.min(...last) < STILL * last[0]!) break;
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  return samples.at(-1)!;
}

/** The folder of an npm package in Deno's cache, and its version. */
export async function packageFolder(name: string): Promise<{ folder: string; version: string } | undefined> {
  const ran = await runDeno(["info", "--json", `npm:${name}`]);
  if (!ran.ok) return undefined;
  const { redirects } = JSON.parse(ran.stdout);
  const version = /@([^@]+)$/.exec(redirects[`npm:${name}`] ?? "")?.[1];
  const cache = JSON.parse((await runDeno(["info", "--json"])).stdout).npmCache;
  for await (const registry of Deno.readDir(cache)) {
    const folder = `${cache}/${registry.name}/${name}/${version}`;
    if (version !== undefined && await isFolder(folder)) return { folder, version };
  }
  return undefined;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return false;
    throw cause;
  }
}
