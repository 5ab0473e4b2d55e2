/** The HTTP app in front of a core that answers every request alike, and three users who ask it. */
import bcrypt from "bcryptjs";
import type { Clock } from "../../base/clock.ts";
import { seededRng } from "../../base/rng.ts";
import { memoryStore } from "../../base/store/memory.ts";
import type { ClusterFace } from "../../server/cluster/face.ts";
import type { Operator, ServerRequest } from "../../server/core/contract.ts";
import { createApp } from "../../server/http/app.ts";
import { Hub } from "../../server/http/hub.ts";
import { OperatorDoor } from "../../server/http/operators.ts";

const clock: Clock = { now: () => 1_800_000_000_000, monotonic: () => 0, after: () => () => {} };
const USERS = { vera: "viewer", otto: "operator", ada: "admin" } as const satisfies Record<string, Operator["role"]>;

export interface AppDoor {
  /** Asks as one of the users, or as nobody. */
  ask(who: keyof typeof USERS | "nobody", path: string, init?: RequestInit): Promise<Response>;
  /** What reached the core. */
  asked: ServerRequest[];
}

export async function appDoor(answer: () => unknown = () => ({}), cluster?: ClusterFace): Promise<AppDoor> {
  const asked: ServerRequest[] = [];
  const users = Object.entries(USERS).map(([name, role]) => ({ name, role, bcrypt: bcrypt.hashSync("secret", 4) }));
  const operators = new OperatorDoor(users, { cluster: "C1", secret: new Uint8Array(32) }, clock, seededRng(1));
  const app = createApp({
    ask: (_, request) => {
      asked.push(request);
      return Promise.resolve().then(() => answer() as never);
    },
    store: memoryStore(),
    hub: new Hub(() => ({}), () => "now"),
    operators,
    cluster,
    clock,
    log: () => {},
    notReady: () => [],
    metrics: () => Promise.resolve(""),
    stopping: new AbortController().signal,
    info: { version: "1.2.3", node: "node-x", cluster: "C1" },
  });
  const tokens = new Map<string, string>();
  for (const { name } of users) tokens.set(name, (await operators.login(name, "secret", "127.0.0.1")).token);
  return {
    asked,
    ask: async (who, path, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${tokens.get(who)}`);
      return await app.fetch(new Request(`http://server${path}`, { ...init, headers }), { address: "127.0.0.1" });
    },
  };
}
