/** What records say to a person. */
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import type { OrderRow } from "../../server/core/requests.ts";
import { moment } from "../text/output.ts";
import { jsonText } from "../text/json.ts";

/** What a run says, for those who follow it; undefined for what the summary says anyway. Ends with a line's end. */
export function recordText(record: JsonObject): string | undefined {
  const body = record["body"];
  if (!isJsonObject(body)) return undefined;
  switch (record["kind"]) {
    case "output":
      return outputText(body);
    case "log":
      return `[${String(body["level"])}] ${String(body["text"])}\n`;
    case "gap":
      return `[gap] ${String(body["reason"])}: ${Number(body["to"]) - Number(body["from"])} records lost\n`;
    case "runState":
      return hasContent(body["result"]) ? resultText(body["result"] as Json) : undefined;
    default:
      return undefined;
  }
}

/** Every record, for those who read a stream or the firehose. */
export function recordLine(record: JsonObject): string {
  const body = isJsonObject(record["body"]) ? record["body"] : {};
  if (record["kind"] === "runState") return stateText(record, body);
  if (record["kind"] === "setTag") return `[tag] ${String(body["key"])}=${String(body["value"] ?? "")}`;
  if (record["kind"] === "jobState") return jobText(record, body);
  return recordText(record) ?? `[${String(record["kind"])}] ${JSON.stringify(body)}`;
}

/** How far an order got: what is not zero. `failed` counts those of `finished` whose work failed: people want both apart. */
export function countParts({ finished, failed, ...others }: OrderRow["counts"]): string[] {
  return Object.entries({ ok: finished - failed, failed, ...others }).filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state.replace("-", " ")}`);
}

/** `orderDone` is a name for programs. */
export function eventWords(event: string): string {
  return event.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What happened on the server, with what it told. */
export function eventText(value: JsonObject): string {
  const { event, time: _, ...fields } = value;
  return [eventWords(String(event)), ...Object.entries(fields).map(([key, field]) => eventField(key, field))]
    .filter((text) => text !== "").join(" ");
}

export function eventField(key: string, field: Json | undefined): string {
  if (key === "does") return shortWork(String(field));
  if (key === "counts" && isJsonObject(field)) return countParts(field as OrderRow["counts"]).join(", ");
  if (field === "" || field === undefined) return "";
  return `${key}=${typeof field === "string" ? field : JSON.stringify(field)}`;
}

function shortWork(does: string): string {
  return does.replace(/^command:/, "").replace(/^(script:sha256-.{12}).*$/, "$1…");
}

/** Program output and lines of files are text; any other object is printed as JSON. */
function outputText(body: JsonObject): string {
  const { text, fd, offset, file } = body;
  if (typeof text === "string" && typeof fd === "number") return text;
  if (typeof text === "string" && typeof offset === "number" && typeof file === "string") return `${text}\n`;
  return jsonText(body) + "\n";
}

/** A result that says more than the exit code, which stands in the summary. */
function hasContent(result: unknown): boolean {
  return result !== undefined && result !== null && !(isJsonObject(result) && "exitCode" in result);
}

function resultText(result: Json): string {
  return (typeof result === "string" ? result : jsonText(result)) + "\n";
}

function stateText(record: JsonObject, body: JsonObject): string {
  const what = shortWork(String(body["does"] ?? ""));
  if (body["state"] === "started") return `[started] ${what}`;
  const error = isJsonObject(record["error"]) ? `: ${String(record["error"]["message"])}` : "";
  if (body["state"] === "refused") return `[refused] ${what}${error}`;
  const exit = typeof body["exitCode"] === "number" ? ` exit ${body["exitCode"]}` : "";
  const result = hasContent(body["result"]) ? ` ${resultText(body["result"] as Json)}` : "";
  return `[${body["ok"] === true ? "ok" : "failed"}]${exit}${error}${result}`;
}

/** What an agent says of a job: which one, what became of it, and when it is due. */
function jobText(record: JsonObject, body: JsonObject): string {
  const error = isJsonObject(record["error"]) ? `: ${String(record["error"]["message"])}` : "";
  const whose = body["source"] === "local" ? "of the host's owner" : `serial ${String(body["serial"])}`;
  const next = typeof body["next"] === "string" ? `, next at ${moment(body["next"])}` : "";
  return `[job ${String(body["state"])}] ${String(record["job"])}, ${whose}${next}${error}`;
}
