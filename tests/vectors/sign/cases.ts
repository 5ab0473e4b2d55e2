/** What the vectors are made of: good texts, and for each rule of the format a text that breaks that one rule. */
import { LIMITS } from "../../../base/limits.ts";
import type { DocumentRule, DocumentType } from "../../../wire/sign/mod.ts";

export const SCRIPT_HEADER = `name: disk-report
access: 2                       # read host
uses: [fs.tail, output.emit]
tags: {os: linux}
targets: env!=prod
expires: 2027-11-20
args:
  properties:
    path: {type: string, maxLength: 4096, default: /var/log/syslog}
    lines: {type: integer, minimum: 1, maximum: 1000}
  required: [lines]
metadata: {owner: storage, note: "größer, 大きい"}
`;
export const BODY = "fs.tail(args.path, (line) => output.emit({ line }));\n";
export const ORDER = `# restart the web tier, ticket 4711
kind: order
id: 01KADQ3ZJ8V4M9T5W2X7Y0ABCD
cluster: lab
does: command:service.restart
args: {unit: nginx.service, tries: 3, ratio: 0.5}
selector: role in (web,edge),!canary
notBefore: 2026-11-20T10:00:00Z
notAfter: 2026-11-27T10:00:00Z
runs: once
timeout: 120
meta: {ticket: 4711}
`;
export const JOB = `kind: job
id: nightly-report
cluster: lab
serial: 3
does: script:sha256-${"0123456789abcdef".repeat(4)}
args: {lines: 20}
selector: os=linux
trigger: {kind: cron, pattern: "0 3 * * *", zone: Europe/Berlin}
options:
  timeout: 600
  retries: {times: 2, delay: 5}
  overlap: forbid
  missed: once
  waves: {size: 10%, pause: 30}
  failures: 3
until: 2027-06-01
meta: {owner: storage}
`;
export const CANCELLED = `kind: job
id: nightly-report
cluster: lab
serial: 4
cancelled: true
`;

export interface RefusedCase {
  rule: DocumentRule | "file.size" | "header.size";
  type: DocumentType;
  /** Text, or bytes that are no text. */
  file: string | Uint8Array;
  /** Tells two cases of one rule apart. */
  variant?: string;
}

/** A script with this header and body. */
export function script(header: string, body = BODY): string {
  return `/*---\n${header}---*/\n${body}`;
}

const MINIMAL = "name: a\naccess: 0\nuses: []\n";
const minimal = (more: string) => script(MINIMAL + more);
const order = (from: string, to: string) => replaced(ORDER, from, to);
const job = (from: string, to: string) => replaced(JOB, from, to);
const header = (from: string, to: string) => script(replaced(SCRIPT_HEADER, from, to));

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`"${from}" does not stand in the text`);
  return text.replace(from, () => to);
}

const BYTE_CASES: RefusedCase[] = [
  { rule: "bytes.utf8", type: "script", file: Uint8Array.of(0x2f, 0x2a, 0x2d, 0x2d, 0x2d, 0x0a, 0xc0, 0xaf, 0x0a) },
  {
    rule: "bytes.utf8",
    type: "order",
    variant: "surrogate",
    file: Uint8Array.of(0x61, 0x3a, 0x20, 0xed, 0xa0, 0x80, 0x0a),
  },
  { rule: "bytes.bom", type: "script", file: `\ufeff${script(MINIMAL)}` },
  { rule: "bytes.bom", type: "order", variant: "inside", file: order("nginx", "ng\ufeffinx") },
  { rule: "bytes.cr", type: "script", file: script(MINIMAL, "a();\r\n") },
  { rule: "bytes.cr", type: "order", variant: "all_lines", file: ORDER.replaceAll("\n", "\r\n") },
  { rule: "bytes.nul", type: "script", file: script(MINIMAL, 'a("\0");\n') },
  {
    rule: "bytes.invisible",
    type: "script",
    variant: "bidi",
    file: script(MINIMAL, "if (admin) { /*\u202e } \u2066*/\n"),
  },
  { rule: "bytes.invisible", type: "script", variant: "zero_width", file: script(MINIMAL, "fs\u200b.tail();\n") },
  {
    rule: "bytes.invisible",
    type: "script",
    variant: "line_separator",
    file: script(MINIMAL, "// note\u2028run();\n"),
  },
  { rule: "bytes.invisible", type: "order", variant: "escape", file: order("nginx", "ng\x1b[2Jinx") },
  { rule: "bytes.invisible", type: "job", variant: "tag_character", file: job("storage", "sto\u{e0041}rage") },
  { rule: "bytes.invisible", type: "job", variant: "c1_control", file: job("storage", "sto\x85rage") },
  { rule: "bytes.final_newline", type: "order", file: ORDER.slice(0, -1) },
  { rule: "file.size", type: "order", file: `${ORDER}#${"x".repeat(LIMITS.orderBytesMax)}\n` },
  { rule: "header.size", type: "script", file: minimal(`#${"x".repeat(LIMITS.headerBytesMax)}\n`) },
];

const HEADER_CASES: RefusedCase[] = [
  { rule: "header.missing", type: "script", file: BODY },
  { rule: "header.missing", type: "script", variant: "indented_fence", file: "/*--- \nname: a\n---*/\n" },
  { rule: "header.first", type: "script", variant: "text", file: `'use strict';\n${script(MINIMAL)}` },
  { rule: "header.first", type: "script", variant: "blank_line", file: `\n${script(MINIMAL)}` },
  { rule: "header.first", type: "script", variant: "two_lines", file: `#!/usr/bin/env jabber\n\n${script(MINIMAL)}` },
  { rule: "header.unclosed", type: "script", file: `/*---\n${MINIMAL}` },
  { rule: "header.comment_end", type: "script", variant: "comment", file: minimal("# a */ run();\n") },
  { rule: "header.comment_end", type: "script", variant: "in_value", file: minimal('metadata: {a: "---*/"}\n') },
  { rule: "header.comment_end", type: "script", variant: "indented", file: `/*---\n${MINIMAL}  ---*/\n${BODY}` },
  { rule: "header.comment_end", type: "script", variant: "code_behind", file: `/*---\n${MINIMAL}---*/ run();\n` },
  { rule: "header.second", type: "script", file: script(MINIMAL, script("name: b\naccess: 4\nuses: []\n")) },
  { rule: "header.second", type: "script", variant: "inside", file: `/*---\n/*---\n${MINIMAL}---*/\n${BODY}` },
];

const YAML_CASES: RefusedCase[] = [
  { rule: "yaml.syntax", type: "script", file: minimal("metadata: {a: 1\n") },
  { rule: "yaml.syntax", type: "order", variant: "open_quote", file: order("meta: {ticket: 4711}", "meta: 'x") },
  { rule: "yaml.tab", type: "script", file: minimal("metadata:\n\ta: 1\n") },
  { rule: "yaml.document", type: "order", file: `${ORDER}---\nkind: order\n` },
  { rule: "yaml.document", type: "job", variant: "leading", file: `---\n${JOB}` },
  { rule: "yaml.document", type: "job", variant: "end", file: `${JOB}...\n` },
  { rule: "yaml.directive", type: "order", file: `%YAML 1.1\n---\n${ORDER}` },
  { rule: "yaml.map", type: "script", file: script("- name: a\n") },
  { rule: "yaml.map", type: "script", variant: "flow", file: script("{name: a, access: 0, uses: []}\n") },
  { rule: "yaml.map", type: "order", variant: "empty", file: "\n" },
  { rule: "yaml.indent", type: "script", file: script("  name: a\n  access: 0\n  uses: []\n") },
  { rule: "yaml.anchor", type: "script", file: minimal("metadata: &m {a: 1}\n") },
  { rule: "yaml.anchor", type: "script", variant: "key", file: minimal("metadata: {&k a: 1}\n") },
  { rule: "yaml.alias", type: "order", file: order("meta: {ticket: 4711}", "meta: *m") },
  { rule: "yaml.merge", type: "job", file: job("{owner: storage}", "{<<: {a: 1}}") },
  { rule: "yaml.tag", type: "order", file: order("ticket: 4711", "ticket: !!str 4711") },
  { rule: "yaml.tag", type: "order", variant: "own", file: order("ticket: 4711", "ticket: !run 4711") },
  { rule: "yaml.tag", type: "order", variant: "map", file: order("{ticket: 4711}", "!!map {ticket: 4711}") },
  { rule: "yaml.duplicate_key", type: "script", file: minimal("access: 4\n") },
  {
    rule: "yaml.duplicate_key",
    type: "order",
    variant: "quoted",
    file: order("ticket: 4711", 'ticket: 4711, "ticket": 1'),
  },
  { rule: "yaml.key", type: "order", file: order("ticket: 4711", "4711: ticket") },
  { rule: "yaml.key", type: "order", variant: "sequence", file: order("ticket: 4711", "? [a] : b") },
  { rule: "yaml.key", type: "order", variant: "null", file: order("ticket: 4711", "null: b") },
  {
    rule: "yaml.unsafe_key",
    type: "script",
    variant: "proto",
    file: minimal("metadata: {__proto__: {admin: true}}\n"),
  },
  { rule: "yaml.unsafe_key", type: "order", variant: "constructor", file: order("unit: nginx", "constructor: nginx") },
  { rule: "yaml.unsafe_key", type: "order", variant: "prototype", file: order("unit: nginx", "prototype: nginx") },
  { rule: "yaml.unsafe_key", type: "job", variant: "escaped", file: job("owner:", '"\\u005f_proto__":') },
  { rule: "yaml.number", type: "order", variant: "octal", file: order("tries: 3", "tries: 0o17") },
  { rule: "yaml.number", type: "order", variant: "leading_zero", file: order("tries: 3", "tries: 017") },
  { rule: "yaml.number", type: "order", variant: "infinite", file: order("tries: 3", "tries: .inf") },
  { rule: "yaml.number", type: "order", variant: "rounded", file: order("tries: 3", "tries: 9007199254740993") },
  { rule: "yaml.character", type: "order", file: order("nginx.service", '"ng\\u202einx"') },
  { rule: "yaml.character", type: "order", variant: "surrogate", file: order("nginx.service", '"ng\\ud800inx"') },
  { rule: "yaml.depth", type: "job", file: job("{owner: storage}", "[".repeat(40) + "]".repeat(40)) },
  { rule: "yaml.depth", type: "job", variant: "stack", file: `a: ${"[".repeat(30_000)}${"]".repeat(30_000)}\n` },
];

const FIELD_CASES: RefusedCase[] = [
  { rule: "field.unknown", type: "script", file: minimal("acess: 4\n") },
  { rule: "field.unknown", type: "job", variant: "option", file: job("missed: once", "misssed: once") },
  { rule: "field.missing", type: "script", file: script("name: a\nuses: []\n") },
  {
    rule: "field.missing",
    type: "order",
    variant: "selector",
    file: order("selector: role in (web,edge),!canary\n", ""),
  },
  { rule: "field.missing", type: "job", variant: "until", file: job("until: 2027-06-01\n", "") },
  { rule: "field.type", type: "script", file: minimal("metadata: [a]\n") },
  { rule: "field.type", type: "order", variant: "timeout", file: order("timeout: 120", 'timeout: "120"') },
  { rule: "field.range", type: "order", file: order("timeout: 120", "timeout: 0") },
  { rule: "field.choice", type: "script", file: minimal("start: yes\n") },
  { rule: "field.choice", type: "order", variant: "runs", file: order("runs: once", "runs: twice") },
  { rule: "field.reserved", type: "job", file: job("failures: 3", "partition: skip") },
  { rule: "field.size", type: "order", file: order("ticket: 4711", `ticket: ${"x".repeat(LIMITS.metaBytesMax)}`) },
  { rule: "field.name", type: "script", variant: "path", file: header("disk-report", "../disk-report") },
  { rule: "field.name", type: "script", variant: "capital", file: header("disk-report", "Disk-report") },
  { rule: "field.name", type: "job", variant: "device", file: job("nightly-report", "com1.txt") },
  { rule: "field.cluster", type: "order", file: order("cluster: lab", "cluster: lab/x") },
  { rule: "field.time", type: "script", file: header("2027-11-20", "2027-02-30") },
  { rule: "field.time", type: "order", variant: "offset", file: order("11-20T10:00:00Z", "11-20T10:00:00+01:00") },
  { rule: "field.selector", type: "order", file: order("role in (web,edge)", "role in (web") },
  { rule: "field.tags", type: "script", file: header("{os: linux}", "{os: 1}") },
  { rule: "script.access", type: "script", file: header("access: 2", "access: 5") },
  { rule: "script.access", type: "script", variant: "text", file: header("access: 2", "access: two") },
  { rule: "script.uses", type: "script", file: header("fs.tail,", "fs,") },
  { rule: "script.uses", type: "script", variant: "not_a_list", file: header("[fs.tail, output.emit]", "fs.tail") },
  { rule: "script.uses", type: "script", variant: "twice", file: header("output.emit", "fs.tail") },
  { rule: "order.kind", type: "order", file: JOB },
  { rule: "order.kind", type: "job", variant: "job", file: ORDER },
  { rule: "order.id", type: "order", file: order("01KADQ3ZJ8V4M9T5W2X7Y0ABCD", "81KADQ3ZJ8V4M9T5W2X7Y0ABCD") },
  { rule: "order.does", type: "order", file: order("command:service.restart", "service.restart") },
  { rule: "order.does", type: "job", variant: "short_hash", file: job("0123456789abcdef", "") },
  { rule: "order.window", type: "order", file: order("notAfter: 2026-11-27", "notAfter: 2026-11-20") },
  { rule: "order.lifetime", type: "order", file: order("notAfter: 2026-11-27", "notAfter: 2026-12-21") },
  { rule: "job.trigger", type: "job", file: job("0 3 * * *", "0 3 * *") },
  { rule: "job.trigger", type: "job", variant: "unknown", file: job("kind: cron", "kind: full-moon") },
  { rule: "job.cancelled", type: "job", file: `${CANCELLED}until: 2027-01-01\n` },
  { rule: "job.cancelled", type: "job", variant: "false", file: CANCELLED.replace("true", "false") },
  { rule: "args.object", type: "order", file: order("{unit: nginx.service, tries: 3, ratio: 0.5}", "[nginx]") },
  { rule: "args.keyword", type: "script", variant: "pattern", file: header("maxLength: 4096", 'pattern: "^(a+)+$"') },
  {
    rule: "args.keyword",
    type: "script",
    variant: "reference",
    file: header("type: string", 'type: string, $ref: "#"'),
  },
  { rule: "args.schema", type: "script", file: header("minimum: 1,", "minimum: 2000,") },
  { rule: "args.schema", type: "script", variant: "required", file: header("[lines]", "[line]") },
  { rule: "args.schema", type: "script", variant: "default", file: header("default: /var/log/syslog", "default: 1") },
];

/** Every case that needs no signature. */
export const REFUSED: readonly RefusedCase[] = [...BYTE_CASES, ...HEADER_CASES, ...YAML_CASES, ...FIELD_CASES];
