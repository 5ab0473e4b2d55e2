/** Random lives of a small fleet: whatever happens in whatever order, the core's promises hold. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../base/json.ts";
import { order, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import { isTerminal, type OrderAnswer } from "./requests.ts";

const AGENTS = ["agent-a", "agent-b"];

/** An agent as the server meets it: a spool that survives, and a session that does not. */
interface Host {
  name: string;
  session: number;
  epoch: number;
  boot: string;
  /** All records it ever minted, by stream. */
  spool: Map<string, string[]>;
  /** What it has sent in this session, by stream. */
  sent: Map<string, number>;
  acked: Map<string, number>;
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("connect" as const), agent: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), agent: fc.nat(1) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("mint" as const), agent: fc.nat(1), what: fc.nat(3), order: fc.nat(3) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("send" as const), agent: fc.nat(1), lines: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 14, arbitrary: fc.record({ do: fc.constant("disk" as const), work: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("refuse" as const), writes: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("order" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), order: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 2_000_000 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Fleet {
  readonly hosts: Host[];
  readonly orders: string[] = [];
  /** The end that was once told of a target: `order/agent` → its state. */
  readonly ends = new Map<string, string>();
  readonly driver: HandDriver;

  constructor(driver: HandDriver) {
    this.driver = driver;
    driver.auto = false;
    this.hosts = AGENTS.map((name) => ({
      name,
      session: 0,
      epoch: 0,
      boot: driver.ids.next(0),
      spool: new Map([[`${name}/log`, []], [`${name}/${driver.ids.next(0)}`, []]]),
      sent: new Map(),
      acked: new Map(),
    }));
  }

  async take(step: Step): Promise<void> {
    const { driver } = this;
    switch (step.do) {
      case "connect":
        return this.connect(this.hosts[step.agent]!);
      case "close":
        return this.close(this.hosts[step.agent]!);
      case "mint":
        return this.mint(this.hosts[step.agent]!, step.what, this.orders[step.order % this.orders.length]);
      case "send":
        return this.send(this.hosts[step.agent]!, step.lines);
      case "disk":
        return driver.settle(step.work);
      case "refuse":
        driver.refuse = step.writes;
        return;
      case "order": {
        if (this.orders.length === 4) return;
        const id = driver.ids.next(driver.now);
        this.orders.push(id);
        const notBefore = new Date(driver.now).toISOString();
        const notAfter = new Date(driver.now + 3600_000).toISOString();
        driver.ask({ ask: "submitOrder", bytes: order(id, { notBefore, notAfter }), dryRun: false });
        return;
      }
      case "cancel":
        if (this.orders.length > 0) {
          const id = this.orders[step.order % this.orders.length]!;
          driver.ask({ ask: "cancelOrder", order: id, reason: "x" });
        }
        return;
      case "crash":
        for (const host of this.hosts) host.session = 0;
        return await driver.crash();
      case "wait":
        driver.now += step.ms;
        for (const [name, at] of [...driver.timers]) if (at <= driver.now) driver.feed({ type: "timer", name });
        return;
      default:
        step satisfies never;
    }
  }

  connect(host: Host): void {
    this.close(host);
    const streams = [...host.spool].map(([stream, lines]) => ({ stream, first: 0, next: lines.length }));
    host.sent.clear();
    host.epoch++;
    host.session = this.driver.connect(host.name, { streams }, { boot: host.boot, epoch: host.epoch });
  }

  close(host: Host): void {
    if (host.session !== 0) this.driver.close(host.session);
    host.session = 0;
  }

  mint(host: Host, what: number, order: string | undefined): void {
    const [log, run] = [...host.spool.keys()] as [string, string];
    const stream = what === 0 ? log : run;
    const lines = host.spool.get(stream)!;
    const record = what === 0 || order === undefined
      ? this.driver.output(host.name, stream, lines.length)
      : what === 1
      ? this.driver.runState(host.name, stream, lines.length, order, { state: "started" })
      : this.driver.runState(host.name, stream, lines.length, order, {
        state: what === 2 ? "finished" : "refused",
        ok: true,
      });
    lines.push(JSON.stringify(record));
  }

  send(host: Host, most: number): void {
    if (host.session === 0) return;
    this.hear(host);
    const frame: string[] = [];
    for (const [stream, lines] of host.spool) {
      const from = host.sent.get(stream);
      if (from === undefined) continue;
      const some = lines.slice(from, from + most);
      host.sent.set(stream, from + some.length);
      frame.push(...some);
    }
    if (frame.length > 0) this.driver.frame(host.session, ...frame);
  }

  /** Takes what came, and checks that nothing is acknowledged that a crash now could lose. */
  hear(host: Host): void {
    if (host.session === 0) return;
    for (const { streams } of this.driver.took(host.session, "welcome")) {
      for (const { stream, next } of streams) {
        this.checkDurable(host, stream, next);
        host.sent.set(stream, next);
      }
    }
    for (const { streams, conflicts } of this.driver.took(host.session, "ack")) {
      assert.equal(conflicts, undefined);
      for (const { stream, next } of streams) this.checkDurable(host, stream, next);
    }
    if (this.driver.hungUp.has(host.session)) host.session = 0;
  }

  checkDurable(host: Host, stream: string, next: number): void {
    assert.deepEqual(this.driver.disk.lines(stream).slice(0, next), host.spool.get(stream)!.slice(0, next), stream);
  }

  check(): void {
    const { driver } = this;
    for (const host of this.hosts) this.hear(host);
    for (const { stream, first, lines } of driver.published.splice(0)) {
      for (const [i, line] of lines.entries()) assert.equal(driver.disk.streams.get(stream)?.get(first + i), line);
    }
    const { openOrders, openTargets, queueBytes } = driver.core.gauges();
    assert.ok(openOrders <= 4 && openTargets <= 8 && queueBytes >= 0);
    for (const id of this.orders) this.checkOrder(id);
  }

  checkOrder(id: string): void {
    const { driver } = this;
    // Only what is told from memory: asking the disk would let it take its work.
    const asked = driver.ask({ ask: "order", order: id });
    const found = driver.answers.get(asked);
    if (found === undefined || "error" in found) return;
    for (const target of (found.answer as unknown as OrderAnswer).targets) {
      const key = `${id}/${target.agent}`;
      const stored = driver.disk.tables.get("targets")?.get(key) as JsonObject | undefined;
      const before = this.ends.get(key);
      if (before !== undefined) assert.equal(target.state, before, "an end is an end");
      if (!isTerminal(target.state)) continue;
      this.ends.set(key, target.state);
      assert.equal(stored?.["state"], target.state, "an end that was told is durable");
    }
  }
}

Deno.test("step() keeps its promises in random lives of a fleet", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 160, size: "max" }), async (steps) => {
      const fleet = new Fleet(await HandDriver.boot(TRUST));
      for (const host of fleet.hosts) fleet.connect(host);
      for (const one of steps) {
        await fleet.take(one);
        fleet.check();
      }
      // Then everything heals, and must come to rest.
      const { driver, hosts } = fleet;
      driver.refuse = 0;
      driver.auto = true;
      driver.settle();
      for (const host of hosts) fleet.connect(host);
      for (let i = 0; i < 40; i++) {
        for (const host of hosts) fleet.send(host, 4);
        fleet.check();
      }
      for (const host of hosts) {
        for (const [stream, lines] of host.spool) assert.deepEqual(driver.disk.lines(stream), lines);
      }
      for (let i = 0; i < 4; i++) {
        driver.now += 20 * 24 * 3600_000;
        driver.feed({ type: "timer", name: "orders" });
      }
      fleet.check();
      assert.equal(driver.core.gauges().openOrders, 0);
      assert.equal(driver.core.gauges().openTargets, 0);
      assert.equal(driver.core.gauges().queueBytes, 0);
    }),
    { numRuns: 100 },
  );
});
