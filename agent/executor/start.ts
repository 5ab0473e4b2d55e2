/** The executor's life in its Worker: one `init`, one look at the disk, then every message to the dispatcher. */
import { systemClock } from "../../base/clock_system.ts";
import { rereadConfigFile } from "../../base/config/file_system.ts";
import { type ContentWatch, watchContent } from "../../base/config/watch.ts";
import type { CommandTable } from "../../commands/mod.ts";
import type { ExecutorInit, FromExecutor, ToExecutor } from "../threads/protocol.ts";
import { createExecutor, type Executor } from "./executor.ts";
import { createDenoHost } from "./host_deno.ts";
import { createKvDesk, type KvDesk } from "./kv_desk.ts";
import { forgetWays } from "./permissions.ts";

/** The Worker's side of its channel to main. */
export interface WorkerScope {
  postMessage(message: FromExecutor): void;
  onmessage: ((event: MessageEvent<ToExecutor>) => void) | null;
}

/**
 * Serves main's messages. `load` brings the commands; it is called with the first run, because their schemas take longer
 * to load than everything else here, and many agents idle for days.
 */
export function startExecutor(scope: WorkerScope, load: () => Promise<CommandTable>): void {
  let executor: Executor | undefined;
  let watch: ContentWatch | undefined;
  const desk = createKvDesk((message) => scope.postMessage(message));
  scope.onmessage = ({ data }) => {
    if (data.type === "kvAnswer") desk.answered(data);
    else if (data.type === "readConfig") watch?.look();
    else if (data.type !== "init") executor?.handle(data);
    else if (executor === undefined) {
      executor = begin(scope, data, desk, load);
      if (data.policyFile !== null) watch = watchConfig(scope, data.policyFile);
      scope.postMessage({ type: "ready" });
    }
  };
}

function begin(
  scope: WorkerScope,
  init: ExecutorInit,
  desk: KvDesk,
  load: () => Promise<CommandTable>,
): Executor {
  const { policy, policyFile, version, ownTags } = init;
  const host = createDenoHost({ policy, version, clock: systemClock, kv: desk.kv, ownTags });
  forgetWays(policy, policyFile);
  let table: Promise<CommandTable> | undefined;
  const executor = createExecutor({
    clock: systemClock,
    commands: () => table ??= load(),
    host: (run) => host(run.audit),
    send: (message) => scope.postMessage(message),
  });
  return executor;
}

/** The one thread that can still read the file tells main what it holds; what follows is main's to decide. */
function watchConfig(scope: WorkerScope, file: string): ContentWatch {
  const read = () => rereadConfigFile(file);
  let first: string | null;
  try {
    first = read();
  } catch {
    first = null;
  }
  return watchContent(read, systemClock, (text) => scope.postMessage({ type: "configText", text }), first);
}
