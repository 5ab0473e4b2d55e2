import type { Command } from "@commander-js/extra-typings";
import { isJsonObject } from "../base/json.ts";
import { JabberError } from "../base/errors.ts";
import { sanitizeLine } from "../base/sanitize.ts";
import type { JoinAnswer, KeyAnswer, ServerAnswer } from "../server/cluster/answers.ts";
import { currentApi } from "./api.ts";
import { EXIT } from "./exit.ts";
import { addFormat } from "./text/format_option.ts";
import { ago, formatOne, printListing, tagText } from "./text/output.ts";
import { type Shape, shaped, shapedList } from "./shape.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

const SERVER: Shape<ServerAnswer> = {
  name: "string",
  node: "string?",
  address: "string",
  state: "string",
  since: "string",
  tags: "Record<string, string>",
  incarnation: "number",
  health: "number?",
  rttMs: "number?",
  self: "boolean",
};
const JOINED: Shape<JoinAnswer> = { reached: "number", errors: "string[]" };
const KEY: Shape<KeyAnswer> = { id: "string", primary: "boolean" };

export const serverVerbs: Register = (program, world, slot) => {
  const server = program.command("server").description(
    "The servers of the cluster, the keys of their gossip, and their certificates.",
  );

  addFormat(server.command("ls"))
    .description("Lists the servers as the one you are signed in at sees them; it has a star.")
    .addHelpText("after", "\nExample:\n  jabber server ls")
    .action(async ({ output }) => {
      const api = await currentApi(world);
      const servers = shapedList(SERVER, await api.ask({ method: "GET", path: "/v1/servers" }), "servers");
      await printListing(world, {
        rows: servers,
        name: (row) => row.name,
        columns: [
          { title: "", value: (row) => row.self ? "*" : " " },
          { title: "NAME", least: 14, value: (row) => row.name },
          { title: "STATE", value: (row) => row.state },
          { title: "SINCE", value: (row) => ago(row.since, world.clock.now()) },
          { title: "ADDRESS", value: (row) => row.address },
          { title: "HEALTH", value: (row) => row.health === undefined ? "" : String(row.health), rare: true },
          { title: "RTT", value: (row) => row.rttMs === undefined ? "" : `${row.rttMs.toFixed(1)} ms`, rare: true },
          { title: "TAGS", least: 12, value: (row) => tagText(row.tags), rare: true },
          { title: "ID", least: 14, value: (row) => row.node === row.name ? "" : row.node ?? "", rare: true },
        ],
      }, output);
    });

  server.command("join")
    .description("Joins the cluster of other servers; one that answers is enough to know them all.")
    .argument("<host:port...>", "the addresses of their gossip")
    .addHelpText("after", "\nExample:\n  jabber server join 127.0.0.1:7946")
    .action(async (endpoints) => {
      const api = await currentApi(world);
      const request = { method: "POST", path: "/v1/servers/join", body: { endpoints } } as const;
      const { reached, errors } = shaped(JOINED, await api.ask(request));
      for (const error of errors) world.err(`not reached: ${sanitizeLine(error)}\n`);
      world.err(`reached ${reached} of ${endpoints.length}\n`);
      if (errors.length === 0) return;
      world.err("  → check the addresses, and that the servers have the same gossip key: jabber server key ls\n");
      slot.exit = reached === 0 ? EXIT.failed : EXIT.partial;
    });

  server.command("renew")
    .description(
      "Makes a server's certificate and statement anew, for the key and names it has. Run it before they end.",
    )
    .argument("[folder]", "the server's folder, or its configuration", ".")
    .option("--ca-key <file>", "where the CA's key lies (default: where the server's configuration says)")
    .option("--ca", "renew the CA's own certificate too; those who pinned the one before go on with it")
    .addHelpText(
      "after",
      "\nWhat was there is overwritten; the server takes the new files when it is started again. Run it as the server's" +
        "\nuser, who has to be able to read them.\n\nExample:\n  jabber server renew ./cluster",
    )
    .action(async (folder, options) => {
      // What makes certificates is large, and no other verb of this noun needs it.
      const { renewServer } = await import("./server/renew.ts");
      await renewServer(world, folder, options);
    });

  keyVerbs(server as unknown as Command, world);
};

function keyVerbs(server: Command, world: World): void {
  const key = server.command("key")
    .description("The keys that gossip is sealed with, changed while the servers run.")
    .addHelpText(
      "after",
      "\nEach server has a keyring of its own. To change the key of a cluster, sign in at each server in turn and add the" +
        "\nnew key; then use it on each; then remove the old one from each.",
    );

  addFormat(key.command("ls"))
    .description("Lists the keys of the server you are signed in at by their ids; the one that seals has a star.")
    .addHelpText("after", "\nExample:\n  jabber server key ls")
    .action(async ({ output }) => {
      const api = await currentApi(world);
      const keys = shapedList(KEY, await api.ask({ method: "GET", path: "/v1/gossip/keys" }), "keys");
      await printListing(world, {
        rows: keys,
        name: (row) => row.id,
        columns: [
          { title: "", value: (row) => row.primary ? "*" : " " },
          { title: "ID", value: (row) => row.id },
          { title: "USE", value: (row) => row.primary ? "seals and opens" : "opens" },
        ],
      }, output);
      if (keys.length === 0) world.err("gossip is not sealed on this server (gossip.security: none)\n");
    });

  addFormat(key.command("add"))
    .description("Lets the server open what is sealed with one more key. Seal with it once every server has it.")
    .argument("<file>", "the key in base64, as `openssl rand -base64 32` makes it; - reads standard input")
    .addHelpText("after", "\nExample:\n  jabber server key add new-gossip.key")
    .action(async (file, { output }) => {
      const secret = await readSecret(world, file);
      const api = await currentApi(world);
      const added = shaped(KEY, await api.ask({ method: "POST", path: "/v1/gossip/keys", body: { secret } }));
      world.out(formatOne({ ...added }, output, added.id));
    });

  key.command("use")
    .description("Seals with this key from now on. Servers that do not have it will not hear this one any more.")
    .argument("<id>", "as `jabber server key ls` shows it")
    .addHelpText("after", "\nExample:\n  jabber server key use a1b2c3d4")
    .action(async (id) => {
      const api = await currentApi(world);
      await api.ask({ method: "PUT", path: "/v1/gossip/keys/primary", body: { id } });
      world.err(`gossip is sealed with ${sanitizeLine(id)} now\n`);
    });

  key.command("rm")
    .description("Forgets a key: what is still sealed with it is not opened any more.")
    .argument("<id>", "as `jabber server key ls` shows it")
    .addHelpText("after", "\nExample:\n  jabber server key rm a1b2c3d4")
    .action(async (id) => {
      const api = await currentApi(world);
      const answer = await api.ask({ method: "DELETE", path: `/v1/gossip/keys/${encodeURIComponent(id)}` });
      world.err(`removed ${sanitizeLine(isJsonObject(answer) ? String(answer["removed"]) : id)}\n`);
    });
}

/** Never an argument: those stand in the list of processes and in the shell's history. */
async function readSecret(world: World, file: string): Promise<string> {
  const bytes = file === "-" ? await world.readInput() : await world.files.read(file);
  const secret = new TextDecoder().decode(bytes).trim();
  if (secret === "") throw new JabberError("gossip.key_invalid", `${file === "-" ? "standard input" : file} is empty`);
  if (/\s/.test(secret)) {
    throw new JabberError("gossip.key_invalid", `${file === "-" ? "standard input" : file} has more than one line`);
  }
  return secret;
}
