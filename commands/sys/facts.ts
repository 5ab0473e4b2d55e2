/** `sys.facts`: what the host is and how it does, as the answer of the call. */
import * as z from "zod/mini";
import { defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";

const input = z.strictObject({});

const bytes = z.number().check(z.minimum(0));
const result = z.strictObject({
  hostname: z.string(),
  os: z.string(),
  arch: z.string(),
  osRelease: z.string(),
  uptime: z.number().check(z.describe("Seconds since the host started")),
  loadAverage: z.tuple([z.number(), z.number(), z.number()]).check(z.describe("Of the last 1, 5 and 15 minutes")),
  memory: z.strictObject({ totalBytes: bytes, availableBytes: bytes, freeBytes: bytes }),
  cpus: z.int(),
  interfaces: z.array(z.strictObject({ name: z.string(), address: z.string(), family: z.string() })),
  agent: z.strictObject({ version: z.string(), pid: z.int(), rssBytes: bytes }),
});

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host): AsyncGenerator<Emission, Outcome, void> {
  const facts = host.facts();
  const body = {
    ...facts,
    memory: { ...facts.memory },
    interfaces: facts.interfaces.map((one) => ({ ...one })),
    agent: { ...facts.agent },
  };
  return { ok: true, result: body };
}

export const sysFacts = defineCommand<z.infer<typeof input>>({
  key: "sys.facts",
  access: 1,
  summary: "Say what the host is: name, system, load, memory, addresses",
  input,
  output: z.never(),
  result,
  positional: [],
  run,
});
