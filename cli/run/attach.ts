/** Hands an order in and follows it: what `run`, `run attach` and `agent tag` share. */
import { ANSWERS, type TargetPreview } from "../../server/core/requests.ts";
import type { Api } from "../api.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import type { Format } from "../text/output.ts";
import { startProgress } from "../text/progress.ts";
import type { World } from "../world.ts";
import { followLive } from "./live.ts";
import { cancelOrder } from "./orders.ts";
import type { Submission } from "./plan.ts";
import { exitOf, summaryText } from "./summary.ts";

/** Hands it in; a dry run only asks whom it would hit. */
export async function submit(api: Api, submission: Submission, dry: boolean) {
  const query = dry ? "?dryRun=true" : "";
  const answer = submission.signed
    ? await api.ask({ method: "POST", path: `/v1/orders${query}`, body: submission.bytes })
    : await api.ask({ method: "POST", path: `/v1/orders/unsigned${query}`, body: submission.body });
  return ANSWERS.submitOrder.parse(answer);
}

export function agentsText(targets: readonly TargetPreview[]): string {
  const away = targets.filter(({ connected }) => !connected).length;
  return `${targets.length} agent${targets.length === 1 ? "" : "s"}${away > 0 ? ` (${away} not connected)` : ""}`;
}

export interface AttachOptions {
  order: string;
  format: Format;
  /** How many agents it is for. */
  count: number;
  /** Also for agents that are not connected now. */
  wait: boolean;
}

export async function attach(world: World, api: Api, options: AttachOptions): Promise<ExitCode> {
  const stop = new AbortController();
  if (options.format === "name") world.out(`${options.order}\n`);
  const progress = startProgress(world, "finished");
  const unlisten = listenToCtrlC(progress.world, api, options.order, () => stop.abort());
  try {
    const results = await followLive(progress.world, api, {
      ...options,
      prefix: options.count > 1,
      stopWhenIdle: !options.wait,
      signal: stop.signal,
      tell: (finished) => progress.update(finished, options.count),
    });
    progress.end();
    world.err(summaryText(results));
    if (!stop.signal.aborted) return exitOf(results);
    world.err(`detached, it goes on; see it again with: jabber run attach ${options.order}\n`);
    return EXIT.partial;
  } finally {
    progress.end();
    unlisten();
  }
}

/**
 * Ctrl-C: cancel, or leave the order running; a second one leaves. Without a terminal nobody can be asked, so it goes
 * on running.
 */
function listenToCtrlC(world: World, api: Api, order: string, leave: () => void): () => void {
  let asked = false;
  const ask = async () => {
    const answer = await world.ask("\nCancel the order everywhere [c], or detach and leave it running [d]? ", {
      secret: false,
    });
    asked = false;
    if (!/^c/i.test(answer)) return leave();
    try {
      await cancelOrder(api, order, "interrupted by the operator");
    } catch (cause) {
      world.err(`it could not be cancelled: ${cause instanceof Error ? cause.message : String(cause)}\n`);
      leave();
    }
  };
  return world.onInterrupt(() => {
    if (asked || !world.canAsk) return leave();
    asked = true;
    void ask();
  });
}
