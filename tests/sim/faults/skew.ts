/** Nodes of other versions: they name another range of protocols, and say things that nobody knows yet. */
import type { Dice } from "../world/clock.ts";
import type { FaultTargets } from "./faults.ts";

/** The last one shares no version with anybody: such an agent is refused until it is put right. */
const RANGES = ['0,"max":1', '1,"max":7', '7,"max":9'] as const;
/** Of the frames of a newer node, so many are followed by one of a kind that does not exist yet. */
const CHATTER = 0.02;

export function skew(dice: Dice, probability: number, { servers, agents }: FaultTargets): { heal(): void } {
  const newer = (from: string): string =>
    JSON.stringify({
      v: 1,
      id: "01KDVDN7G0000000000000000B",
      kind: "sparkle",
      from,
      time: "2026-01-01T00:00:00.000Z",
      body: { shine: true },
    });
  for (const agent of agents) {
    if (!dice.chance(probability)) continue;
    const range = dice.pick(RANGES);
    agent.speech = (text) => {
      if (text.includes('"kind":"hello"')) return [text.replace(/"min":\d+,"max":\d+/, `"min":${range}`)];
      return range !== RANGES[0] && dice.chance(CHATTER) ? [text, newer(agent.host.id)] : [text];
    };
  }
  for (const server of servers) {
    if (dice.chance(probability)) server.chatter = () => dice.chance(CHATTER) ? newer(server.node) : undefined;
  }
  return {
    heal() {
      for (const agent of agents) agent.speech = undefined;
      for (const server of servers) server.chatter = undefined;
    },
  };
}
