/**
 * Packed ops as one list of texts and numbers, each op's kind first. A message between threads writes the name of each
 * member of each object, and reads it again: for thousands of small objects that is most of its cost.
 */
import type { PackedAppend, PackedOp } from "../../base/store/pack.ts";

export type FlatOps = (string | number)[];

const [PUT, DELETE, APPEND, TRIM, DROP] = [0, 1, 2, 3, 4];
/** In the place of an append's `streamsMax` that has none. */
const NO_MAX = -1;

export function flattenOps(ops: readonly PackedOp[]): FlatOps {
  const flat: FlatOps = [];
  for (const op of ops) {
    switch (op.op) {
      case "put":
        flat.push(PUT, op.table, op.key, op.json);
        break;
      case "delete":
        flat.push(DELETE, op.table, op.key);
        break;
      case "append":
        flat.push(APPEND, op.stream, op.first, op.count, op.body, op.streamsMax ?? NO_MAX);
        break;
      case "trim":
        flat.push(TRIM, op.stream, op.below);
        break;
      case "drop":
        flat.push(DROP, op.stream);
        break;
      default:
        op satisfies never;
    }
  }
  return flat;
}

export function unflattenOps(flat: FlatOps): PackedOp[] {
  const ops: PackedOp[] = [];
  let at = 0;
  const text = () => flat[at++] as string;
  const number = () => flat[at++] as number;
  while (at < flat.length) {
    switch (number()) {
      case PUT:
        ops.push({ op: "put", table: text(), key: text(), json: text() });
        break;
      case DELETE:
        ops.push({ op: "delete", table: text(), key: text() });
        break;
      case APPEND: {
        const append: PackedAppend = { op: "append", stream: text(), first: number(), count: number(), body: text() };
        const streamsMax = number();
        ops.push(streamsMax === NO_MAX ? append : { ...append, streamsMax });
        break;
      }
      case TRIM:
        ops.push({ op: "trim", stream: text(), below: number() });
        break;
      case DROP:
        ops.push({ op: "drop", stream: text() });
        break;
      default:
        throw new Error(`no op is of kind ${flat[at - 1]}`);
    }
  }
  return ops;
}
