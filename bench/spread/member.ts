/**
 * A member of ours as a program of its own: the real driver and facts, nothing else. Its argument is a JSON of
 * `MemberSettings`; it says `members N` when their number changes and `seen NAME` when it learns a fact, and sets one for
 * each line `say NAME` that it reads.
 */
import { systemClock } from "../../base/clock_system.ts";
import { systemRng } from "../../base/rng_system.ts";
import type { FactEvent } from "../../cluster/facts/contract.ts";
import { createFacts } from "../../cluster/facts/core.ts";
import { startGossip } from "../../cluster/swim/driver_system.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import { LAN } from "../../cluster/swim/presets.ts";
import { createSeal } from "../../cluster/swim/seal/mod.ts";
import { TextLineStream } from "../../tests/support/lines.ts";

export interface MemberSettings {
  readonly name: string;
  readonly listen: Endpoint;
  readonly join?: Endpoint;
}

async function run({ name, listen, join }: MemberSettings): Promise<void> {
  const gossip = await startGossip({
    ...{ name, listen, settings: LAN, compress: true, tags: {}, incarnation: 1, clock: systemClock, rng: systemRng },
    // As serf's agents, who are not sealed either.
    seal: createSeal({ security: "none", listen: listen.address }),
    on: {
      member: () => count(),
      message: (from, bytes) => step({ type: "message", from: `${from.address}:${from.port}`, bytes }),
      log: () => {},
    },
  });
  const facts = createFacts({ self: name, endpoint: gossip.endpoint, rng: systemRng });
  const step = (event: FactEvent): void => {
    for (const effect of facts.step(event, Date.now())) {
      if (effect.do === "tell") gossip.tell(effect.member, effect.bytes, "packet");
      else if (effect.do === "learned") console.log(`seen ${effect.fact.name}`);
    }
  };
  let told = 0;
  const count = (): void => {
    const names = gossip.members()
      .filter(({ state }) => state === "alive" || state === "suspect")
      .map(({ name }) => name);
    step({ type: "members", names });
    if (names.length !== told) console.log(`members ${told = names.length}`);
  };
  count();
  if (join !== undefined) await gossip.join([join]);
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    step({ type: "set", name: line.slice("say ".length), value: line });
  }
  Deno.exit(0);
}

if (import.meta.main) await run(JSON.parse(Deno.args[0]!));
