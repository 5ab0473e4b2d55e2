/** The catalog's core: the queue before the disk, and who is told what after it. The contract stands in contract.ts. */
import { createHash } from "node:crypto";
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { answer, gossip, question } from "./answer.ts";
import { boot } from "./boot.ts";
import type { CatalogCore, CatalogDeps, CatalogEffect, CatalogEvent } from "./contract.ts";
import { type Draft, draftOps, isEmpty, newDraft, refusals, settle } from "./draft.ts";
import { entryBytes, entryKey } from "./entry.ts";
import { isTombstone } from "./kinds.ts";
import { prune } from "./prune.ts";
import { mendClock, restartIfAhead, rewriteForked } from "./restart.ts";
import { count, digestOf, getRecord, listRecords, newState, splitLog, type State, type Waiting } from "./state.ts";
import { takeDelta } from "./take.ts";
import { write } from "./write.ts";

const PRUNE_TIMER = "catalogPrune";

export function createCatalogCore(deps: CatalogDeps): CatalogCore {
  const state = newState(deps);
  return {
    step(event, now) {
      step(state, event, now);
      return state.out.splice(0);
    },
    digest: () => digestOf(state),
    ask: (peer, now) => question(state, peer, now),
    get: (kind, id) => getRecord(state, kind, id),
    list: (kind) => listRecords(state, kind),
    losers: (kind, id) => (state.losers.get(entryKey({ kind, id })) ?? []).map(({ entry }) => entry),
    hash: () => state.hash ??= hashOf(state),
    size: () => ({
      records: state.records.size,
      losers: state.loserCount,
      logs: state.logs.size,
      bytes: state.bytes,
      waiting: state.queue.length,
    }),
  };
}

function step(state: State, event: CatalogEvent, now: number): void {
  if (Math.abs(now - state.lastStep) > LIMITS.catalogLeapMs) state.peers.leapt(now - state.lastStep);
  state.lastStep = now;
  switch (event.type) {
    case "booted":
      boot(state, event.rows, now);
      state.out.push({ do: "timer", name: PRUNE_TIMER, at: now + LIMITS.catalogPruneEveryMs });
      break;
    case "write": {
      const { token, kind, id, value } = event;
      // `undefined` members and the like are the caller's fault; the size only has to be about right.
      const bytes = JSON.stringify(value).length;
      if (hasQueueRoom(state, bytes)) enqueue(state, { type: "write", token, kind, id, value, bytes });
      else refuse(state, token, new JabberError("store.busy").toBody());
      break;
    }
    case "delta":
      hear(state, event, now);
      break;
    case "digest":
      reply(state, event, now);
      break;
    case "persisted":
      landed(state, event.token);
      break;
    case "persistFailed":
      failed(state, event.token, event.error);
      break;
    case "timer":
      if (event.name === PRUNE_TIMER) enqueue(state, { type: "prune", bytes: 0 });
      break;
    default:
      event satisfies never;
  }
  flush(state, now);
}

function hear(state: State, event: CatalogEvent & { type: "delta" }, now: number): void {
  const { from, delta, token } = event;
  if (delta.clock !== undefined) state.peers.heard(from, delta.clock, now);
  const bytes = delta.entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  if (hasQueueRoom(state, bytes)) {
    enqueue(state, { type: "delta", from, delta, token, bytes });
    return;
  }
  count(state, "catalogDeltasDropped");
  if (token !== undefined) refuse(state, token, new JabberError("store.busy").toBody());
}

function reply(state: State, event: CatalogEvent & { type: "digest" }, now: number): void {
  state.peers.heard(event.from, event.clock, now);
  for (const [log, version] of Object.entries(event.digest)) {
    const [writer, store] = splitLog(log);
    if (writer !== state.deps.node || store < state.store) continue;
    if (store > state.store || version > state.version) enqueue(state, { type: "heard", log, version, bytes: 0 });
  }
  if (state.hlc.isLost(now)) enqueue(state, { type: "heard", bytes: 0 });
  if (!state.booted) refuse(state, event.token, new JabberError("store.busy").toBody());
  else state.out.push({ do: "missing", token: event.token, ...answer(state, event, now) });
}

function hasQueueRoom(state: State, bytes: number): boolean {
  return state.queue.length < LIMITS.catalogQueueMax &&
    (state.queue.length === 0 || state.queueBytes + bytes <= LIMITS.catalogQueueBytesMax);
}

function enqueue(state: State, waiting: Waiting): void {
  // What is of no one's own needs to wait only once.
  if (waiting.type === "prune" && state.queue.some(({ type }) => type === "prune")) return;
  if (waiting.type === "heard") {
    const isSaid = (other: Waiting) => other.type === "heard" && other.log === waiting.log;
    if (state.queue.length >= LIMITS.catalogQueueMax || state.queue.some(isSaid)) return;
  }
  state.queue.push(waiting);
  state.queueBytes += waiting.bytes;
}

/** Takes what waits into one commit, unless one is under way. */
function flush(state: State, now: number): void {
  while (state.booted && state.flight === undefined && state.queue.length > 0) {
    const draft = newDraft(state, now);
    mendClock(draft);
    for (let bytes = 0; bytes < LIMITS.catalogBatchBytes;) {
      const next = state.queue.shift();
      if (next === undefined) break;
      state.queueBytes -= next.bytes;
      bytes += Math.max(1, next.bytes);
      take(draft, next);
    }
    rewriteForked(draft);
    if (isEmpty(draft)) {
      tell(state, draft);
      continue;
    }
    const token = ++state.token;
    state.flight = { token, draft };
    state.out.push({ do: "persist", token, ops: draftOps(draft) });
  }
}

function take(draft: Draft, waiting: Waiting): void {
  const { state } = draft;
  switch (waiting.type) {
    case "write": {
      const { token, kind, id, value } = waiting;
      try {
        draft.told.push({ do: "written", token, entry: write(draft, kind, id, value) });
        draft.tokens.push(token);
      } catch (cause) {
        refuse(state, token, toErrorBody(cause));
      }
      break;
    }
    case "delta": {
      const again = takeDelta(draft, waiting.from, waiting.delta);
      if (waiting.token === undefined) break;
      draft.told.push({ do: "merged", token: waiting.token, again });
      draft.tokens.push(waiting.token);
      break;
    }
    case "prune": {
      const more = prune(draft);
      const at = draft.now + (more ? 0 : LIMITS.catalogPruneEveryMs);
      state.out.push({ do: "timer", name: PRUNE_TIMER, at });
      break;
    }
    case "heard":
      if (waiting.log !== undefined) restartIfAhead(draft, waiting.log, waiting.version ?? 0, false);
      break;
    default:
      waiting satisfies never;
  }
}

function landed(state: State, token: number): void {
  const draft = state.flight?.token === token ? state.flight.draft : undefined;
  state.flight = undefined;
  if (draft === undefined) throw new JabberError("internal", `no commit ${token} is under way`);
  tell(state, draft);
}

/** The draft is durable, or changes nothing that has to be. */
function tell(state: State, draft: Draft): void {
  for (const { entry, before } of settle(draft)) state.out.push({ do: "changed", entry, before });
  const isCurrent = ({ kind, id, signature }: { kind: string; id: string; signature: string }) =>
    state.records.get(entryKey({ kind, id }))?.entry.signature === signature;
  const effects: CatalogEffect[] = gossip(state, draft.own.filter(isCurrent), draft.learned.filter(isCurrent));
  state.out.push(...draft.told, ...effects);
}

function failed(state: State, token: number, error: ErrorBody): void {
  const draft = state.flight?.token === token ? state.flight.draft : undefined;
  state.flight = undefined;
  if (draft === undefined) throw new JabberError("internal", `no commit ${token} is under way`);
  count(state, "catalogCommitsFailed");
  state.out.push(...refusals(draft, error));
}

function refuse(state: State, token: number, error: ErrorBody): void {
  state.out.push({ do: "refused", token, error });
}

function hashOf(state: State): string {
  const keys = [...state.records.keys()].sort();
  const hash = createHash("sha256");
  for (const key of keys) {
    const { entry } = state.records.get(key)!;
    if (!isTombstone(entry)) hash.update(`${key}\0${entry.signature}\n`);
  }
  return hash.digest("hex");
}
