/** Bugs planted in the server. */
import type { StoreOp } from "../../../base/store.ts";
import { SERVER_TABLES, type ServerEffect } from "../../../server/core/contract.ts";
import { createServerCore } from "../../../server/core/core.ts";
import { placeOf } from "../checks/records.ts";
import { ackOf, coatServer, endsOf, type Plant, serverOps, withoutLast } from "./plant.ts";

export const SERVER_PLANTS: readonly Plant[] = [
  {
    bug: "the server acknowledges before the records are durable",
    seenBy: ["acknowledged"],
    makers: coatServer(() => (core, event, now) => {
      const effects = core.step(event, now);
      if (event.type !== "agentFrames") return effects;
      const hasty = event.frames.filter(({ text }) => endsOf(text).length > 0);
      return [...effects, ...hasty.map(({ session, text }) => ({ do: "send" as const, session, text: ackOf(text) }))];
    }),
  },
  {
    bug: "the server does not store the last line of a frame",
    seenBy: ["durable", "acknowledged"],
    makers: serverOps(() => (ops) => ops.map(withoutLast)),
  },
  {
    bug: "the server changes a line",
    seenBy: ["offsets"],
    makers: serverOps(() => (ops) =>
      ops.map((op) =>
        op.op === "append" ? { ...op, lines: op.lines.map((line) => line.replace("output", "Output")) } : op
      )
    ),
  },
  {
    bug: "the server forgets a stream when it has stored it",
    seenBy: ["acknowledged"],
    makers: serverOps(() => (ops) =>
      ops.flatMap((op): StoreOp[] =>
        op.op === "append" ? [op, { op: "trim" as const, stream: op.stream, below: op.first }] : [op]
      )
    ),
  },
  {
    bug: "the server publishes what is not durable",
    seenBy: ["durable"],
    makers: coatServer(() => (core, event, now) => {
      const effects = core.step(event, now);
      const [frame] = event.type === "agentFrames" ? event.frames : [];
      const at = frame === undefined ? undefined : placeOf(frame.text);
      if (frame === undefined || at === undefined) return effects;
      const lines = frame.text.split("\n").slice(0, 1);
      return [...effects, { do: "publish", agent: "a", stream: at.stream, first: at.offset, lines }];
    }),
  },
  {
    bug: "the server takes every write for done at once",
    seenBy: ["durable", "acknowledged"],
    makers: coatServer(() => (core, event, now) => {
      if (event.type === "persisted" || event.type === "persistFailed") return [];
      const all: ServerEffect[] = [];
      const hasty = (effects: ServerEffect[]): void => {
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
    bug: "the server answers an operator before the order is durable",
    seenBy: ["durable"],
    makers: coatServer(() => {
      const answered = new Set<number>();
      return (core, event, now) => {
        const effects = core.step(event, now).filter((one) =>
          !((one.do === "reply" || one.do === "fail") && answered.has(one.id))
        );
        const waits = event.type === "request" && !effects.some((one) => one.do === "reply" || one.do === "fail");
        if (!waits || event.request.ask !== "submitOrder" || event.request.dryRun) return effects;
        answered.add(event.id);
        const order = /^id: "?(\w+)/m.exec(new TextDecoder().decode(event.request.bytes))?.[1] ?? "";
        return [...effects, { do: "reply", id: event.id, answer: { order, targets: [], count: 0, dryRun: false } }];
      };
    }),
  },
  {
    bug: "the server takes an end back",
    seenBy: ["targets"],
    makers: serverOps(() => (ops) =>
      ops.flatMap((op): StoreOp[] => {
        const ended = op.op === "put" && op.table === SERVER_TABLES.target && op.row["state"] === "finished";
        return ended ? [op, { ...op, row: { ...op.row, state: "started" } }] : [op];
      })
    ),
  },
  {
    bug: "the server says not-sent of what it has sent",
    seenBy: ["targets"],
    makers: serverOps(() => (ops) =>
      ops.map((op) =>
        op.op === "put" && op.table === SERVER_TABLES.target && op.row["state"] === "started"
          ? { ...op, row: { ...op.row, state: "not-sent" } }
          : op
      )
    ),
  },
  {
    bug: "the server forgets an order",
    seenBy: ["durable"],
    makers: serverOps(() => (ops) => ops.filter((op) => op.op !== "put" || op.table !== SERVER_TABLES.order)),
  },
  {
    bug: "the server lets sessions pile up",
    seenBy: ["bounds"],
    makers: {
      serverCore(deps) {
        const core = createServerCore(deps);
        let opened = 0;
        return {
          ...core,
          step(event, now) {
            if (event.type === "agentOpened") opened++;
            return core.step(event, now);
          },
          gauges: () => ({ ...core.gauges(), sessions: opened }),
        };
      },
    },
    profile: { breakEveryMs: 5000 },
  },
  {
    bug: "the server throws",
    seenBy: ["core"],
    makers: coatServer(() => (core, event, now) => {
      if (event.type === "agentClosed") throw new TypeError("planted");
      return core.step(event, now);
    }),
    profile: { breakEveryMs: 5000 },
  },
];
