/** What the commands of the key-value store take. */
import * as z from "zod/mini";
import { KV_KEY } from "./table.ts";

export const kvKey = z.string().check(
  z.regex(KV_KEY, "must be 1 to 200 of A-Z a-z 0-9 . _ / -"),
  z.describe("Shared by all scripts of the agent: begin it with the script's name"),
);

/** Stands for "whatever it is". */
const ANY_VERSION = -1;

export const ifVersion = z._default(z.int().check(z.minimum(ANY_VERSION)), ANY_VERSION).check(
  z.describe("Only if the key has this version: 0 means that it is not there, -1 whatever it is"),
);

/** As the store takes it. */
export function wantedVersion(ifVersion: number): number | undefined {
  return ifVersion === ANY_VERSION ? undefined : ifVersion;
}
