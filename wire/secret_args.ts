/**
 * Arguments that are not to be shown. An order is a signed text, so the values stand in it for every server and agent
 * that handles it; what can be done is to show them to nobody who looks at orders afterwards. Their names stand in the
 * order's `meta`, for whoever shows one.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";

/** The key in `meta`: a list of argument names. */
export const SECRET_ARGS_META = "secretArgs";

const HIDDEN = "(secret)";

/** The arguments as anybody may see them. */
export function shownArgs(args: JsonObject, meta: Json | undefined): JsonObject {
  const names = isJsonObject(meta) ? meta[SECRET_ARGS_META] : undefined;
  if (!Array.isArray(names) || names.length === 0) return args;
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, names.includes(name) ? HIDDEN : value]));
}
