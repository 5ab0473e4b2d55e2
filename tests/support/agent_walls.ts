/** Starts an agent and prints what its main thread may still do once its walls are up. */
import { startAgent } from "../../agent/start_system.ts";
import { systemClock } from "../../base/clock_system.ts";
import { PERMISSION_NAMES } from "../../base/program.ts";

const [config, data, tokenFile, server] = Deno.args;
await startAgent({ config, data, tokenFile, server: [server!] }, systemClock, (code) => Deno.exit(code));
const held = PERMISSION_NAMES.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
let read = "read its own folder";
try {
  Deno.readTextFileSync(`${data}/agent.key`);
} catch (cause) {
  read = cause instanceof Error ? cause.name : "threw";
}
console.log(`walls held=${held.join(",")} read=${read}`);
