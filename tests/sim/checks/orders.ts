/** Orders as the server tells of them: durable when it says so, true, and an end is an end. */
import type { JsonObject } from "../../../base/json.ts";
import { isJsonObject } from "../../../base/json.ts";
import type { MemoryEngine } from "../../../base/store_memory.ts";
import type { StoreOp } from "../../../base/store.ts";
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
  /** Commands that left the server: `<order>/<agent>`. */
  readonly sent: ReadonlySet<string>;
}

const RANK: Record<string, number> = { "not-sent": 0, sent: 1, started: 2, refused: 3, finished: 3 };

/** @param server what is durable on the server */
export function createOrderChecks(server: MemoryEngine): OrderChecks {
  const promised = { order: new Set<string>(), script: new Set<string>(), approved: new Set<string>() };
  const sent = new Set<string>();

  const promisesAreKept = (): void => {
    for (const id of promised.order) {
      const row = server.row(SERVER_TABLES.order, id);
      must("durable", row !== undefined, () => `order ${id} was promised to an operator and is gone`);
    }
    for (const hash of promised.script) {
      const text = server.row(SERVER_TABLES.scriptText, hash);
      must("durable", text !== undefined, () => `script ${hash} was pushed and is gone`);
    }
    for (const id of promised.approved) {
      const state = server.row(SERVER_TABLES.agent, id)?.["state"];
      must("durable", state === "enrolled", () => `agent ${id} was approved and is ${state}`);
    }
  };

  return {
    sent,
    promisesAreKept,
    serverApplies(op) {
      if (op.op === "put" && op.table === SERVER_TABLES.target) {
        const before = targetsOnDisk(server, op.key.slice(0, op.key.indexOf("/")));
        for (const [key, row] of targetsIn([op])) checkStep(key, before.get(key), row, sent);
      }
      if (op.op === "delete" && op.table === SERVER_TABLES.target) {
        must("targets", false, () => `the server forgets target ${op.key}`);
      }
      if (op.op !== "put" || op.table !== SERVER_TABLES.order) return;
      checkOrder(op.key, server.row(op.table, op.key), op.row);
    },
    serverSends(agent, text) {
      if (!text.includes('"kind":"command"')) return;
      const message: unknown = JSON.parse(text);
      const order = isJsonObject(message) ? String(message["job"]) : "";
      if (isJsonObject(message) && isJsonObject(message["body"]) && Object.hasOwn(message["body"], "job")) {
        const text = server.row(SERVER_TABLES.jobText, order)?.["text"];
        // A version that was written meanwhile is on disk as well.
        return must("durable", text !== undefined, () => `job ${order} leaves the server and is not on its disk`);
      }
      const key = `${order}/${agent}`;
      const state = targetsOnDisk(server, order).get(key)?.["state"];
      must(
        "durable",
        state !== undefined && state !== "not-sent",
        () => `order ${key} leaves the server, whose disk says ${state}`,
      );
      sent.add(key);
    },
    replied(request, answer) {
      if (!isJsonObject(answer)) return;
      const real = answer["dryRun"] === false;
      if (real && (request.ask === "submitOrder" || request.ask === "submitUnsigned")) {
        promised.order.add(String(answer["order"]));
      }
      if (request.ask === "pushScript") promised.script.add(String(answer["hash"]));
      if (request.ask === "approveAgent") promised.approved.add(request.agent);
      if (request.ask === "cancelOrder") checkCancelled(server, request.order, answer);
      promisesAreKept();
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
