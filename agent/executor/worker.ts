/** The executor Worker's way in. Main starts it with `executorPermissions(policy, policyFile)` and nothing else. */
import { startExecutor, type WorkerScope } from "./start.ts";

startExecutor(globalThis as unknown as WorkerScope, async () => {
  const { commandTable, COMMANDS } = await import("../../commands/mod.ts");
  return commandTable(COMMANDS);
});
