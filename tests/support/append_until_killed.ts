/** The victim of server/storage/crash_test.ts: appends without end, several streams at once, and prints what is acknowledged. */
import { threadStore } from "../../server/storage/thread_store.ts";

if (import.meta.main) await appendForever(Deno.args[0] ?? "", Number(Deno.args[1]), Number(Deno.args[2]));

async function appendForever(dataDir: string, round: number, streams: number): Promise<void> {
  const store = await threadStore({ dataDir, storeId: "crash" });
  const say = new TextEncoder();
  const writer = async (stream: string): Promise<void> => {
    for (let first = (await store.extent(stream))?.end ?? 0;;) {
      const lines = Array.from(
        { length: 1 + first % 7 },
        (_, i) => `${stream}:${first + i}:${"x".repeat(first % 400)}`,
      );
      const end = first + lines.length;
      await store.commit([
        { op: "append", stream, first, lines },
        { op: "put", table: "ends", key: stream, row: { end, round } },
      ]);
      Deno.stdout.writeSync(say.encode(`${stream} ${end}\n`));
      first = end;
    }
  };
  await Promise.all(Array.from({ length: streams }, (_, i) => writer(`s${i}`)));
}
