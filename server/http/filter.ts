/** What a firehose reader wants to see. Evaluated where the records are. */
import { JabberError } from "../../base/errors.ts";
import { linearPattern } from "../../base/linear_pattern.ts";
import { type Envelope } from "../../wire/envelope.ts";
import { isKind, type Kind } from "../../wire/kinds.ts";
import { matches, parseSelector, type Selector } from "../../wire/selector.ts";

export interface Filter {
  /** Over the tags of the agent the record came from. */
  selector: Selector | undefined;
  kinds: ReadonlySet<Kind> | undefined;
  agent: string | undefined;
  job: string | undefined;
  run: string | undefined;
  /** Over the record's text. */
  pattern: RegExp | undefined;
  /** Cluster events (agent connected, order submitted, …) too. */
  events: boolean;
  /** Records too; false for who only watches what happens in the cluster. */
  records: boolean;
}

const PATTERN_CHARS_MAX = 1000;

/** Reads a filter from query parameters. @throws `input.invalid`, `selector.invalid` */
export function parseFilter(query: Record<string, string | undefined>): Filter {
  const kinds = query["kind"]?.split(",").map((kind) => {
    if (!isKind(kind)) throw new JabberError("input.invalid", `kind: ${JSON.stringify(kind)} is no message kind`);
    return kind;
  });
  return {
    selector: query["selector"] ? parseSelector(query["selector"]) : undefined,
    kinds: kinds && new Set(kinds),
    agent: query["agent"],
    job: query["job"],
    run: query["run"],
    pattern: query["pattern"] === undefined ? undefined : parsePattern(query["pattern"]),
    events: query["events"] !== "false" && kinds === undefined,
    records: query["events"] !== "only",
  };
}

function parsePattern(text: string): RegExp {
  if (text.length > PATTERN_CHARS_MAX) {
    throw new JabberError("input.invalid", `pattern: longer than ${PATTERN_CHARS_MAX} characters`);
  }
  return linearPattern(text, "pattern");
}

/** Whether the filter asks for anything that needs the record parsed. */
export function needsParsing(filter: Filter): boolean {
  return filter.kinds !== undefined || filter.job !== undefined || filter.run !== undefined;
}

/** @param line the record's text @param envelope the same, parsed; only read when `needsParsing` */
export function passes(
  filter: Filter,
  agent: string,
  tags: Readonly<Record<string, string>>,
  line: string,
  envelope: Envelope | undefined,
): boolean {
  if (filter.agent !== undefined && filter.agent !== agent) return false;
  if (filter.selector !== undefined && !matches(filter.selector, tags)) return false;
  if (needsParsing(filter)) {
    if (envelope === undefined) return false;
    if (filter.kinds !== undefined && !filter.kinds.has(envelope.kind)) return false;
    if (filter.job !== undefined && filter.job !== envelope.job) return false;
    if (filter.run !== undefined && filter.run !== envelope.run) return false;
  }
  return filter.pattern === undefined || filter.pattern.test(line);
}
