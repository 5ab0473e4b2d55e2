/** What the host is, from Deno's own interfaces: no program is run for it. */
import type { SystemFacts } from "../../commands/host.ts";

/** The facts of this moment. */
export function denoFacts(version: string): SystemFacts {
  const [one = 0, five = 0, fifteen = 0] = Deno.loadavg();
  const memory = Deno.systemMemoryInfo();
  return {
    hostname: Deno.hostname(),
    os: Deno.build.os,
    arch: Deno.build.arch,
    osRelease: Deno.osRelease(),
    uptime: Deno.osUptime(),
    loadAverage: [one, five, fifteen],
    memory: { totalBytes: memory.total, availableBytes: memory.available, freeBytes: memory.free },
    cpus: navigator.hardwareConcurrency,
    interfaces: Deno.networkInterfaces().map(({ name, address, family }) => ({ name, address, family })),
    agent: { version, pid: Deno.pid, rssBytes: Deno.memoryUsage().rss },
  };
}
