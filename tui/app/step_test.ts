import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { lineWidth, plainText } from "../text/line.ts";
import { agent, agentsAnswer, consoleState, NOON, screenText, type StateOptions } from "../testing.ts";
import { defineView, type Effect, type ViewEvent } from "../view.ts";
import { wantsOf } from "./context.ts";
import { pictureOf } from "./picture.ts";
import { type AppEffect, type AppEvent, type AppState, FLEET, topPage } from "./state.ts";
import { stepApp } from "./step.ts";

const VIEWS_WITH_MANY_KEYS = ["agents", "scripts", "jobs", "firehose", "history", "runs"];

/** A console whose fleet is known; keys and events go in, the screen comes out. */
class Driver {
  state: AppState;
  effects: readonly AppEffect[] = [];
  now = NOON;

  constructor(options: StateOptions = {}, names: readonly string[] = ["web1", "web2", "db1"]) {
    this.state = consoleState(options);
    const agents = names.map((name) => agent(name, { tags: { role: name.replace(/\d+$/, "") } }));
    this.event({ type: "answer", to: FLEET, want: "all", path: "/v1/agents", answer: agentsAnswer(...agents) });
    this.event({ type: "link", link: { state: "live", since: NOON, heard: NOON, why: "" } });
  }

  event(event: AppEvent): void {
    const step = stepApp(this.state, event, this.now);
    this.state = step.state;
    this.effects = step.effects;
  }

  keys(...keys: string[]): this {
    for (const key of keys) this.event({ type: "input", input: { type: "key", key } });
    return this;
  }

  type(text: string): this {
    return this.keys(...[...text].map((symbol) => symbol === " " ? "space" : symbol));
  }

  get screen(): string {
    return screenText(this.state);
  }

  /** The line under the cursor. */
  get selected(): string {
    const line = pictureOf(this.state).find((line) =>
      line.some(({ role, text }) => role === "selected" && text.length > 9)
    );
    return line === undefined ? "" : plainText(line).trim();
  }
}

/** A view that asks and acts, and remembers what it was told. */
const probe = (effects: readonly Effect[], told: ViewEvent[], hosts?: number) =>
  defineView<number>({
    name: "runs",
    aliases: [],
    says: "a probe",
    places: ["list", "runs"],
    open: () => 0,
    wants: () => [],
    step(state, event) {
      told.push(event);
      if (event.type !== "action" || event.action !== "list.open") return { state };
      const question = { name: "rm", title: "Remove", lines: ["web1 goes for good"], verb: "Remove" };
      const asks: Effect = { do: "confirm", question: hosts === undefined ? question : { ...question, hosts } };
      return { state: state + 1, effects: [asks, ...effects] };
    },
    crumb: () => "probe",
    status: () => [],
    body: () => [],
    spoken: () => "",
  });

Deno.test("the first screen shows who and where, the fleet and the keys", () => {
  const { screen } = new Driver();
  assert.match(screen, /jabberwocky test · ada · server\.example:7400 .*● live/);
  assert.match(screen, /3 agents {2}● 3 connected/);
  assert.match(screen, /── agents {2}3 ─/);
  assert.match(screen, /NAME▲ .*STATE/);
  assert.match(screen, /web1 .*● connected/);
  assert.match(screen, /<enter> open .* \? help .* : command .* \/ filter/);
});

Deno.test("every size is filled exactly, down to 1×1 and up to 300×80", () => {
  for (
    const [columns, rows] of [[1, 1], [2, 1], [59, 15], [60, 14], [60, 15], [80, 24], [160, 50], [300, 80]] as const
  ) {
    const driver = new Driver({ size: { columns, rows } });
    for (const key of ["", "?", "esc", ":", "esc", "/", "esc"]) {
      if (key !== "") driver.keys(key);
      const picture = pictureOf(driver.state);
      assert.equal(picture.length, rows);
      for (const line of picture) assert.equal(lineWidth(line), columns, `${columns}x${rows} ${key}`);
    }
  }
});

Deno.test("below 60×15 there are kind words, and q leaves", () => {
  const driver = new Driver({ size: { columns: 40, rows: 10 } });
  assert.match(driver.screen, /a little small/);
  assert.equal(driver.keys("j", "x").state.quit, false);
  assert.equal(driver.keys("q").state.quit, true);
});

Deno.test("a filter works while it is typed; enter keeps it, esc brings the one before back", () => {
  const driver = new Driver().keys("/").type("web");
  assert.match(driver.screen, /2 of 3/);
  assert.doesNotMatch(driver.screen, /db1/);
  driver.keys("enter");
  assert.match(driver.screen, /agents {2}2 of 3 {2}\/web/);
  driver.keys("/").type("1");
  assert.match(driver.screen, /1 of 3/);
  driver.keys("esc");
  assert.match(driver.screen, /2 of 3/);
  // Esc takes the filter away before it goes anywhere.
  driver.keys("esc");
  assert.match(driver.screen, /db1/);
});

Deno.test("a filter that cannot be read shows everything and says why", () => {
  const driver = new Driver().keys("/").type("/(").keys("enter");
  assert.match(driver.screen, /Invalid regular expression/);
  assert.match(driver.screen, /db1/);
});

Deno.test("a pasted filter of a megabyte is cut with a word", () => {
  const driver = new Driver().keys("/");
  driver.event({ type: "input", input: { type: "paste", text: "w".repeat(LIMITS.consolePasteCharsMax), cut: true } });
  assert.match(driver.screen, /0 of 3/);
  driver.keys("enter");
  assert.equal(topPage(driver.state).filter.text.length, LIMITS.consoleFilterCharsMax);
  const typed = new Driver().keys("/");
  typed.event({ type: "input", input: { type: "paste", text: "x".repeat(5000), cut: false } });
  assert.match(typed.state.notice!.text, /cut to the first 1000 characters/);
});

Deno.test("a paste outside of a line does nothing", () => {
  const driver = new Driver();
  driver.event({ type: "input", input: { type: "paste", text: "q", cut: false } });
  assert.equal(driver.state.quit, false);
  assert.match(driver.screen, /press \/ or :/);
});

Deno.test(": completes, runs commands, and says what it does not know", () => {
  const driver = new Driver().keys(":");
  assert.match(driver.screen, /complete +:agents .*:runs/, "what there is stands there before anything is typed");
  driver.type("ru");
  assert.match(driver.screen, /complete +:runs? /);
  assert.doesNotMatch(driver.screen, /complete.*:agents/);
  driver.keys("esc", ":").type("ag").keys("tab");
  assert.match(driver.screen, /:agents? *$|:agent/m);
  driver.keys("esc", ":").type("nonsense").keys("enter");
  assert.match(driver.screen, /no command :nonsense/);
  assert.equal(driver.keys(":").type("q").keys("enter").state.quit, true);
});

Deno.test("? shows the keys of this view, scrolls, and goes with any other key", () => {
  const driver = new Driver().keys("?");
  assert.match(driver.screen, /agents: the fleet/);
  assert.match(driver.screen, /<space> +mark/);
  const before = driver.screen;
  driver.keys("j");
  assert.notEqual(driver.screen, before);
  driver.keys("esc");
  assert.match(driver.screen, /NAME▲/);
});

Deno.test("esc never leaves the console, q leaves it from the first view", () => {
  const driver = new Driver().keys("esc");
  assert.equal(driver.state.quit, false);
  assert.match(driver.screen, /this is the first view/);
  assert.equal(driver.keys("q").state.quit, true);
  assert.equal(new Driver().keys("ctrl-c").state.quit, true);
});

Deno.test("a question names its target and begins on Cancel: enter alone does nothing", () => {
  const told: ViewEvent[] = [];
  const driver = new Driver({ views: [probe([], told)], view: "runs" }).keys("enter");
  assert.match(driver.screen, /Remove/);
  assert.match(driver.screen, /web1 goes for good/);
  driver.keys("enter");
  assert.match(driver.screen, /nothing was done/);
  driver.keys("enter", "tab", "enter");
  assert.deepEqual(told.filter(({ type }) => type === "confirmed"), [{ type: "confirmed", name: "rm" }]);
});

Deno.test("above the limit the number of hosts must be typed first", () => {
  const told: ViewEvent[] = [];
  const driver = new Driver({ views: [probe([], told, 5000)], view: "runs" });
  driver.keys("enter", "tab", "enter");
  assert.equal(told.some(({ type }) => type === "confirmed"), false);
  driver.keys("enter").type("500").keys("tab", "enter");
  assert.equal(told.some(({ type }) => type === "confirmed"), false);
  driver.keys("enter").type("5000").keys("tab", "enter");
  assert.ok(told.some(({ type }) => type === "confirmed"));
});

Deno.test("what a view asks for is done, and answers to a page that is gone find nobody", () => {
  const told: ViewEvent[] = [];
  const effects: Effect[] = [{ do: "ask", name: "x", method: "GET", path: "/v1/x" }, {
    do: "notice",
    text: "hm",
    tone: "bad",
  }];
  const driver = new Driver({ views: [probe(effects, told)], view: "runs" }).keys("enter");
  assert.deepEqual(driver.effects, [{ do: "ask", to: "1", effect: effects[0] }]);
  driver.event({ type: "answer", to: "1", want: "x", path: "/v1/x", answer: { ok: true } });
  assert.ok(told.some(({ type }) => type === "answer"));
  const before = told.length;
  driver.event({ type: "answer", to: "99", want: "x", path: "/v1/x", answer: {} });
  assert.equal(told.length, before);
});

Deno.test("a server that is away is said, with since when and how old the data is", () => {
  const driver = new Driver();
  driver.now = NOON + 65_000;
  driver.event({ type: "link", link: { state: "lost", since: NOON + 60_000, heard: NOON + 60_000, why: "refused" } });
  assert.match(driver.screen, /disconnected since \d\d:\d\d:\d\d, data 5 s old/);
  assert.match(driver.screen, /refused; trying again/);
  assert.match(driver.screen, /web1/);
});

Deno.test("the whole fleet is asked for once for each connection, after that only what is seen", () => {
  const driver = new Driver();
  driver.event({ type: "opened", to: FLEET, want: "events" });
  assert.deepEqual(driver.effects.map((effect) => effect.do === "ask" && effect.effect.path), [
    "/v1/agents",
    "/v1/scripts",
  ]);
  const wants = wantsOf(driver.state).map(({ want }) => want);
  assert.ok(wants.every(({ path }) => path !== "/v1/agents"));
  assert.match(wants.find(({ key }) => key === "look")!.path, /^\/v1\/agents\?ids=agent-/);
});

Deno.test("the cursor stays on its agent while the fleet changes around it", () => {
  const driver = new Driver().keys("j");
  assert.match(driver.selected, /^web1/);
  driver.event({
    type: "lines",
    to: FLEET,
    want: "events",
    lines: [JSON.stringify({ event: "agentRemoved", agent: agent("db1").id })],
  });
  assert.match(driver.selected, /^web1/);
  assert.doesNotMatch(driver.screen, /db1/);
});

Deno.test("the keys at the foot are whole in every width, and the help is always among them", () => {
  for (const columns of [60, 70, 80, 100, 160]) {
    for (const view of VIEWS_WITH_MANY_KEYS) {
      const driver = new Driver({ size: { columns, rows: 24 } });
      driver.keys(":").type(view).keys("enter");
      const foot = plainText(pictureOf(driver.state).at(-1)!);
      assert.match(foot, / \? help /, `${view} at ${columns}`);
      assert.ok(lineWidth(pictureOf(driver.state).at(-1)!) <= columns, `${view} at ${columns}: ${foot}`);
    }
  }
  const driver = new Driver({ size: { columns: 80, rows: 24 } });
  driver.keys(":").type("scripts").keys("enter");
  assert.match(plainText(pictureOf(driver.state).at(-1)!), /p push {2}R run {2}D delete /, "a view's own keys stay");
});
