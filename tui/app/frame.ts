/** The frame around every view: who and where, how the fleet is, how fresh what is shown; at the foot what is typed and the keys. */
import { keyName, keysIn, type KeyUse } from "../keys.ts";
import { clockTime, duration, number } from "../text/number.ts";
import { type Line, lineOf, lineWidth, type Span, span, spread } from "../text/line.ts";
import { cut } from "../text/width.ts";
import { symbol } from "../theme.ts";
import { lineEditView } from "../widgets/line_edit/view.ts";
import { candidates, completion } from "../commands.ts";
import { contextOf, placesOf } from "./context.ts";
import { type AppState, topPage } from "./state.ts";

export function headLines(state: AppState): readonly Line[] {
  const { size: { columns }, look, identity, fleet } = state;
  const left: Span[] = [
    span(" jabberwocky ", "title"),
    span(`${identity.name} `, "strong"),
    span(`${symbol(look, "dot")} ${identity.user} `),
    span(`${symbol(look, "dot")} ${identity.url.replace(/^https?:\/\//, "")}`, "dim"),
  ];
  if (state.readonly) left.push(span("  [readonly]", "warn"));
  const { all, connected, away, elsewhere, pending, running } = fleet.counts;
  const counts: Span[] = fleet.isLoaded
    ? [
      span(` ${number(all)} ${all === 1 ? "agent" : "agents"}  `, "strong"),
      span(`${symbol(look, "on")} ${number(connected)} connected  `, connected > 0 ? "good" : "dim"),
      span(`${symbol(look, "off")} ${number(away)} away  `, away > 0 ? "bad" : "dim"),
      ...(elsewhere > 0 ? [span(`${symbol(look, "off")} ${number(elsewhere)} elsewhere  `, "warn")] : []),
      span(`${symbol(look, "wait")} ${number(pending)} waiting  `, pending > 0 ? "warn" : "dim"),
      span(`${symbol(look, "run")} ${number(running)} running`, running > 0 ? "info" : "dim"),
    ]
    : [span(state.link.state === "connecting" ? " " : " reading the fleet…", "dim")];
  return [spread(left, [span(" "), ...linkText(state), span(" ")], columns, look), counts];
}

/** Whether what is shown is fresh. Its age is told only when it is not: nothing is drawn while nothing changes. */
function linkText({ link, now, look }: AppState): Line {
  switch (link.state) {
    case "live":
      return [span(`${symbol(look, "on")} live`, "good")];
    case "connecting":
      return [span(`${symbol(look, "wait")} connecting${symbol(look, "dots")}`, "warn")];
    case "lost":
      return [
        span(`${symbol(look, "bad")} disconnected since ${clockTime(link.since)}`, "bad"),
        span(link.heard === 0 ? "" : `, data ${duration(now - link.heard)} old`, "bad"),
      ];
  }
}

/** The rule between the head and the view: breadcrumbs, then what the view says of itself. */
export function titleLine(state: AppState): Line {
  const { size: { columns }, look, stack } = state;
  const rule = symbol(look, "line");
  const page = topPage(state);
  const crumbs = stack.map((one) => one.view.crumb(one.state, contextOf(state, one)));
  const left: Span[] = [span(`${rule}${rule} `, "dim")];
  for (const [index, crumb] of crumbs.entries()) {
    if (index > 0) left.push(span(` ${symbol(look, "crumb")} `, "dim"));
    left.push(span(crumb, index === crumbs.length - 1 ? "title" : "plain"));
  }
  const status = page.view.status(page.state, contextOf(state, page));
  left.push(span("  "), ...status, span(" "));
  if (page.filter.text !== "") {
    left.push(span(` /${page.filter.text} `, page.filter.fault === undefined ? "accent" : "bad"));
  }
  return [...left, span(rule.repeat(Math.max(0, columns - lineWidth(left))), "dim")];
}

/** @param rows how many lines there are for it; the last one holds the keys */
export function footLines(state: AppState, rows: number): readonly Line[] {
  const lines: Line[] = rows > 2 ? [lineOf(symbol(state.look, "line").repeat(state.size.columns), "dim")] : [];
  return [...lines, saidLine(state), hintLine(state)];
}

function saidLine(state: AppState): Line {
  const { overlay, notice, size: { columns }, link } = state;
  if (overlay?.kind === "line") {
    if (overlay.purpose === "enter") return lineEditView(`${overlay.title}: `, overlay.line, columns);
    if (overlay.purpose === "filter") {
      const { fault } = topPage(state).filter;
      return lineEditView("/", overlay.line, columns, fault === undefined ? "" : `  ${fault}`);
    }
    const { text, at } = overlay.line;
    const hint = at === [...text].length ? completion(state.commands, text, () => []) : "";
    return lineEditView(":", overlay.line, columns, hint);
  }
  if (notice !== undefined) return [span(" "), span(notice.text, notice.tone === "plain" ? "info" : notice.tone)];
  const filter = topPage(state).filter;
  if (filter.fault !== undefined) return [span(` filter: ${filter.fault}; everything is shown`, "bad")];
  return link.state === "lost" ? [span(` ${link.why}; trying again`, "bad")] : [];
}

function hintLine(state: AppState): Line {
  const { overlay } = state;
  if (overlay?.kind === "help") return hints([["up", "scroll"], ["esc", "close"]]);
  if (overlay?.kind === "confirm") return hints([["tab", "choose"], ["enter", "take it"], ["esc", "cancel"]]);
  if (overlay?.kind === "line") {
    const tab: [string, string][] = overlay.purpose === "command" ? [["tab", "complete"]] : [];
    const keys = hints([["enter", overlay.purpose === "filter" ? "keep" : "do it"], ["esc", "cancel"], ...tab]);
    if (overlay.purpose !== "command") return keys;
    const names = candidates(state.commands, overlay.line.text).map((name) => `:${name}`).join(" ");
    return [...keys, span(cut(` ${names}`, state.size.columns - lineWidth(keys)), "dim")];
  }
  const uses = keysIn(placesOf(topPage(state)), state.readonly).filter(({ hint }) => hint !== undefined);
  const own = uses.filter((use) => !use.in.includes("everywhere"));
  const common = uses.filter((use) => use.in.includes("everywhere"));
  return roomyHints([...own, ...common], state.size.columns);
}

/** Hints in their order, each of them whole. Where there is no room, those go that one finds behind `?` or knows. */
function roomyHints(uses: readonly KeyUse[], columns: number): Line {
  const kept = [...uses];
  const line = () => hints(kept.map(({ keys, hint }) => [keys[0]!, hint!]));
  const byWorth = uses.toSorted((a, b) => worth(a) - worth(b));
  for (const use of byWorth) {
    if (lineWidth(line()) <= columns) break;
    kept.splice(kept.indexOf(use), 1);
  }
  return line();
}

/** The help is never left out before the others; what opens and a view's own keys stay longer than the rest of a list's. */
function worth(use: KeyUse): number {
  if (use.action === "app.help") return 3;
  if (use.action === "list.open") return 2;
  if (use.in.includes("list")) return 0;
  return use.in.includes("everywhere") ? 1 : 2;
}

function hints(pairs: readonly (readonly [string, string])[]): Line {
  return pairs.flatMap(([key, word]) => [span(` ${keyName(key)} `, "key"), span(`${word} `)]);
}
