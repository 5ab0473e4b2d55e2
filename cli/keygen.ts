import { privateKeyFromSeed, privateKeyToPem, publicKeyToText } from "../wire/keys.ts";
import { configFolder } from "./context_file.ts";
import { defaultKeyPath } from "./keys.ts";
import type { Register } from "./verb.ts";

export const keygenVerb: Register = (program, world) => {
  program.command("keygen")
    .description("Makes your author key. It stays on this machine; what agents trust is its public half.")
    .option("--out <file>", "where the key goes (default: author.key in the config folder)")
    .addHelpText("after", "\nExample:\n  jabber keygen --out ./alice.key")
    .action(async ({ out }) => {
      const path = out ?? defaultKeyPath(world);
      if (out === undefined) await world.files.makeFolder(configFolder(world), 0o700);
      const key = privateKeyFromSeed(world.rng.bytes(32));
      await world.files.write(path, privateKeyToPem(key), { mode: 0o600, overwrite: false });
      world.err(`Private key: ${path} (keep it; there is no copy)\nThumbprint:  ${key.public.kid}\n`);
      world.out(`${publicKeyToText(key.public)}\n`);
    });
};
