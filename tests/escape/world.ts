/** What probes reach for and must not get: a file they may not read, one they may not write, a server they may not ask. */
import assert from "node:assert/strict";
import { type ProbeArgs, SECRET } from "./probe.ts";

export interface World {
  args: ProbeArgs;
  /** Fails when something was written or asked. What was read shows in what a probe says: see `faultOf`. */
  checkUntouched(): Promise<void>;
  close(): Promise<void>;
}

/** @param folder an empty one; the caller removes it */
export async function openWorld(folder: string): Promise<World> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      connection.close();
    }
  })();
  const args = {
    canary: `${folder}/canary.json`,
    marker: `${folder}/marker`,
    url: `http://127.0.0.1:${listener.addr.port}/`,
  };
  await Deno.writeTextFile(args.canary, JSON.stringify({ secret: SECRET }));
  return {
    args,
    async checkUntouched() {
      assert.equal(connections, 0);
      await assert.rejects(Deno.stat(args.marker), Deno.errors.NotFound);
    },
    async close() {
      listener.close();
      await accepting;
    },
  };
}
