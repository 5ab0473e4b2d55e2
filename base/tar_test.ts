import assert from "node:assert/strict";
import { parseTarHeader, TAR_BLOCK, tarHeader, tarPadding } from "./tar.ts";

Deno.test("a tar header is read as it was written, small and beyond 8 GiB", () => {
  for (const size of [0, 1, 511, 512, 8 ** 11 - 1, 8 ** 11, 2 ** 45]) {
    assert.deepEqual(parseTarHeader(tarHeader({ name: "config/0-node.key", size })), {
      name: "config/0-node.key",
      size,
    });
  }
  assert.equal(parseTarHeader(new Uint8Array(TAR_BLOCK)), undefined);
  assert.deepEqual([0, 1, 512, 513].map(tarPadding), [0, 511, 0, 511]);
});

Deno.test("a tar header with one bit turned is refused", () => {
  const good = tarHeader({ name: "store.db", size: 1234 });
  for (let at = 0; at < TAR_BLOCK; at++) {
    const bad = good.slice();
    bad[at]! ^= 0x01;
    // The last bytes of the sum's own field are filling.
    if (at < 154 || at > 155) assert.throws(() => parseTarHeader(bad), { code: "backup.damaged" }, `byte ${at}`);
  }
  for (const name of ["", "a b", "ä", "x".repeat(100)]) assert.throws(() => tarHeader({ name, size: 0 }));
});

Deno.test("tar(1) reads what is written", async () => {
  const folder = await Deno.makeTempDir({ prefix: "jabber-tar-" });
  try {
    const text = new TextEncoder().encode("Ahoy\n");
    const path = `${folder}/a.tar`;
    const parts = [tarHeader({ name: "a/b.txt", size: 5 }), text, new Uint8Array(tarPadding(5) + 2 * TAR_BLOCK)];
    await Deno.writeFile(path, new Blob(parts).stream());
    const { stdout } = await new Deno.Command("tar", { args: ["-xOf", path, "a/b.txt"] }).output();
    assert.equal(new TextDecoder().decode(stdout), "Ahoy\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
