import * as z from "zod";
import { type Json, jsonDepth } from "./json.ts";

/** Any JSON value. Its description is flat, since documentation generators cannot follow a schema into itself. */
export const anyJson = z.json().meta({ type: ["object", "array", "string", "number", "boolean", "null"] });

/** Any JSON value nested no deeper; looked at without recursion into what is deeper, which could overflow the stack. */
export function shallowJson(depthMax: number) {
  const fits = (value: unknown) => jsonDepth(value, depthMax + 1) <= depthMax;
  return z.custom<Json>(fits, { error: `nested deeper than ${depthMax}`, abort: true }).pipe(anyJson)
    .meta({ type: ["object", "array", "string", "number", "boolean", "null"] });
}
