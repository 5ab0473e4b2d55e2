/**
 * Every rule a signed document can break, one row each; `document.malformed` names the row in `data.rule`.
 * A file is read the same everywhere or refused everywhere: two programs that disagree about a signed file are a hole.
 */
import { JabberError } from "../../base/errors.ts";

export const DOCUMENT_RULES = {
  // --- bytes ---
  "bytes.utf8": "the file must be valid UTF-8",
  "bytes.bom": "a byte order mark is not allowed anywhere",
  "bytes.cr": "lines end with LF alone, a carriage return is not allowed",
  "bytes.nul": "a NUL byte is not allowed",
  "bytes.invisible":
    "invisible, control and bidirectional characters are not allowed; in script code write them as \\u{…}",
  "bytes.final_newline": "the file must end with a line feed, so that signing only adds lines",
  // --- header of a script ---
  "header.missing": "a script starts with a header: `/*---`, YAML, `---*/`",
  "header.first": "nothing but one `#!` line may stand before the header",
  "header.unclosed": "the header is not closed by a line `---*/`",
  "header.comment_end": "`*/` may stand in the header only as the line `---*/` that closes it",
  "header.second": "there may be one header only",
  // --- YAML ---
  "yaml.syntax": "the YAML cannot be read",
  "yaml.tab": "indentation is made of spaces, not tabs",
  "yaml.document": "only one YAML document without `---` or `...` lines is allowed",
  "yaml.directive": "YAML directives are not allowed",
  "yaml.map": "the YAML must be a block map",
  "yaml.indent": "top-level keys start in the first column",
  "yaml.anchor": "YAML anchors are not allowed",
  "yaml.alias": "YAML aliases are not allowed",
  "yaml.merge": "YAML merge keys are not allowed",
  "yaml.tag": "YAML tags are not allowed",
  "yaml.duplicate_key": "a key may stand once in its map",
  "yaml.key": "keys must be text",
  "yaml.unsafe_key": "`__proto__`, `constructor` and `prototype` are not allowed as keys",
  "yaml.number": "numbers are written as in JSON, whole ones stay below 2^53",
  "yaml.character": "escapes for invisible, control and bidirectional characters are not allowed in values",
  "yaml.depth": "the YAML is nested too deeply",
  // --- signatures ---
  "signatures.last": "`signatures:` must be the last key",
  "signatures.line": "signature lines look like `  - {key: …, at: …, jws: …}`; run `jabber sign FILE` to write them",
  "signatures.count": "there are too many signatures",
  "signatures.duplicate": "a signer may sign once",
  "signatures.jws": "a signature is not a detached EdDSA JWS for this type of document",
  "signatures.display": "`key` and `at` must agree with the signature's own kid and iat",
  // --- fields ---
  "field.unknown": "the key is unknown here",
  "field.missing": "a key is missing",
  "field.type": "the value has the wrong type",
  "field.range": "the value is outside its range",
  "field.choice": "the value is not one of the choices",
  "field.reserved": "the value is reserved for a later version",
  "field.size": "the value is too large",
  "field.name": "a name has 1 to 63 small letters, digits, and single `.`, `_` or `-` between them",
  "field.cluster": "a cluster name has 1 to 63 letters, digits, `.`, `_` or `-` and starts with a letter or digit",
  "field.time": "a time is written `2027-11-20` or `2027-11-20T08:30:00Z`",
  "field.selector": "the selector cannot be read",
  "field.tags": "tags are a map of names to texts",
  "script.access": "access is a whole number from 0 to 4",
  "script.uses": "uses is a list of different command keys such as fs.tail",
  "order.kind": "the first thing a document says is its kind",
  "order.id": "an order's id is a ULID",
  "order.does": "does is `script:sha256-<64 hex digits>` or `command:<key>`",
  "order.window": "notAfter must be later than notBefore",
  "order.lifetime": "an order lives 30 days at most",
  "job.trigger": "the trigger is not one of now, start, connect, stop, disconnect, interval, cron with its fields",
  "job.cancelled": "a cancellation holds only kind, id, cluster, serial, cancelled: true and meta",
  "args.object": "args is a map",
  "args.keyword": "the schema keyword is not part of the supported subset for this type",
  "args.schema": "the argument schema contradicts itself or is malformed",
} as const satisfies Record<string, string>;

/** A row of the table. */
export type DocumentRule = keyof typeof DOCUMENT_RULES;

/** The refusal of a document. `line` counts from 1; `detail` quotes what stands there. */
export function malformed(rule: DocumentRule, line?: number, detail?: string): JabberError {
  const where = line === undefined ? "" : ` (line ${line})`;
  const what = detail === undefined ? "" : `: ${detail}`;
  return new JabberError("document.malformed", `${DOCUMENT_RULES[rule]}${what}${where}`, {
    rule,
    ...(line !== undefined && { line }),
  });
}

/** A document's own text inside an error message: short, and visible whatever it holds. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 64 ? `${text.slice(0, 61)}…` : text;
}
