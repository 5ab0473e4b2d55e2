/** An agent with a command of its own; everything else is as in `jabber-agent`, walls included. */
import { COMMANDS, runAgent } from "../../mod.ts";
import { dice } from "./dice.ts";

if (import.meta.main) {
  await runAgent({
    commands: [...COMMANDS, dice],
    executor: (options) => new Worker(new URL("./executor.ts", import.meta.url), options),
  }, "dice-agent");
}
