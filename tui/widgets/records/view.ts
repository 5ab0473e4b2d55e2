/** The records on the screen: one line each, read only when it is seen. */
import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import { eventField, eventWords, recordLine } from "../../../cli/run/text.ts";
import { clockTime, number } from "../../text/number.ts";
import { type Line, type Span, span } from "../../text/line.ts";
import { fit } from "../../text/width.ts";
import { type Look, type Role, symbol } from "../../theme.ts";
import type { Area } from "../../view.ts";
import { lowest, type RecordsState, unseen } from "./state.ts";
import { RECORDS_THEME } from "./theme.ts";

export interface RecordsContext {
  look: Look;
  /** The name of an agent; empty leaves it out: all records are of one. */
  nameOf(agent: string): string;
  /** What a run does, in few words. */
  nameOfWork(does: string): string;
}

const NAME_COLUMNS = 16;

export function recordLines(state: RecordsState, area: Area, context: RecordsContext): readonly Line[] {
  const { window } = state;
  const last = lowest(state);
  const lines: Line[] = [];
  // From below: what came last is what is looked for.
  for (let at = last; at >= window.first && lines.length < area.rows; at--) {
    const line = window.at(at);
    if (line !== undefined) lines.unshift(...recordRows(line, context));
  }
  return lines.slice(Math.max(0, lines.length - area.rows));
}

/** `following`, or what has come since it was held. */
export function recordsStatus(state: RecordsState, look: Look): Line {
  const count = span(`${number(state.window.length)} records`, "strong");
  if (state.held === undefined) return [count, span(`  ${symbol(look, "run")} following`, "good")];
  const more = unseen(state);
  return [
    count,
    span(`  ${symbol(look, "pause")} held`, "warn"),
    span(more > 0 ? `, ${number(more)} new below` : "", "warn"),
  ];
}

/** A program's output keeps its lines, so many of a record at most. */
const ROWS_MAX = 50;

/** One record, or one event of the server, as a person reads it. */
export function recordRows(text: string, context: RecordsContext): readonly Line[] {
  const value = parsed(text);
  if (value === undefined) return [[span(text, RECORDS_THEME.broken)]];
  const time = span(`${clockTime(Date.parse(String(value["time"] ?? "")))} `, RECORDS_THEME.time);
  if (typeof value["event"] === "string") return [[time, ...eventSpans(value, value["event"], context)]];
  const name = context.nameOf(String(value["from"] ?? ""));
  const head: Span[] = name === "" ? [time] : [time, span(`${fit(name, NAME_COLUMNS)} `, RECORDS_THEME.name)];
  const said = recordLine(withNames(value, context)).trimEnd();
  // A result is one thing; what a program printed are lines.
  const rows = value["kind"] === "runState" ? [said.replace(/\s*\n\s*/g, " ")] : said.split(/\r?\n/, ROWS_MAX);
  const role = roleOf(value);
  return rows.map((row) => [...head, span(row, role)]);
}

function withNames(value: JsonObject, context: RecordsContext): JsonObject {
  const body = value["body"];
  if (!isJsonObject(body) || typeof body["does"] !== "string") return value;
  return { ...value, body: { ...body, does: context.nameOfWork(body["does"]) } };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function eventSpans(value: JsonObject, event: string, context: RecordsContext): Span[] {
  if (event === "lagged") {
    const dropped = number(Number(value["dropped"]));
    return [span(`${symbol(context.look, "warn")} ${dropped} records were left out here: too many to show`, "bad")];
  }
  const { event: _, time: _time, agent, name: _name, ...rest } = value;
  const who = typeof agent === "string" ? context.nameOf(agent) : "";
  const fields = Object.entries(rest).map(([key, field]) => {
    if (key === "does" && typeof field === "string") return context.nameOfWork(field);
    return eventField(key, field);
  });
  return [
    span(`${symbol(context.look, "dot")} ${eventWords(event)} `, RECORDS_THEME.event),
    span([who, ...fields].filter((part) => part !== "").join(" "), RECORDS_THEME.fields),
  ];
}

function roleOf(record: JsonObject): Role {
  const body = isJsonObject(record["body"]) ? record["body"] : {};
  if (record["kind"] === "log") return LEVEL_ROLES[String(body["level"])] ?? "plain";
  if (record["kind"] === "gap") return "bad";
  if (record["kind"] !== "runState") return "plain";
  if (body["state"] === "started") return "info";
  return body["ok"] === true ? "good" : "bad";
}

const LEVEL_ROLES: Readonly<Record<string, Role>> = { error: "bad", warn: "warn", debug: "dim", trace: "dim" };
