/**
 * A member of ours as a program of its own, so that it can be killed. Its one argument is a JSON of `MemberSettings`; it
 * says one line for each thing that happens. SIGTERM makes it leave first.
 */
import { systemClock } from "../../base/clock_system.ts";
import { systemRng } from "../../base/rng_system.ts";
import { startGossip } from "../../cluster/swim/driver_system.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import { LOCAL } from "../../cluster/swim/presets.ts";
import { createSeal, Keyring, parseKey, type Seal } from "../../cluster/swim/seal/mod.ts";
import { decodeTags } from "../../cluster/swim/serf/messages.ts";
import { Program } from "./program.ts";
import { loopbackAddress } from "./serf_agent.ts";

export interface MemberSettings {
  readonly name: string;
  readonly listen: Endpoint;
  readonly tags: Readonly<Record<string, string>>;
  /** Base64; with it packets are sealed by AES-GCM. */
  readonly key?: string;
  readonly compress: boolean;
  readonly join?: Endpoint;
}

/** Starts one; where it listens is free unless it is said. */
export async function startMember(
  settings: Omit<MemberSettings, "listen"> & { listen?: Endpoint },
): Promise<{ program: Program; endpoint: Endpoint }> {
  const listen = settings.listen ?? { address: loopbackAddress(), port: 0 };
  const program = new Program(`member ${settings.name}`, Deno.execPath(), {
    args: ["run", "-A", "--quiet", import.meta.url, JSON.stringify({ ...settings, listen })],
  });
  const [, port] = await program.line(/^ready (\d+)$/);
  return { program, endpoint: { address: listen.address, port: Number(port) } };
}

/** What it says when a member changed. */
export function memberLine(change: string, name: string, status: string): RegExp {
  return new RegExp(`^member ${change} ${name} ${status} `);
}

function makeSeal({ key, listen }: MemberSettings): Seal {
  if (key === undefined) return createSeal({ security: "none", listen: listen.address });
  return createSeal({ security: "aes-gcm", keyring: new Keyring("aes-gcm", [parseKey(key)]), rng: systemRng });
}

async function run(settings: MemberSettings): Promise<void> {
  const { name, listen, tags, compress, join } = settings;
  const gossip = await startGossip({
    name,
    listen,
    // With few members gossip tells each twice at most; what that misses is not waited for long.
    settings: { ...LOCAL, pushPullIntervalMs: 2000 },
    seal: makeSeal(settings),
    compress,
    tags,
    incarnation: 1,
    clock: systemClock,
    rng: systemRng,
    on: {
      member(change, status, { name, meta }) {
        const tags = Object.fromEntries(decodeTags(meta) ?? []);
        console.log(`member ${change} ${name} ${status} ${JSON.stringify(tags)}`);
      },
      message: () => {},
      userEvent: (name, payload) => console.log(`event ${name} ${new TextDecoder().decode(payload)}`),
      log: (level, message, fields) => console.log(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    },
  });
  Deno.addSignalListener("SIGTERM", async () => {
    await gossip.leave();
    console.log("left");
    await gossip.close();
    for (const [name, count] of gossip.counters()) console.log(`count ${name} ${count}`);
    Deno.exit(0);
  });
  if (join !== undefined) {
    const { reached, errors } = await gossip.join([join]);
    console.log(`reached ${reached} ${errors.join("; ")}`);
  }
  console.log(`ready ${gossip.endpoint.port}`);
}

if (import.meta.main) await run(JSON.parse(Deno.args[0]!));
