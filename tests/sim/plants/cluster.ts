/** Bugs planted in membership, in the catalog, in what ties them, and in what a server makes of its cluster. */
import { createCatalogCore } from "../../../cluster/catalog/core.ts";
import {
  CATALOG_TABLES,
  type CatalogCore,
  type CatalogEffect,
  type CatalogEvent,
  type Digest,
} from "../../../cluster/catalog/contract.ts";
import type { NodeEvent } from "../../../cluster/node/contract.ts";
import { createNodeCore } from "../../../cluster/node/core.ts";
import type { SwimCore, SwimEffect, SwimEvent } from "../../../cluster/swim/contract.ts";
import { createSwimCore } from "../../../cluster/swim/core/core.ts";
import type { PushPull } from "../../../cluster/swim/messages.ts";
import type { Makers } from "../world/world.ts";
import { coatServer, type Plant } from "./plant.ts";

/** Islands where people go on writing. */
const APART = { partEveryMs: 40_000, partMs: 60_000 };
const LOSSY = { gossipLoss: 0.2 };

function coatCatalog(change: (core: CatalogCore) => Partial<CatalogCore>): Partial<Makers> {
  return {
    catalogCore(deps) {
      const core = createCatalogCore(deps);
      return { ...core, ...change(core) };
    },
  };
}

/** Changes what the catalog hears. */
function catalogHears(change: (event: CatalogEvent, core: CatalogCore) => CatalogEvent): Partial<Makers> {
  return coatCatalog((core) => ({ step: (event, now) => core.step(change(event, core), now) }));
}

function coatSwim(step: (core: SwimCore, event: SwimEvent, now: number) => SwimEffect[]): Partial<Makers> {
  return {
    swimCore(deps) {
      const core = createSwimCore(deps);
      return {
        step: (event, now) => step(core, event, now),
        members: () => core.members(),
        member: (name) => core.member(name),
        health: () => core.health(),
        queued: () => core.queued(),
      };
    },
  };
}

/** Keeps what comes to a node from it. */
function deafNode(isDeafTo: (event: NodeEvent) => boolean): Partial<Makers> {
  return {
    nodeCore(deps) {
      const core = createNodeCore(deps);
      return {
        step: (event, now) => isDeafTo(event) ? [] : core.step(event, now),
        localState: () => core.localState(),
        get state() {
          return core.state;
        },
        catalog: core.catalog,
        facts: core.facts,
      };
    },
  };
}

function boastful(digest: Digest): Digest {
  return Object.fromEntries(Object.entries(digest).map(([log, upTo]) => [log, upTo + 3]));
}

/** The dead among them are said to be well. */
function revived({ nodes, ...rest }: PushPull): PushPull {
  return {
    ...rest,
    nodes: nodes.map((node) =>
      node.state === "alive" ? node : { ...node, state: "alive", incarnation: node.incarnation + 1 }
    ),
  };
}

/** Everybody is said to be well in the first of lives. */
function withoutIncarnations(event: SwimEvent): SwimEvent {
  const first = <T extends object>(said: T): T => "incarnation" in said ? { ...said, incarnation: 1 } : said;
  const all = (state: PushPull): PushPull => ({ ...state, nodes: state.nodes.map(first) });
  switch (event.type) {
    case "packet":
      return { ...event, messages: event.messages.map(first) };
    case "exchangeAsked":
      return { ...event, theirs: all(event.theirs) };
    case "exchanged":
      return "error" in event.theirs ? event : { ...event, theirs: all(event.theirs) };
    default:
      return event;
  }
}

export const CLUSTER_PLANTS: readonly Plant[] = [
  {
    bug: "membership takes the word of an exchange that a dead server is well",
    seenBy: ["dead", "members"],
    makers: coatSwim((core, event, now) =>
      core.step(
        event.type === "exchangeAsked"
          ? { ...event, theirs: revived(event.theirs) }
          : event.type === "exchanged" && !("error" in event.theirs)
          ? { ...event, theirs: revived(event.theirs) }
          : event,
        now,
      )
    ),
    profile: { spareGone: 1 },
  },
  {
    bug: "membership ignores incarnations",
    seenBy: ["members"],
    makers: coatSwim((core, event, now) => core.step(withoutIncarnations(event), now)),
    profile: { pauseEveryMs: 10_000, pauseMs: 30_000 },
  },
  {
    bug: "servers that were apart never look for each other",
    seenBy: ["members"],
    makers: {
      ...coatSwim((core, event, now) =>
        event.type === "timer" && event.name === "reconnect" ? [] : core.step(event, now)
      ),
      ...deafNode((event) => event.type === "timer" && event.name === "node/join"),
    },
    profile: APART,
  },
  {
    bug: "membership says everything twenty times",
    seenBy: ["bounds"],
    makers: coatSwim((core, event, now) =>
      core.step(event, now).flatMap((effect): SwimEffect[] =>
        effect.do === "packet" ? Array.from({ length: 20 }, () => effect) : [effect]
      )
    ),
  },
  {
    bug: "membership fills datagrams beyond what they hold",
    seenBy: ["bounds"],
    makers: coatSwim((core, event, now) =>
      core.step(event, now).map((effect) =>
        effect.do === "packet" ? { ...effect, parts: Array.from({ length: 40 }, () => effect.parts).flat() } : effect
      )
    ),
  },
  {
    bug: "the catalog prefers the older of two stamps",
    seenBy: ["digests", "copies", "written"],
    makers: catalogHears((event, core) => {
      if (event.type !== "delta") return event;
      const isOlder = ({ kind, id, stamp }: { kind: string; id: string; stamp: string }) =>
        kind !== "setting" || stamp < (core.get(kind, id)?.stamp ?? "~");
      return { ...event, delta: { ...event.delta, entries: event.delta.entries.filter(isOlder) } };
    }),
  },
  {
    bug: "a digest claims more than is held",
    seenBy: ["digests", "copies"],
    makers: coatCatalog((core) => ({
      digest: () => boastful(core.digest()),
      ask: (peer, now) => {
        const question = core.ask(peer, now);
        return { ...question, digest: boastful(question.digest) };
      },
    })),
    profile: LOSSY,
  },
  {
    bug: "the catalog tells others what its disk does not have yet",
    seenBy: ["entries", "durable", "digests"],
    makers: coatCatalog((core) => ({
      step(event, now) {
        if (event.type === "persisted" || event.type === "persistFailed") return [];
        const all: CatalogEffect[] = [];
        const hasty = (effects: CatalogEffect[]): void => {
          for (const effect of effects) {
            all.push(effect);
            if (effect.do === "persist") hasty(core.step({ type: "persisted", token: effect.token }, now));
          }
        };
        hasty(core.step(event, now));
        return all;
      },
    })),
    profile: { diskSlowestMs: 2000, crashEveryMs: 20_000 },
  },
  {
    bug: "the catalog forgets removals with each start",
    seenBy: ["digests", "copies", "written"],
    makers: catalogHears((event) => {
      if (event.type !== "booted") return event;
      const isKept = (row: { row: Record<string, unknown> }) =>
        !Array.isArray(row.row["entry"]) || row.row["entry"][6] !== null;
      return { ...event, rows: { ...event.rows, record: event.rows.record.filter(isKept) } };
    }),
    profile: { ...APART, crashEveryMs: 10_000 },
  },
  {
    bug: "the catalog throws away what lost",
    seenBy: ["written"],
    makers: coatCatalog((core) => ({
      step: (event, now) =>
        core.step(event, now).map((effect) =>
          effect.do === "persist"
            ? { ...effect, ops: effect.ops.filter((op) => op.op !== "put" || op.table !== CATALOG_TABLES.loser) }
            : effect
        ),
    })),
    profile: APART,
  },
  {
    bug: "servers never compare their catalogs",
    seenBy: ["copies", "written"],
    makers: deafNode((event) => event.type === "merged"),
    profile: { ...LOSSY, ...APART },
  },
  {
    bug: "the server's core does not hear of removals elsewhere",
    seenBy: ["tables"],
    makers: coatServer(() => (core, event, now) =>
      core.step(
        event.type === "shared"
          ? {
            ...event,
            records: event.records.filter(({ value }) => value !== null && value["state"] !== "removed"),
          }
          : event,
        now,
      )
    ),
  },
  {
    bug: "the server forgets with each start who was removed",
    seenBy: ["removed", "tables"],
    makers: coatServer(() => (core, event, now) =>
      core.step(
        event.type === "booted"
          ? {
            ...event,
            rows: { ...event.rows, agent: event.rows.agent.filter(({ row }) => row["state"] !== "removed") },
          }
          : event,
        now,
      )
    ),
    profile: { crashEveryMs: 10_000 },
  },
];
