/** The real programs: allowed by the policy, started in a group of their own, read as slowly as their output is taken. */
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Processes, ProgramEvent, ProgramRequest } from "../../commands/host.ts";
import type { AgentPolicy } from "../policy/policy.ts";
import { decideProgram } from "../policy/programs.ts";
import { quoted } from "../policy/quote.ts";
import { endGroup, type GroupKiller } from "./group.ts";
import { createMailbox, type Mailbox } from "./mailbox.ts";
import { digestProgram, gatherFacts, type Survey } from "./program_facts.ts";

export interface ProcessPorts {
  policy: AgentPolicy;
  survey: Survey;
  clock: Clock;
  killer: GroupKiller;
  audit(action: string, detail: JsonObject): void;
}

type Child = Deno.ChildProcess;
type News =
  | { type: "read"; fd: 1 | 2; bytes: Uint8Array | null }
  | { type: "exited"; status: Deno.CommandStatus }
  /** The group was ended as far as it can be. */
  | { type: "killed" }
  /** The program is over for a while, its output is not. */
  | { type: "lateOutput" }
  /** Nothing came for a while after the group was ended. */
  | { type: "idle" };

/** Programs of the policy's allowlist. */
export function denoProcesses(ports: ProcessPorts): Processes {
  return {
    async *run(request, signal) {
      signal.throwIfAborted();
      const digest = await digestProgram(ports.policy, request.program, ports.clock);
      signal.throwIfAborted();
      const decision = decideProgram(ports.policy, request, gatherFacts(ports.survey, request, digest));
      if (!decision.allowed) throw new JabberError(decision.code, decision.detail);
      const child = spawn(request, decision.env);
      const { path, realPath } = decision.rule;
      ports.audit("program", {
        program: path,
        ...(realPath === undefined ? {} : { realPath }),
        args: request.args.map((arg) => arg.slice(0, 1000)).slice(0, 32),
        pid: child.pid,
      });
      yield* follow(ports, child, request, signal);
    },
  };
}

function spawn(request: ProgramRequest, env: Record<string, string>): Child {
  try {
    return new Deno.Command(request.program, {
      args: [...request.args],
      cwd: "/",
      clearEnv: true,
      env,
      stdin: request.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new JabberError("host.failed", `${quoted(request.program)} could not be started: ${why}`);
  }
}

/** The program's events until it, its output and, when it was ended, its group are over. */
async function* follow(
  ports: ProcessPorts,
  child: Child,
  request: ProgramRequest,
  signal: AbortSignal,
): AsyncGenerator<ProgramEvent, void, void> {
  const mailbox = createMailbox<News>();
  const readers = { 1: child.stdout.getReader(), 2: child.stderr.getReader() };
  const ask = (fd: 1 | 2): void => {
    readers[fd].read().then(
      (read) => mailbox.put({ type: "read", fd, bytes: read.done ? null : read.value }),
      () => mailbox.put({ type: "read", fd, bytes: null }),
    );
  };
  const ending = watchForEnd(ports, child, request, signal, mailbox);
  if (request.stdin !== undefined) feed(child, request.stdin);
  child.status.then((status) => mailbox.put({ type: "exited", status }));
  const open = new Set<1 | 2>([1, 2]);
  let status: Deno.CommandStatus | null = null;
  try {
    open.forEach(ask);
    while (status === null || open.size > 0 || ending.state() === "ending") {
      const stopTimer = status !== null && ending.state() === "ended" ? putLater(ports.clock, mailbox) : () => {};
      const news = await mailbox.take();
      stopTimer();
      // Whoever still holds the pipes has left the group; nobody waits for it.
      if (news.type === "idle") break;
      if (news.type === "exited") {
        status = news.status;
        ending.expectOutputEnd();
      } else if (news.type === "lateOutput") {
        if (open.size > 0) ending.end();
      } else if (news.type === "read") {
        if (news.bytes === null) open.delete(news.fd);
        else {
          yield { type: "chunk", fd: news.fd, bytes: news.bytes };
          ask(news.fd);
        }
      }
    }
    status ??= await child.status;
    yield { type: "exit", exitCode: status.code, signal: status.signal, timedOut: ending.timedOut() };
  } finally {
    // Also when the caller stops asking in the middle: neither the program nor a child that still speaks is left behind.
    if (status === null || open.size > 0) ending.end();
    ending.forget();
    await Promise.all(Object.values(readers).map((reader) => reader.cancel().catch(() => {})));
  }
}

function putLater(clock: Clock, mailbox: Mailbox<News>): () => void {
  return clock.after(LIMITS.killGraceMs, () => mailbox.put({ type: "idle" }));
}

interface Ending {
  /** Ends the group; once. */
  end(): void;
  /** `ended`: `killed` was put. */
  state(): "running" | "ending" | "ended";
  timedOut(): boolean;
  /** The program is over: its children get a while to close its output. */
  expectOutputEnd(): void;
  /** Listens no longer and stops the timers; an end under way goes on. */
  forget(): void;
}

/** Ends the group on abort, on the request's own timeout, and when asked; also while nobody reads the output. */
function watchForEnd(
  ports: ProcessPorts,
  child: Child,
  request: ProgramRequest,
  signal: AbortSignal,
  mailbox: Mailbox<News>,
): Ending {
  let state: "running" | "ending" | "ended" = "running";
  let timedOut = false;
  const timers: (() => void)[] = [];
  const end = (): void => {
    if (state !== "running") return;
    state = "ending";
    endGroup(child, ports.killer, ports.clock).finally(() => {
      state = "ended";
      mailbox.put({ type: "killed" });
    });
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  if (request.timeoutMs !== undefined) {
    timers.push(ports.clock.after(request.timeoutMs, () => {
      timedOut = state === "running";
      end();
    }));
  }
  return {
    end,
    state: () => state,
    timedOut: () => timedOut,
    expectOutputEnd() {
      timers.push(ports.clock.after(LIMITS.orphanGraceMs, () => mailbox.put({ type: "lateOutput" })));
    },
    forget() {
      signal.removeEventListener("abort", end);
      for (const stop of timers) stop();
    },
  };
}

/** Writes standard input beside the reading; a program that does not want it all may close it. */
async function feed(child: Child, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The program closed its end: its own matter.
  }
}
