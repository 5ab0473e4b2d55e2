/** The fields of an order: do this once (or many times) on these agents within this window. */
import { isUlid } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import * as f from "./fields.ts";
import type { StrictYaml } from "./strict_yaml.ts";
import type { OrderHeader } from "./types.ts";

const REQUIRED = ["kind", "id", "cluster", "does", "selector", "notBefore", "notAfter"] as const;
const OPTIONAL = ["args", "runs", "timeout", "meta"] as const;

/** Reads an order. Errors: `document.malformed`. */
export function readOrderHeader(yaml: StrictYaml): OrderHeader {
  const at = (key: typeof REQUIRED[number] | typeof OPTIONAL[number]) => f.field(yaml, key);
  const has = (key: string) => Object.hasOwn(yaml.value, key);
  if (has("kind") && at("kind").value !== "order") throw f.wrong("order.kind", at("kind"), '"order"');
  f.checkKeys(yaml, REQUIRED, OPTIONAL);
  const id = f.textOf(at("id"));
  if (!isUlid(id)) throw f.wrong("order.id", at("id"));
  const notBefore = f.timeOf(at("notBefore"));
  const notAfter = f.timeOf(at("notAfter"));
  if (notAfter <= notBefore) throw f.wrong("order.window", at("notAfter"));
  if (notAfter - notBefore > LIMITS.orderLifetimeMsMax) throw f.wrong("order.lifetime", at("notAfter"));
  return {
    kind: "order",
    id,
    cluster: f.clusterOf(at("cluster")),
    does: f.doesOf(at("does")),
    args: f.argsOf(at("args")),
    selector: f.selectorOf(at("selector")),
    notBefore,
    notAfter,
    runs: has("runs") ? f.choiceOf(at("runs"), ["once", "many"]) : "once",
    ...(has("timeout") && { timeoutSeconds: f.integerOf(at("timeout"), 1, LIMITS.timeoutSecondsMax) }),
    ...(has("meta") && { meta: f.metaOf(at("meta")) }),
  };
}
