/** Bugs planted in the agents. */
import type { StoreOp } from "../../../base/store.ts";
import { AGENT_TABLES, type AgentEffect } from "../../../agent/core/contract.ts";
import { COMMANDS } from "../world/cast.ts";
import { ackOf, agentOps, coatAgent, endsOf, plainAgent, type Plant, withoutLast } from "./plant.ts";

export const AGENT_PLANTS: readonly Plant[] = [
  {
    bug: "the agent takes every write for done at once",
    seenBy: ["durable"],
    makers: coatAgent(() => (core, event, now) => {
      if (event.type === "persisted" || event.type === "persistFailed") return [];
      const all: AgentEffect[] = [];
      const hasty = (effects: AgentEffect[]): void => {
        for (const effect of effects) {
          all.push(effect);
          if (effect.do === "persist") hasty(core.step({ type: "persisted", token: effect.token, conflicts: [] }, now));
        }
      };
      hasty(core.step(event, now));
      return all;
    }),
  },
  {
    bug: "the agent forgets at start which orders it has run",
    seenBy: ["once"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(event.type === "booted" ? { ...event, rows: { ...event.rows, order: [] } } : event, now)
    ),
    profile: { crashEveryMs: 5000 },
  },
  {
    bug: "the agent runs everything unsigned",
    seenBy: ["signed"],
    makers: coatAgent(plainAgent, (deps) => ({
      ...deps,
      policy: { ...deps.policy, unsigned: COMMANDS.map(({ key }) => key) },
    })),
  },
  {
    bug: "the agent starts every script that is open, whatever its owner says",
    seenBy: ["signed"],
    makers: coatAgent(plainAgent, (deps) => ({ ...deps, policy: { ...deps.policy, openScripts: true } })),
  },
  {
    bug: "the agent takes itself for another host",
    seenBy: ["signed"],
    makers: coatAgent(plainAgent, (deps) => ({
      ...deps,
      policy: { ...deps.policy, tags: { ...deps.policy.tags, env: "prod" } },
    })),
  },
  {
    bug: "the agent takes orders after their end",
    seenBy: ["signed"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(event, now - 30_000).map((effect) =>
        effect.do === "timer" && effect.at !== null ? { ...effect, at: effect.at + 30_000 } : effect
      )
    ),
  },
  {
    bug: "the agent starts work twice",
    seenBy: ["once"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(event, now).flatMap((effect): AgentEffect[] =>
        effect.do === "startCommand" ? [effect, effect] : [effect]
      )
    ),
  },
  {
    bug: "the agent loses a line on its way to the disk",
    seenBy: ["durable", "offsets"],
    makers: agentOps((ops) => ops.map(withoutLast)),
  },
  {
    bug: "the agent mints an offset again after a crash",
    seenBy: ["offsets"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(
        event.type === "booted"
          ? {
            ...event,
            extents: event.extents.map((one) => ({
              ...one,
              end: one.end - 1,
              ranges: one.ranges.map(({ from, to }) => ({ from, to: to - 1 })),
            })),
          }
          : event,
        now,
      )
    ),
    profile: { crashEveryMs: 5000 },
  },
  {
    bug: "the agent skips an offset",
    seenBy: ["offsets"],
    makers: agentOps((ops) => ops.map((op) => op.op === "append" ? { ...op, first: op.first + 1 } : op)),
  },
  {
    bug: "the agent lets go of records that nobody has acknowledged",
    seenBy: ["acknowledged"],
    makers: agentOps((ops) =>
      ops.flatMap((op): StoreOp[] =>
        op.op === "append" ? [op, { op: "trim" as const, stream: op.stream, below: op.first + op.lines.length }] : [op]
      )
    ),
  },
  {
    bug: "the agent counts as acknowledged what it has sent",
    seenBy: ["acknowledged"],
    makers: coatAgent(() => (core, event, now) => {
      const effects = core.step(event, now);
      for (const effect of [...effects]) {
        if (effect.do !== "send" || endsOf(effect.text).length === 0) continue;
        effects.push(...core.step({ type: "frame", attempt: effect.attempt, text: ackOf(effect.text) }, now));
      }
      return effects;
    }),
    // Marks reach the disk a second later: by then the server must not have caught up.
    profile: { netSlowestMs: 500, diskSlowestMs: 3000, stallEveryMs: 3000 },
  },
  {
    bug: "the agent gives credit twice",
    seenBy: ["bounds"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(event, now).flatMap((effect): AgentEffect[] => effect.do === "credit" ? [effect, effect] : [effect])
    ),
  },
  {
    bug: "the agent leaks timers",
    seenBy: ["bounds"],
    makers: coatAgent(() => {
      let count = 0;
      return (core, event, now) => [
        ...core.step(event, now),
        { do: "timer", name: `leak ${count++}`, at: now + 3600_000 },
      ];
    }),
  },
  {
    bug: "the agent gives up dialling",
    seenBy: ["converge"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(event, now).filter((effect) => effect.do !== "dial" || effect.attempt < 3)
    ),
    profile: { breakEveryMs: 5000 },
  },
  {
    bug: "the agent does not notice that work ended",
    seenBy: ["converge"],
    makers: coatAgent(() => (core, event, now) => event.type === "ended" ? [] : core.step(event, now)),
  },
  {
    bug: "the agent never writes down how a run ended",
    seenBy: ["converge"],
    makers: agentOps((ops) =>
      ops.filter((op) => op.op !== "put" || op.table !== AGENT_TABLES.run || op.row["state"] === "started")
    ),
  },
];
