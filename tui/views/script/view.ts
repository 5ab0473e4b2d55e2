/** One script: what it may do, who signed it, its text; and how a file on this disk differs from it. */
import { changedLines } from "../../../cli/job/diff.ts";
import { ANSWERS, type ScriptAnswer } from "../../../server/core/requests.ts";
import { parseScript, type SignatureLine } from "../../../wire/sign/mod.ts";
import type { ActAnswer } from "../../act.ts";
import { type Line, lineOf, span, wrap } from "../../text/line.ts";
import { symbol } from "../../theme.ts";
import { defineView, type Effect, type ViewContext } from "../../view.ts";
import { target } from "../../widgets/table/state.ts";
import { failure } from "../failure.ts";
import { accessText, shortHash } from "../scripts/columns.ts";
import { askForRun, confirmRun, type PlannedRun, plannedRun, startRun } from "../scripts/run.ts";
import { askDelete } from "../scripts/view.ts";

interface ScriptState {
  /** A name or a hash. */
  wanted: string;
  script: (ScriptAnswer & { text: string }) | undefined;
  signatures: readonly SignatureLine[];
  /** The first line that is shown. */
  top: number;
  diff: { path: string; lines: readonly string[] } | undefined;
  run: PlannedRun | undefined;
}

export const scriptView = defineView<ScriptState>({
  name: "script",
  aliases: [],
  says: "one script: what it may do, who signed it, its text",
  places: ["script"],
  needs: "a script's name or hash",
  open: (wanted) => ({ wanted, script: undefined, signatures: [], top: 0, diff: undefined, run: undefined }),
  wants: ({ wanted, script }) =>
    // A version never changes: it is read once.
    script === undefined ? [{ kind: "poll", key: "script", path: pathOf(wanted), everyMs: 5000 }] : [],
  step(state, event, context) {
    switch (event.type) {
      case "answer":
        if (event.want === "delete") return { state, effects: [{ do: "back" }] };
        return { state: withScript(state, event.answer) };
      case "acted":
        return onActed(state, event.name, event.answer, context);
      case "failed":
        return { state, effects: [{ do: "notice", text: failure(event.error), tone: "bad" }] };
      case "entered":
        return onEntered(state, event.name, event.text);
      case "confirmed":
        return { state, effects: onConfirmed(state, event.name) };
      case "action":
        return onAction(state, event.action, context);
      default:
        return { state };
    }
  },
  crumb: ({ wanted, script }) => script?.name ?? wanted,
  status: ({ script, diff }) => [
    span(script === undefined ? "" : shortHash(script.hash), "dim"),
    span(diff === undefined ? "" : `  difference to ${diff.path}`, "info"),
  ],
  body: (state, context) => linesOf(state, context).slice(state.top, state.top + context.area.rows),
  spoken: ({ script }) => script === undefined ? "reading" : `${script.name}, access ${script.access}`,
});

function pathOf(wanted: string): string {
  return `/v1/scripts/${encodeURIComponent(wanted)}`;
}

function withScript(state: ScriptState, answer: unknown): ScriptState {
  const script = ANSWERS.script.parse(answer);
  return { ...state, script, signatures: parseScript(new TextEncoder().encode(script.text)).signatures };
}

function onAction(state: ScriptState, action: import("../../keys.ts").Action, context: ViewContext) {
  const { script } = state;
  if (script === undefined) return { state };
  switch (action) {
    case "script.run":
      return { state, effects: [askForRun(script.name, context)] };
    case "script.delete":
      return { state, effects: [askDelete(script)] };
    case "script.diff": {
      if (state.diff !== undefined) return { state: { ...state, diff: undefined, top: 0 } };
      const ask: Effect = { do: "enter", name: "path", title: "compare with the file", text: `${script.name}.js` };
      return { state, effects: [ask] };
    }
    default: {
      const count = linesOf(state, context).length;
      const last = Math.max(0, count - context.area.rows);
      const to = target(action, state.top, last + 1, Math.max(1, context.area.rows));
      return { state: to === undefined ? state : { ...state, top: to } };
    }
  }
}

function onEntered(state: ScriptState, name: string, text: string) {
  if (name === "path") {
    return { state, effects: [{ do: "act", name: "read", act: { kind: "read", path: text } }] satisfies Effect[] };
  }
  if (state.script === undefined) return { state };
  const run = plannedRun(state.script.name, state.script.hash, text);
  return { state: { ...state, run }, effects: [startRun(run, true)] };
}

function onActed(state: ScriptState, name: string, answer: ActAnswer, context: ViewContext) {
  if (answer.kind === "read" && state.script !== undefined) {
    const lines = changedLines(state.script.text, answer.text);
    return { state: { ...state, diff: { path: answer.path, lines }, top: 0 } };
  }
  if (answer.kind !== "run" || state.run === undefined) return { state };
  if (name === "plan") return { state, effects: [confirmRun(state.run, answer, context)] };
  const effects: Effect[] = [{ do: "open", view: "run", arg: answer.order }];
  return { state: { ...state, run: undefined }, effects };
}

function onConfirmed({ script, run }: ScriptState, name: string): readonly Effect[] {
  if (name === "run") return run === undefined ? [] : [startRun(run, false)];
  return script === undefined ? [] : [{ do: "ask", name: "delete", method: "DELETE", path: pathOf(script.hash) }];
}

function linesOf(state: ScriptState, context: ViewContext): readonly Line[] {
  const { script, diff } = state;
  if (script === undefined) return [];
  if (diff !== undefined) return diffLines(diff.lines);
  return [...headLines(state, context), [], ...textLines(script.text, context.area.columns)];
}

function diffLines(lines: readonly string[]): readonly Line[] {
  if (lines.length === 0) return [lineOf(" the file is the same, byte for byte of its lines", "good")];
  const hint = lineOf(" - only on the server   + only in the file   d shows the script again", "dim");
  return [hint, [], ...lines.map((line) => lineOf(` ${line}`, line.startsWith("+") ? "good" : "bad"))];
}

function headLines({ script, signatures }: ScriptState, { look, area }: ViewContext): readonly Line[] {
  if (script === undefined) return [];
  const field = (name: string, text: string): Line[] =>
    text === "" ? [] : [[span(` ${name.padEnd(9)} `, "dim"), span(text)]];
  return [
    ...field("hash", script.hash),
    ...field(
      "access",
      `${accessText(script.access)}; ${
        script.start === "open" ? "whoever the server lets in may start it" : "needs a signed order"
      }`,
    ),
    ...wrap(script.uses.join(" "), Math.max(10, area.columns - 12))
      .flatMap((text, index) => field(index === 0 ? "uses" : "", text)),
    ...field("targets", script.targets),
    ...field("expires", script.expires ?? ""),
    ...field("cluster", script.cluster ?? ""),
    ...field("pushed", `${script.pushedAt.slice(0, 19).replace("T", " ")} by ${script.pushedBy}`),
    ...signatures.map(({ key, at }): Line => {
      const author = script.authors[script.signers.indexOf(key)];
      const isTrusted = author !== undefined;
      const mark = symbol(look, isTrusted ? "good" : "bad");
      const said = isTrusted ? `${author}, trusted by this server` : "not trusted by this server";
      return [
        span(" signed    ", "dim"),
        span(`${mark} ${key}  ${at}  `, isTrusted ? "good" : "bad"),
        span(said, "dim"),
      ];
    }),
    lineOf("           agents decide for themselves whom they trust", "dim"),
  ];
}

function textLines(text: string, columns: number): readonly Line[] {
  const lines = text.replace(/\n$/, "").split("\n");
  const digits = String(lines.length).length;
  return lines.map((line, index): Line => [
    span(` ${String(index + 1).padStart(digits)} `, "dim"),
    span(line.replaceAll("\t", "  ").slice(0, columns * 4)),
  ]);
}
