/** The thread that runs the commands, with what the policy allows and nothing else. */
import { COMMANDS, commandTable, startExecutor, type WorkerScope } from "../../mod.ts";
import { dice } from "./dice.ts";

startExecutor(globalThis as unknown as WorkerScope, () => Promise.resolve(commandTable([...COMMANDS, dice])));
