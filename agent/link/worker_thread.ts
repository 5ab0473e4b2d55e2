import type { Thread } from "./runner.ts";

/** A Worker as the runner sees it. An error in it ends with it; it does not end this thread. */
export function workerThread<In, Out>(worker: Worker): Thread<In, Out> {
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    onMessage(take) {
      worker.onmessage = ({ data }: MessageEvent<Out>) => take(data);
    },
    onError(take) {
      worker.onerror = (event) => {
        event.preventDefault();
        take(event.message);
      };
      worker.onmessageerror = () => take("a message could not be read");
    },
    end: () => worker.terminate(),
  };
}
