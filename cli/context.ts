import { JabberError } from "../base/errors.ts";
import { type ContextFile, contextNamed, nameInForce, readContexts, writeContexts } from "./context_file.ts";
import { addFormat } from "./text/format_option.ts";
import { formatOne, moment, printListing } from "./text/output.ts";
import type { Register } from "./verb.ts";

/** What is shown of a context: never its token. */
type ContextRow = {
  name: string;
  current: boolean;
  url: string;
  user: string;
  cluster: string;
  expires: string;
  expired: boolean;
  /** `pinned`, or `public` for the public roots. */
  ca: string;
};

export const contextVerbs: Register = (program, world) => {
  const context = program.command("context").description("The servers you are signed in at, and as whom.");

  addFormat(context.command("ls"))
    .description("Lists contexts; the one in force has a star.")
    .addHelpText("after", "\nExample:\n  jabber context ls")
    .action(async ({ output }) => {
      const file = await readContexts(world);
      const rows = rowsOf(file, nameInForce(world, file), world.clock.now());
      await printListing(world, {
        rows,
        name: (row) => row.name,
        columns: [
          { title: "", value: (row) => row.current ? "*" : " " },
          { title: "NAME", value: (row) => row.name },
          { title: "URL", value: (row) => row.url },
          { title: "USER", value: (row) => row.user },
          { title: "EXPIRES", value: (row) => row.expired ? "expired" : moment(row.expires) },
        ],
      }, output);
      if (rows.length === 0) world.err("no context yet; sign in: jabber login URL\n");
    });

  addFormat(context.command("show"))
    .description("Shows one context, without its token; by default the one in force.")
    .argument("[context]", "its name")
    .addHelpText("after", "\nExample:\n  jabber context show")
    .action(async (name, { output }) => {
      const file = await readContexts(world);
      const asked = name ?? nameInForce(world, file);
      contextNamed(file, asked);
      const row = rowsOf(file, nameInForce(world, file), world.clock.now()).find((row) => row.name === asked)!;
      world.out(formatOne(row, output, row.name));
    });

  context.command("use")
    .description("Makes a context the current one.")
    .argument("<context>", "its name")
    .addHelpText("after", "\nExample:\n  jabber context use default")
    .action(async (name) => {
      const file = await readContexts(world);
      const { url, user } = contextNamed(file, name);
      await writeContexts(world, { ...file, current: name });
      world.err(`now at ${url} as ${user}\n`);
    });

  context.command("rm")
    .description("Forgets contexts and their tokens. The servers are not told: sign in again to come back.")
    .argument("<context...>", "their names")
    .addHelpText("after", "\nExample:\n  jabber context rm staging")
    .action(async (names) => {
      const file = await readContexts(world);
      for (const name of names) contextNamed(file, name);
      for (const name of names) delete file.contexts[name];
      const current = Object.hasOwn(file.contexts, file.current) ? file.current : "";
      await writeContexts(world, { ...file, current });
      for (const name of names) world.err(`forgot ${name}\n`);
      if (current === "" && file.current !== "") {
        world.err("no context is chosen now; choose one: jabber context use\n");
      }
    });
};

function rowsOf(file: ContextFile, inForce: string, now: number): ContextRow[] {
  return Object.entries(file.contexts).sort(([a], [b]) => a < b ? -1 : 1).map(([name, context]) => ({
    name,
    current: name === inForce,
    url: context.url,
    user: context.user,
    cluster: context.cluster,
    expires: context.expires,
    expired: Date.parse(context.expires) <= now,
    ca: context.ca === undefined ? "public" : "pinned",
  }));
}

const NAME_CHARS_MAX = 64;

/** @throws `input.usage` for what cannot be a context's name */
export function checkContextName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]*$/.test(name) && name.length <= NAME_CHARS_MAX) return name;
  throw new JabberError(
    "input.usage",
    `${JSON.stringify(name)} cannot be a context's name; use letters, digits, . _ -`,
  );
}
