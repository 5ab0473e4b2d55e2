/** An operator as a library: hands in scripts and orders of a fleet by the hundred, without a process for each. */
import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import type { ErrorBody } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { Api, currentApi } from "../../cli/api.ts";
import { currentContext } from "../../cli/context_file.ts";
import { readAuthorKey } from "../../cli/keys.ts";
import { pushScript } from "../../cli/script.ts";
import type { World } from "../../cli/world.ts";
import { systemWorld } from "../../cli/world/world_system.ts";
import { ANSWERS } from "../../server/core/requests.ts";
import type { PrivateKey } from "../../wire/keys.ts";
import { composeOrder, composeScript, sign } from "../../wire/sign/mod.ts";

/** What an order came to on the one agent it was for. */
export interface OrderEnd {
  state: "refused" | "finished";
  ok: boolean;
  result?: Json;
  exitCode?: number;
  error?: ErrorBody;
  /** Every record of its run, the last one included. */
  records: JsonObject[];
}

export interface OrderOptions {
  /** Which agent. */
  selector: string;
  args?: JsonObject;
  /** Seconds, whole ones. */
  timeout?: number;
}

export class Operator {
  readonly #api: Api;
  readonly #key: PrivateKey;
  readonly #client: Deno.HttpClient;
  readonly #ids = new UlidMaker(systemWorld.rng);

  private constructor(api: Api, key: PrivateKey, client: Deno.HttpClient) {
    this.#api = api;
    this.#key = key;
    this.#client = client;
  }

  /** The operator whose files lie in `home`. */
  static async signedIn(home: string): Promise<Operator> {
    const env = (name: string) => name === "JABBER_HOME" ? home : undefined;
    const { ca } = await currentContext({ ...systemWorld, env });
    const client = Deno.createHttpClient(ca === undefined ? {} : { caCerts: [ca] });
    const world: World = { ...systemWorld, env, fetch: (url, init) => fetch(url, { ...init, client }) };
    return new Operator(await currentApi(world), await readAuthorKey(world, undefined), client);
  }

  /** Ends its connections. */
  close(): void {
    this.#client.close();
  }

  /** Signs and pushes a script; answers what an order says to run it. */
  async script(header: JsonObject, body: string): Promise<string> {
    const signed = sign(composeScript(header, body), "script", this.#key, { at: Date.now() });
    return `script:${(await pushScript(this.#api, signed)).hash}`;
  }

  /** Signs an order and hands it in; answers its id. */
  async submit(does: string, { selector, args = {}, timeout }: OrderOptions): Promise<string> {
    const now = Date.now();
    const order = composeOrder({
      id: this.#ids.next(now),
      cluster: this.#api.context.cluster,
      ...{ does, args, selector },
      notBefore: rfc3339(now),
      notAfter: rfc3339(now + 600_000),
      ...(timeout !== undefined && { timeout }),
    });
    const body = sign(order, "order", this.#key, { at: now });
    const answer = await this.#api.ask({ method: "POST", path: "/v1/orders", body });
    return ANSWERS.submitOrder.parse(answer).order;
  }

  /** Follows an order for one agent to its end. */
  async end(order: string): Promise<OrderEnd> {
    const records: JsonObject[] = [];
    let target: JsonObject = {};
    for await (const text of this.#api.lines(`/v1/orders/${order}/records?follow=true`, AbortSignal.timeout(120_000))) {
      const line: unknown = JSON.parse(text);
      if (!isJsonObject(line)) continue;
      if (isJsonObject(line["record"])) records.push(line["record"]);
      if (isJsonObject(line["target"])) target = line["target"];
      if (line["done"] !== undefined) break;
    }
    const { state, ok, exitCode, error } = target;
    assert.ok(state === "refused" || state === "finished", `order ${order} is ${JSON.stringify(target)}`);
    const last = records.at(-1)?.["body"];
    return {
      state,
      ok: ok === true,
      ...(isJsonObject(last) && last["result"] !== undefined && { result: last["result"] }),
      ...(typeof exitCode === "number" && { exitCode }),
      ...(isJsonObject(error) && { error: error as unknown as ErrorBody }),
      records,
    };
  }

  async run(does: string, options: OrderOptions): Promise<OrderEnd> {
    return await this.end(await this.submit(does, options));
  }

  /** Asks for something that needs nobody's signature. */
  async runUnsigned(does: string, selector: string): Promise<OrderEnd> {
    const body = { does, selector };
    const answer = await this.#api.ask({ method: "POST", path: "/v1/orders/unsigned", body });
    return await this.end(ANSWERS.submitUnsigned.parse(answer).order);
  }
}
