/** `jabber run ls|show|cancel`: orders that were handed in. */
import type { Command } from "@commander-js/extra-typings";
import { JabberError } from "../../base/errors.ts";
import { isUlid } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import { ANSWERS, type OrderAnswer, type OrderRow, type TargetAnswer } from "../../server/core/requests.ts";
import { runStream } from "../../wire/streams.ts";
import { type Api, currentApi } from "../api.ts";
import { addFormat, wholeNumber } from "../text/format_option.ts";
import { ago, byName, formatOne, type Listing, printListing } from "../text/output.ts";
import type { World } from "../world.ts";
import { describeTarget } from "./summary.ts";
import { countParts } from "./text.ts";

export function orderVerbs(run: Command, world: World): void {
  addFormat(run.command("ls"))
    .description("Lists orders, newest first.")
    .option("--limit <n>", "how many", wholeNumber, 20)
    .addHelpText("after", "\nExample:\n  jabber run ls --limit 5")
    .action(async ({ limit, output }) => {
      const api = await currentApi(world);
      const answer = await api.ask({ method: "GET", path: `/v1/orders?limit=${limit}` });
      const { orders } = ANSWERS.orders.parse(answer);
      await printListing(world, orderListing(orders, world.clock.now()), output);
      if (orders.length === 0) world.err("no orders yet; hand one in: jabber run --help\n");
    });
  addFormat(run.command("show"))
    .description("Shows how far an order got on each agent.")
    .argument("<order>", "its id, from `jabber run ls`")
    .addHelpText("after", "\nExample:\n  jabber run show 01JD6Z8QK4T3X9V5C2B7N8M1RA")
    .action(async (id, { output }) => {
      const api = await currentApi(world);
      const { order, targets } = ANSWERS.order.parse(await api.ask({ method: "GET", path: orderPath(id) }));
      if (output !== "table") return world.out(formatOne({ ...order, targets } as JsonObject, output, order.id));
      const { counts: _counts, signers: _thumbprints, ...row } = { ...order, state: stateOf(order) };
      world.out(formatOne(row as JsonObject, output, order.id) + "\n");
      await printListing(world, targetListing(targets), output);
    });
  run.command("cancel")
    .description("Ends an order's runs, and keeps it from agents it has not reached; with --agent one run of a job.")
    .argument("<order>", "its id, from `jabber run ls`; with --agent a run's, from `jabber job history`")
    .option("--agent <agent>", "end this one run on this agent, whatever began it")
    .option("--reason <text>", "why, for the history")
    .addHelpText("after", "\nExample:\n  jabber run cancel 01JD6Z8QK4T3X9V5C2B7N8M1RA --reason 'wrong hosts'")
    .action(async (id, { reason = "", agent }) => {
      if (agent !== undefined) {
        const path = `/v1/agents/${encodeURIComponent(agent)}/runs/${encodeURIComponent(id)}/cancel`;
        await (await currentApi(world)).ask({ method: "POST", path, body: { reason } });
        return world.err(`told ${agent} to end ${id}\n`);
      }
      const { order } = await cancelOrder(await currentApi(world), id, reason);
      const late = order.cancelled === undefined || order.doneAt !== undefined && order.doneAt < order.cancelled.at;
      world.err(late ? `${id} was over already\n` : `cancelled ${id}\n`);
    });
}

/** @throws `input.usage` */
export function orderPath(id: string): string {
  if (!isUlid(id)) {
    throw new JabberError("input.usage", `${JSON.stringify(id)} is no order's id; \`jabber run ls\` lists them`);
  }
  return `/v1/orders/${encodeURIComponent(id)}`;
}

export async function cancelOrder(api: Api, id: string, reason: string): Promise<OrderAnswer> {
  const answer = await api.ask({ method: "POST", path: `${orderPath(id)}/cancel`, body: { reason } });
  return ANSWERS.cancelOrder.parse(answer);
}

function orderListing(rows: readonly OrderRow[], now: number): Listing<OrderRow> {
  return {
    rows,
    name: (row) => row.id,
    columns: [
      { title: "ORDER", value: (row) => row.id },
      { title: "AGE", value: (row) => ago(row.at, now) },
      { title: "WHO", value: (row) => row.user },
      { title: "WHAT", least: 16, value: (row) => row.name ?? row.does.replace(/^command:/, "") },
      { title: "SELECTOR", least: 10, value: (row) => row.selector },
      { title: "STATE", value: stateOf },
    ],
  };
}

function stateOf({ counts, targets, cancelled }: OrderRow): string {
  const parts = countParts(counts);
  if (cancelled !== undefined) parts.push("cancelled");
  return parts.join(", ") || (targets === 0 ? "no agent matched" : `${targets} targets`);
}

/** What the outcome says may be long: it stands last, where it does no harm. */
function targetListing(targets: readonly TargetAnswer[]): Listing<TargetAnswer> {
  return {
    rows: byName(targets),
    name: (row) => row.agent,
    columns: [
      { title: "NAME", value: (row) => row.name },
      { title: "STREAM", least: 14, value: (row) => row.run === undefined ? "" : runStream(row.agent, row.run, 0) },
      { title: "AGENT", least: 12, value: (row) => row.agent },
      { title: "OUTCOME", value: describeTarget },
    ],
  };
}
