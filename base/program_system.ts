import { stopLines } from "./config/faults.ts";
import { JabberError, toEndBody } from "./errors.ts";
import type { Log } from "./log.ts";
import type { PermissionQuery } from "./program.ts";

/** Asks Deno what this program may do, without ever prompting. */
export const systemPermissions: PermissionQuery = (name, part) =>
  Deno.permissions.querySync(part === undefined ? { name } : describe(name, part)).state;

function describe(name: string, part: string): Deno.PermissionDescriptor {
  if (name === "env") return { name, variable: part };
  return { name: "sys", kind: part as NonNullable<Deno.SysPermissionDescriptor["kind"]> };
}

/** Runs a program's way in. What stops it is said in a line for each fault; exit 2 for a command line that is not valid, else 1. */
export async function runMain(log: Log, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (cause) {
    // `parseArgs` throws TypeErrors that carry a code.
    const usage = cause instanceof TypeError && "code" in cause;
    const error = usage ? new JabberError("input.usage", cause.message).toBody() : toEndBody(cause);
    for (const { message, fields } of stopLines(error)) log("error", message, { ...fields });
    Deno.exit(error.code === "input.usage" ? 2 : 1);
  }
}
