/** What Linux says about a process: what it holds, what it burns, how many threads it has. */
import process from "node:process";

export interface Usage {
  rssMiB: number;
  /** Threads that are Workers of Deno's. */
  workers: number;
  /** Processor time of all its threads, in seconds. */
  cpuSeconds: number;
}

/** Processor time in /proc is counted in these, on every platform Deno runs on. */
const TICKS_A_SECOND = 100;
const MIB = 2 ** 20;

/** @throws Deno.errors.NotFound when the process is over */
export function usageOf(pid: number): Usage {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const number = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    rssMiB: number("VmRSS") * 1024 / MIB,
    workers: threadNames(pid).filter((name) => name.startsWith("worker-")).length,
    cpuSeconds: cpuSecondsIn(Deno.readTextFileSync(`/proc/${pid}/stat`)),
  };
}

/**
 * Processor time that this very thread has taken, in seconds: other tests run in other threads of the same process.
 * Linux only; elsewhere that of the process.
 */
export function threadCpuSeconds(): number {
  if (Deno.build.os !== "linux") {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }
  return cpuSecondsIn(Deno.readTextFileSync("/proc/thread-self/stat"));
}

/** The name in parentheses may hold anything; the numbers begin behind it. */
function cpuSecondsIn(stat: string): number {
  const numbers = stat.replace(/^.*\) /s, "").split(" ");
  return (Number(numbers[11]) + Number(numbers[12])) / TICKS_A_SECOND;
}

function threadNames(pid: number): string[] {
  return threadsOf(pid, (thread) => Deno.readTextFileSync(`${thread}/comm`));
}

/** What `look` says of each thread; those that end meanwhile are left out. */
function threadsOf<T>(pid: number, look: (folder: string) => T): T[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
    try {
      return [look(`/proc/${pid}/task/${name}`)];
    } catch (cause) {
      // ESRCH: the thread ended between the opening and the reading.
      if (cause instanceof Deno.errors.NotFound || /os error 3\b/.test(String(cause))) return [];
      throw cause;
    }
  });
}

/** The share of one core that a process takes over `ms` milliseconds. */
export async function busyOver(pid: number, ms: number): Promise<number> {
  const before = usageOf(pid).cpuSeconds;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return (usageOf(pid).cpuSeconds - before) / (ms / 1000);
}

/** The processes a process has started and not yet reaped. */
export function childrenOf(pid: number): number[] {
  return threadsOf(pid, (thread) => Deno.readTextFileSync(`${thread}/children`)).flatMap((text) => {
    return text.split(" ").filter((word) => word.trim() !== "").map(Number);
  });
}

/** Looks again and again until `look` answers something else than `undefined`. @throws Error after `ms` milliseconds */
export async function eventually<T>(
  what: string,
  ms: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const late = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > late) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How many files, pipes and sockets a process has open. */
export function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}
