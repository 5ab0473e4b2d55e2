/** Orders as the server tells of them: durable when it says so, true, and an end is an end. */
import type { JsonObject } from "../../../base/json.ts";
import { isJsonObject } from "../../../base/json.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import type { StoreOp } from "../../../base/store.ts";
import type { Holder } from "./records.ts";
import { SERVER_TABLES, type ServerRequest } from "../../../server/core/contract.ts";
import { must } from "./failure.ts";

export interface OrderChecks {
  serverApplies(op: StoreOp): void;
  /** A frame leaves the server for an agent. */
  serverSends(agent: string, text: string): void;
  /** The server said yes. */
  replied(request: ServerRequest, answer: unknown): void;
  /** Whatever the server once said yes to is there: asked when it starts, and at the end. */
  promisesAreKept(): void;
  /** The server has lost its disk: what it said yes to is not its own any more. */
  loses(): void;
}

const RANK: Record<string, number> = { "not-sent": 0, sent: 1, started: 2, refused: 3, finished: 3 };

export function createOrderChecks(server: Holder): OrderChecks {
  const { name, engine } = server;
  const promises = createPromises(server);
  const targets = createTargetChecks(server);
  return {
    promisesAreKept: () => promises.areKept(),
    loses: () => promises.forget(),
    serverApplies(op) {
      targets.serverApplies(op);
      if (op.op !== "put" || op.table !== SERVER_TABLES.order) return;
      checkOrder(op.key, engine().row(op.table, op.key), op.row);
    },
    serverSends(agent, text) {
      if (!text.includes('"kind":"command"')) return;
      const message: unknown = JSON.parse(text);
      const order = isJsonObject(message) ? String(message["job"]) : "";
      if (!isJsonObject(message) || !isJsonObject(message["body"]) || !Object.hasOwn(message["body"], "job")) {
        return targets.leaves(`${order}/${agent}`);
      }
      const job = engine().row(SERVER_TABLES.jobText, order)?.["text"];
      // A version that was written meanwhile is on disk as well.
      must("durable", job !== undefined, () => `job ${order} leaves ${name} and is not on its disk`);
    },
    replied(request, answer) {
      if (!isJsonObject(answer)) return;
      const real = answer["dryRun"] === false;
      if (real && (request.ask === "submitOrder" || request.ask === "submitUnsigned")) {
        promises.add("order", String(answer["order"]));
      }
      if (request.ask === "pushScript") promises.add("script", String(answer["hash"]));
      if (request.ask === "approveAgent") promises.add("approval", request.agent);
      if (request.ask === "cancelOrder") checkCancelled(engine(), request.order, answer);
    },
  };
}

type Promised = "order" | "script" | "approval";

/** What the server once said yes to. */
function createPromises({ name, engine }: Holder) {
  const isKept: Record<Promised, (id: string) => void> = {
    order(id) {
      const row = engine().row(SERVER_TABLES.order, id);
      must("durable", row !== undefined, () => `order ${id} was promised to an operator and is gone from ${name}`);
    },
    script(hash) {
      const text = engine().row(SERVER_TABLES.scriptText, hash);
      // Removing it is asked for as well.
      const isRemoved = engine().row(SERVER_TABLES.script, hash)?.["removedAt"] !== undefined;
      must("durable", text !== undefined || isRemoved, () => `script ${hash} was pushed and is gone from ${name}`);
    },
    approval(id) {
      const state = engine().row(SERVER_TABLES.agent, id)?.["state"];
      const isKept = state === "enrolled" || state === "removed";
      must("durable", isKept, () => `agent ${id} was approved and is ${state} on ${name}`);
    },
  };
  const given: { [what in Promised]: Set<string> } = { order: new Set(), script: new Set(), approval: new Set() };
  return {
    add(what: Promised, id: string): void {
      given[what].add(id);
      isKept[what](id);
    },
    forget(): void {
      for (const what of ["order", "script", "approval"] as const) given[what].clear();
    },
    areKept(): void {
      for (const what of ["order", "script", "approval"] as const) given[what].forEach(isKept[what]);
    },
  };
}

/** How far each order got on each agent, as the disk tells it. */
function createTargetChecks({ name }: Holder) {
  /** A row of one target's own goes before a row of many. */
  const own = new Map<string, JsonObject>();
  const shared = new Map<string, JsonObject>();
  const known = (key: string): JsonObject | undefined => own.get(key) ?? shared.get(key);
  const sent = new Set<string>();
  return {
    serverApplies(op: StoreOp): void {
      if (op.op === "delete" && op.table === SERVER_TABLES.target) {
        must("targets", false, () => `${name} forgets target ${op.key}`);
      }
      if (op.op !== "put" || op.table !== SERVER_TABLES.target) return;
      for (const [key, row] of targetsIn([op])) {
        checkStep(key, known(key), row, sent);
        (key === op.key ? own : shared).set(key, row);
      }
    },
    /** The command goes out to its agent. */
    leaves(key: string): void {
      const state = known(key)?.["state"];
      must(
        "durable",
        state !== undefined && state !== "not-sent",
        () => `order ${key} leaves ${name}, whose disk says ${state}`,
      );
      sent.add(key);
    },
  };
}

/** What was done or cancelled stays so. */
function checkOrder(key: string, before: JsonObject | undefined, after: JsonObject): void {
  if (before === undefined) return;
  const done = Number(before["doneAt"]);
  must("targets", done === 0 || done === after["doneAt"], () => `order ${key} was done and is not any more`);
  const kept = before["cancelled"] === null || after["cancelled"] !== null;
  must("targets", kept, () => `order ${key} was cancelled and is not any more`);
}

/** `<order>/<agent>` → what the server's disk says of it, for the targets of one order or of all. */
export function targetsOnDisk(server: MemoryEngine, order?: string): Map<string, JsonObject> {
  const prefix = order === undefined ? "" : `${order}/`;
  return targetsIn(server.rows(SERVER_TABLES.target, { prefix, limit: Infinity }));
}

/** A row of many names them, and sorts before those that are one target's own. */
function targetsIn(rows: readonly { key: string; row: JsonObject }[]): Map<string, JsonObject> {
  return new Map(rows.flatMap(({ key, row }): [string, JsonObject][] => {
    if (!Array.isArray(row["agents"])) return [[key, row]];
    return row["agents"].map((agent) => [`${key.slice(0, key.indexOf("/"))}/${agent}`, row]);
  }));
}

/** A target changes: never back, and never away from an end. */
function checkStep(key: string, before: JsonObject | undefined, row: JsonObject, sent: ReadonlySet<string>): void {
  const now = String(row["state"]);
  const was = String(before?.["state"] ?? "not-sent");
  const said = () => `target ${key} goes from ${was} to ${now}`;
  if (now === "not-sent") return must("targets", !sent.has(key), () => `${said()}, but the command had left`);
  if (was === "finished" || was === "refused") {
    const same = ["state", "run", "ok", "finishedAt", "exitCode"].every((name) => before?.[name] === row[name]);
    return must("targets", same, () => `${said()}: an end is an end`);
  }
  must("targets", (RANK[now] ?? -1) >= (RANK[was] ?? -1), said);
  must("targets", !(was === "started" && now === "refused"), said);
}

function checkCancelled(server: MemoryEngine, id: string, answer: JsonObject): void {
  const order = answer["order"];
  const said = isJsonObject(order) && order["cancelled"] !== undefined;
  if (!said) return;
  must(
    "durable",
    server.row(SERVER_TABLES.order, id)?.["cancelled"] !== null,
    () => `order ${id} is said to be cancelled, its row is not`,
  );
}
