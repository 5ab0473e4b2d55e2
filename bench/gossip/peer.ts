/** The Go side: memberlist from Debian's packages, built where Go is, one process for a cell. */
import { inRepository } from "../../build/shell.ts";
import { TextLineStream } from "../../tests/support/lines.ts";
import type { Belief, Run } from "./tally.ts";

/** Where Debian's golang-github-hashicorp-memberlist-dev puts it. */
const GOPATH = "/usr/share/gocode";
const SOURCE = `${GOPATH}/src/github.com/hashicorp/memberlist`;

/** `swim`: its health score and its longer suspicions off. */
export type PeerMode = "lifeguard" | "swim";

export interface PeerRun extends Run {
  /** How late the process's own timers were: real time on a busy machine is no fair peer. */
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
  readonly cpuMs: number;
}

/** What this machine lacks for the peer; undefined for nothing. */
export async function peerLacks(): Promise<string | undefined> {
  try {
    await new Deno.Command("go", { args: ["version"], stdout: "null", stderr: "null" }).output();
    await Deno.stat(SOURCE);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    return "no Go, or no golang-github-hashicorp-memberlist-dev";
  }
}

/** Builds the peer and answers its path. */
export async function buildPeer(): Promise<string> {
  const folder = inRepository(".cache/gossip");
  await Deno.mkdir(folder, { recursive: true });
  const path = `${folder}/peer`;
  const { success, stderr } = await new Deno.Command("go", {
    args: ["build", "-o", path, "./bench/gossip/peer"],
    cwd: inRepository("."),
    env: { GO111MODULE: "off", GOPATH, GOFLAGS: "" },
  }).output();
  if (!success) throw new Error(`go build: ${new TextDecoder().decode(stderr)}`);
  return path;
}

/** Plays one cell of the schedule's file in real time. */
export async function runPeer(peer: string, schedule: string, cell: string, mode: PeerMode): Promise<PeerRun> {
  const child = new Deno.Command(peer, {
    args: ["--schedule", schedule, "--cell", cell, "--mode", mode],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const beliefs: Belief[] = [];
  let last = "";
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    if (line.startsWith("{")) last = line;
    else beliefs.push(readBelief(line));
  }
  const { success } = await child.status;
  if (!success || last === "") throw new Error(`the peer broke in ${cell}`);
  const { ms, packets, packetBytes, streamBytes, dropped, lagP99Ms, lagMaxMs, cpuMs } = JSON.parse(last);
  return { beliefs, traffic: { ms, packets, packetBytes, streamBytes, dropped }, lagP99Ms, lagMaxMs, cpuMs };
}

function readBelief(line: string): Belief {
  const [at, by, about, state] = line.split(" ");
  if (state !== "alive" && state !== "suspect" && state !== "dead") throw new Error(`the peer said "${line}"`);
  return { at: Number(at), by: Number(by), about: Number(about), state };
}
