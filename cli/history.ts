import { ANSWERS } from "../server/core/requests.ts";
import { currentApi } from "./api.ts";
import { addFormat, wholeNumber } from "./text/format_option.ts";
import { moment, printListing } from "./text/output.ts";
import type { Register } from "./verb.ts";

export const historyVerb: Register = (program, world) => {
  addFormat(program.command("history"))
    .description("Who did what: pushes, runs, approvals, refusals, logins; newest first.")
    .option("--limit <n>", "how many rows", wholeNumber, 50)
    .addHelpText("after", "\nExample:\n  jabber history --limit 20 -o json")
    .action(async ({ limit, output }) => {
      const api = await currentApi(world);
      const answer = await api.ask({ method: "GET", path: `/v1/history?limit=${limit}` });
      const { history } = ANSWERS.history.parse(answer);
      await printListing(world, {
        rows: history,
        name: (row) => row.id,
        columns: [
          { title: "TIME", value: (row) => moment(row.at) },
          { title: "WHO", least: 12, value: (row) => row.who },
          { title: "FROM", least: 9, value: (row) => row.from },
          { title: "ACTION", value: (row) => row.action },
          { title: "WHAT", least: 14, value: (row) => row.what.replace(/^command:/, "") },
          { title: "TARGETS", value: (row) => row.targets === undefined ? "" : String(row.targets) },
          { title: "OUTCOME", value: (row) => row.outcome },
        ],
      }, output);
    });
};
