import type { Command } from "@commander-js/extra-typings";
import { sanitizeLine } from "../base/sanitize.ts";
import type { AgentAnswer } from "../server/core/requests.ts";
import { type Api, currentApi } from "./api.ts";
import { addFormat } from "./text/format_option.ts";
import { ago, byName, type Listing, printListing, tagText } from "./text/output.ts";
import { AGENT, agentPath, findAgent, stateOf } from "./agent/answer.ts";
import { confirmed } from "./confirm.ts";
import { shaped, shapedList } from "./shape.ts";
import { EXIT, type ExitSlot } from "./exit.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

export const agentVerbs: Register = (program, world, slot) => {
  const agent = program.command("agent").description("The fleet: who is there, who waits to be let in.");

  addFormat(agent.command("ls"))
    .description("Lists agents.")
    .option("-l, --selector <selector>", "only those it matches")
    .option("-a, --all", "removed ones too")
    .addHelpText("after", "\nExample:\n  jabber agent ls -l 'os=linux,env!=prod'")
    .action(async ({ selector = "", all = false, output }) => {
      const api = await currentApi(world);
      const answer = await api.ask({ method: "GET", path: `/v1/agents?selector=${encodeURIComponent(selector)}` });
      const agents = shapedList(AGENT, answer, "agents").filter(({ state }) => all || state !== "removed");
      await printListing(world, listing(byName(agents), world.clock.now()), output);
      if (agents.length === 0) {
        world.err(selector === "" ? "no agents yet; start one: jabber-agent --help\n" : "none match\n");
      }
    });

  addFormat(agent.command("show"))
    .description("Shows one agent: state, flags, tags and where each comes from, its streams.")
    .argument("<agent>", "id or name")
    .option("--facts", "also ask the agent itself about its host: runs sys.facts on it")
    .addHelpText("after", "\nExamples:\n  jabber agent show web1\n  jabber agent show web1 --facts -o json")
    .action(async (name, { output, facts = false }) => {
      const { showAgent } = await import("./agent/show.ts");
      await showAgent(world, name, { output, facts });
    });

  tagVerb(agent as unknown as Command, world, slot);

  agent.command("approve")
    .description("Lets waiting agents in; also clears the clone flag of one that is in.")
    .argument("<agent...>", "ids or names")
    .addHelpText("after", "\nExample:\n  jabber agent approve web1")
    .action((names) =>
      each(names, async (api, name) => {
        const row = shaped(AGENT, await api.ask({ method: "POST", path: `${agentPath(name)}/approve` }));
        world.err(`approved ${row.name} (${row.id}); it connects by itself\n`);
      })
    );

  agent.command("rm")
    .description("Removes agents for good: a removed id is never let in again.")
    .argument("<agent...>", "ids or names")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExample:\n  jabber agent rm old1")
    .action(async (names, { yes = false }) => {
      const api = await currentApi(world);
      const rows: AgentAnswer[] = [];
      for (const name of names) rows.push(await findAgent(api, name));
      if (!yes && !await mayRemove(world, rows)) {
        slot.exit = EXIT.failed;
        return;
      }
      for (const { id } of rows) {
        const row = shaped(AGENT, await api.ask({ method: "DELETE", path: agentPath(id) }));
        world.err(`removed ${row.name} (${row.id})\n`);
      }
    });

  async function each(names: readonly string[], act: (api: Api, name: string) => Promise<void>): Promise<void> {
    const api = await currentApi(world);
    for (const name of names) await act(api, name);
  }
};

/** @throws `input.usage` when nobody can be asked */
function mayRemove(world: World, rows: readonly AgentAnswer[]): Promise<boolean> {
  const which = rows.map(({ name, id }) => `${sanitizeLine(name)} (${sanitizeLine(id)})`).join(", ");
  const question = { text: `Remove ${which} for good`, count: rows.length, things: "agents", verb: "remove" };
  return confirmed(world, question);
}

function listing(rows: readonly AgentAnswer[], now: number): Listing<AgentAnswer> {
  return {
    rows,
    name: (row) => row.id,
    columns: [
      { title: "NAME", value: (row) => row.name },
      { title: "STATE", value: stateOf },
      { title: "SEEN", value: (row) => ago(row.lastSeen, now) },
      { title: "VERSION", value: (row) => row.version },
      { title: "TAGS", least: 12, value: (row) => tagText(row.tags) },
      { title: "FLAGS", value: (row) => row.flags.join(","), rare: true },
      { title: "AT", value: (row) => row.elsewhere ?? "", rare: true },
      { title: "ID", least: 12, value: (row) => row.id },
    ],
  };
}

/** What it does is loaded when it is done: orders and their signatures are most of this program. */
function tagVerb(agent: Command, world: World, slot: ExitSlot): void {
  agent.command("tag")
    .description(
      "Sets (key=value) and removes (key-) tags of agents, by orders of `tags.set` signed with your author key.",
    )
    .usage("[options] <agent> <change...>\n       jabber agent tag [options] -l <selector> <change...>")
    .argument("<agent-or-change...>", "the agent's id or name, then key=value or key-; with -l only the changes")
    .option("-l, --selector <selector>", "all agents it matches instead of one")
    .option("--key <file>", "sign the orders with this key (default: yours)")
    .addHelpText(
      "after",
      "\nTags from the agent's own configuration, and os, arch, hostname, cannot be changed from afar." +
        "\n\nExamples:\n  jabber agent tag web1 canary=yes\n  jabber agent tag web1 canary-" +
        "\n  jabber agent tag -l role=web wave=1 note-",
    )
    .action(async (words, options) => {
      const { tagAgents } = await import("./agent/tag.ts");
      slot.exit = await tagAgents(world, words, options);
    });
}
