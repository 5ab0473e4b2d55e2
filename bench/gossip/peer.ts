/**
 * The Go side: memberlist from Debian's packages, built where Go is, one process for a cell. It is built with Go's own
 * `faketime`: its clock jumps to the next timer when nothing runs, so that a busy machine changes nothing.
 */
import { inRepository } from "../../build/shell.ts";
import type { Belief, Run } from "./tally.ts";

/** Where Debian's golang-github-hashicorp-memberlist-dev puts it. */
const GOPATH = "/usr/share/gocode";
const SOURCE = `${GOPATH}/src/github.com/hashicorp/memberlist`;

/** `swim`: its health score and its longer suspicions off. */
export type PeerMode = "lifeguard" | "swim";

export interface PeerOptions {
  /** The built program. */
  readonly peer: string;
  /** The schedule's file. */
  readonly schedule: string;
  readonly cell: string;
  readonly mode: PeerMode;
  readonly seed: number;
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
    args: ["build", "-tags", "faketime", "-o", path, "./bench/gossip/peer"],
    cwd: inRepository("."),
    env: { GO111MODULE: "off", CGO_ENABLED: "0", GOPATH, GOFLAGS: "" },
  }).output();
  if (!success) throw new Error(`go build: ${new TextDecoder().decode(stderr)}`);
  return path;
}

/** Plays one cell of the schedule. */
export async function runPeer({ peer, schedule, cell, mode, seed }: PeerOptions): Promise<Run> {
  const out = await Deno.makeTempFile({ prefix: "jabber-gossip-" });
  try {
    const { success, stderr } = await new Deno.Command(peer, {
      args: ["--schedule", schedule, "--cell", cell, "--mode", mode, "--seed", `${seed}`, "--out", out],
      // With one thread at a time the clock never jumps while another thread is about to go on.
      env: { GOMAXPROCS: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`the peer broke in ${cell}: ${new TextDecoder().decode(stderr)}`);
    const lines = (await Deno.readTextFile(out)).trimEnd().split("\n");
    return { traffic: JSON.parse(lines.pop()!), beliefs: lines.map(readBelief) };
  } finally {
    await Deno.remove(out);
  }
}

function readBelief(line: string): Belief {
  const [at, by, about, state] = line.split(" ");
  if (state !== "alive" && state !== "suspect" && state !== "dead") throw new Error(`the peer said "${line}"`);
  return { at: Number(at), by: Number(by), about: Number(about), state };
}
