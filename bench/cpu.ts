/** How long a process's threads have worked, by what they are. Linux only. */

/** Milliseconds of processor time. */
export interface CpuMs {
  main: number;
  /** Workers of the program; a server's only one is its storage thread. */
  workers: number;
  /** V8's own threads and the runtime's: collecting garbage, compiling, waiting for files. */
  helpers: number;
}

/** The kernel's unit in /proc, on every Linux there is. */
const MS_PER_TICK = 10;

/** Since the process began. */
export function cpuMs(pid: number): CpuMs {
  const spent: CpuMs = { main: 0, workers: 0, helpers: 0 };
  for (const { name: thread } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const stat = readStat(`/proc/${pid}/task/${thread}/stat`);
    if (stat === undefined) continue;
    // The name stands in brackets and may hold anything.
    const end = stat.lastIndexOf(")");
    const name = stat.slice(stat.indexOf("(") + 1, end);
    const fields = stat.slice(end + 2).split(" ");
    const ms = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
    if (Number(thread) === pid) spent.main += ms;
    else if (name.startsWith("worker-")) spent.workers += ms;
    else spent.helpers += ms;
  }
  return spent;
}

export function cpuSince(pid: number, before: CpuMs): CpuMs {
  const now = cpuMs(pid);
  return {
    main: now.main - before.main,
    workers: now.workers - before.workers,
    helpers: now.helpers - before.helpers,
  };
}

export function addCpu(a: CpuMs, b: CpuMs): CpuMs {
  return { main: a.main + b.main, workers: a.workers + b.workers, helpers: a.helpers + b.helpers };
}

export const NO_CPU: Readonly<CpuMs> = { main: 0, workers: 0, helpers: 0 };

function readStat(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    // It ended in between.
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}
