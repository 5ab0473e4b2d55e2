/** What tests of the executor share: policies that allow one shell line, and a run that is watched from outside. */
import { systemClock } from "../../base/clock_system.ts";
import { parsePolicy } from "../../agent/policy/parse.ts";
import type { AgentPolicy, ProgramRule } from "../../agent/policy/policy.ts";
import type { Emission } from "../../commands/command.ts";
import type { ProgramRequest } from "../../commands/host.ts";
import { createMemoryHost } from "../../commands/host_memory.ts";
import { COMMANDS, commandTable } from "../../commands/mod.ts";
import { createExecutor, type Executor, type ExecutorPorts } from "../../agent/executor/executor.ts";
import { createDenoHost } from "../../agent/executor/host_deno.ts";
import type { FromExecutor, Grant } from "../../agent/threads/protocol.ts";

/** Where `sh` really is on this machine. */
export const SHELL = Deno.realPathSync("/bin/sh");

/** An entry that allows exactly these lines of shell. */
export function shellRule(...lines: string[]): ProgramRule {
  return { path: "/bin/sh", realPath: SHELL, interpreter: true, args: [{ is: "-c" }, { oneOf: lines }] };
}

/** A policy of these parts and nothing else. */
export function policyOf(parts: Partial<AgentPolicy>): AgentPolicy {
  return { ...parsePolicy({}), ...parts };
}

/** A request for one line of shell. */
export function shellRequest(line: string, more: Partial<ProgramRequest> = {}): ProgramRequest {
  return { program: "/bin/sh", args: ["-c", line], ...more };
}

export function grantOf(parts: Partial<Grant> = {}): Grant {
  return { run: "run-1", uses: [...commandTable(COMMANDS).keys()], access: 4, ...parts };
}

/** The real host under this policy, for one run after the other. */
export function realHost(policy: AgentPolicy): ReturnType<typeof createDenoHost> {
  const { kv } = createMemoryHost();
  return createDenoHost({ policy, version: "0.0.0", clock: systemClock, kv, ownTags: Object.keys(policy.tags) });
}

/** Everything the executor says, and a way to wait for one thing of it. */
export interface Watched {
  executor: Executor;
  said: FromExecutor[];
  /** The first message that `matches`, said already or yet to come. */
  until<T extends FromExecutor>(matches: (message: FromExecutor) => message is T): Promise<T>;
}

/** An executor on the real host or on the ports given. */
export function watchedExecutor(policy: AgentPolicy, ports: Partial<ExecutorPorts> = {}): Watched {
  const said: FromExecutor[] = [];
  let listeners: ((message: FromExecutor) => void)[] = [];
  const host = realHost(policy);
  const executor = createExecutor({
    clock: systemClock,
    commands: () => Promise.resolve(commandTable(COMMANDS)),
    host: (run) => host(run.audit),
    send(message) {
      said.push(message);
      for (const listener of listeners) listener(message);
    },
    ...ports,
  });
  return {
    executor,
    said,
    until<T extends FromExecutor>(matches: (message: FromExecutor) => message is T): Promise<T> {
      const found = said.find(matches);
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((resolve) => {
        const listener = (message: FromExecutor): void => {
          if (!matches(message)) return;
          listeners = listeners.filter((one) => one !== listener);
          resolve(message);
        };
        listeners.push(listener);
      });
    },
  };
}

export type Ended = Extract<FromExecutor, { type: "ended" }>;
export type Emitted = Extract<FromExecutor, { type: "emission" }>;

export const isEnded = (run: string) => (message: FromExecutor): message is Ended =>
  message.type === "ended" && message.run === run;
export const isEmission = (message: FromExecutor): message is Emitted => message.type === "emission";

/** The text a run said on one file descriptor. */
export function textOf(said: readonly FromExecutor[], fd: 1 | 2, run = "run-1"): string {
  return said.filter(isEmission).filter((message) => message.run === run).map(({ emission }) => pieceOf(emission, fd))
    .join("");
}

function pieceOf(emission: Emission, fd: 1 | 2): string {
  if (emission.kind !== "output" || emission.body["fd"] !== fd) return "";
  return String(emission.body["text"] ?? `[${String(emission.body["base64"])}]`);
}

/** A line of shell that sleeps for hours, known among all processes by its odd number of seconds. */
export function oddSleep(): string {
  return `sleep 7${crypto.getRandomValues(new Uint32Array(1))[0]}.25`;
}

/** The processes whose command line holds `mark`, as `ps` sees them. Zombies do not count: they run nothing. */
export async function processesWith(mark: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,stat=,args="], stdout: "piped" }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => {
    return line.includes(mark) && !/^\s*\d+\s+Z/.test(line);
  });
}
