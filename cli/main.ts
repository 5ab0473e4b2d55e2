/** `jabber`: the operators' command line. */
import { runCli } from "./program.ts";
import { systemWorld } from "./world/world_system.ts";

if (import.meta.main) Deno.exit(await runCli(Deno.args, systemWorld));
