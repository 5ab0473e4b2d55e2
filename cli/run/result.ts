/** Runs one command on one agent, unseen, and answers its result. */
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json } from "../../base/json.ts";
import type { Api } from "../api.ts";
import { steadyLines } from "../steady.ts";
import type { World } from "../world.ts";
import { submit } from "./attach.ts";
import { orderPath } from "./orders.ts";
import { describeTarget } from "./summary.ts";
import { targetAnswer } from "../../server/core/requests.ts";

export interface Errand {
  /** Its id. */
  agent: string;
  /** A command's key; one that needs no signature and no arguments. */
  command: string;
  /** Seconds. */
  timeout: number;
}

/** @throws `input.no_target` with how it ended there, when it did not end well */
export async function resultOn(world: World, api: Api, { agent, command, timeout }: Errand): Promise<Json> {
  const body = { does: `command:${command}`, args: {}, selector: `id=${agent}`, timeout };
  const { order } = await submit(api, { signed: false, body }, false);
  const stop = new AbortController();
  let result: Json = null;
  let said = "no answer came";
  const open = () => api.lines(`${orderPath(order)}/records?follow=true`, stop.signal);
  for await (const text of steadyLines(world, open, stop.signal)) {
    const line: unknown = JSON.parse(text);
    if (!isJsonObject(line)) continue;
    const body = isJsonObject(line["record"]) ? line["record"]["body"] : undefined;
    if (isJsonObject(body) && body["state"] === "finished") result = body["result"] ?? null;
    if (line["target"] !== undefined) {
      const target = targetAnswer.parse(line["target"]);
      said = describeTarget(target);
      if (target.state === "finished" && target.ok === true) return result;
    }
    if (line["done"] !== undefined || line["idle"] === true) break;
  }
  stop.abort();
  throw new JabberError("input.no_target", `${command} on ${agent}: ${said}`);
}
