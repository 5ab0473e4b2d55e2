/**
 * Where the parts of a file stand, byte-exact.
 *
 * ```
 * script     [#! line LF] "/*---" LF  YAML lines  [signature lines]  "---*" "/" (LF body | end of file)
 * order, job YAML lines  [signature lines]  end of file
 * signature lines   "signatures:" LF, then 1 to 16 times  "  - {key: …, at: …, jws: …}" LF
 * ```
 * The YAML that is read, the hash and the signed bytes are all made of the file without the signature lines, so what
 * a reader understands is exactly what was signed.
 */
import { LIMITS } from "../../base/limits.ts";
import { malformed, quoted } from "./rules.ts";
import { lineAt, tooLarge } from "./text.ts";
import type { DocumentType, SignatureLine } from "./types.ts";

export interface Frame {
  /** Up to the first signature line; for a script it starts with the fence. */
  head: string;
  /** Everything after the signature lines. */
  tail: string;
  /** The YAML without signature lines. */
  yaml: string;
  /** The line of the file, from 1, the YAML starts on. */
  yamlLine: number;
  signatures: SignatureLine[];
  /** The line of the file, from 1, the first signature stands on. */
  signatureLine: number;
  /** Script text after the header; empty for the other types. */
  body: string;
  /** The line of the file, from 1, the body starts on. */
  bodyLine: number;
}

const OPEN = "/*---\n";
const CLOSE = "---*/";
const SIGNATURES = "signatures:";
const SIGNATURES_KEY = /^signatures[ \t]*:/m;
const SIGNATURE_LINE =
  /^ {2}- \{key: ([A-Za-z0-9_-]{43}), at: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ), jws: ([A-Za-z0-9_-]{1,512}\.\.[A-Za-z0-9_-]{86})\}$/;

/** Finds the parts. Errors: `document.malformed` with a `header.*`, `signatures.*` or `bytes.*` rule, `document.too_large`. */
export function splitFile(text: string, type: DocumentType): Frame {
  const header = type === "script" ? findHeader(text) : wholeFile(text);
  const yaml = text.slice(header.start, header.end);
  const found = yaml.search(SIGNATURES_KEY);
  const cut = header.start + (found < 0 ? yaml.length : found);
  const signatureLine = lineAt(text, cut) + 1;
  return {
    head: text.slice(0, cut),
    tail: text.slice(header.end),
    yaml: text.slice(header.start, cut),
    yamlLine: lineAt(text, header.start),
    signatures: found < 0 ? [] : readSignatureLines(text.slice(cut, header.end), signatureLine),
    signatureLine,
    body: text.slice(header.bodyStart),
    bodyLine: lineAt(text, header.bodyStart),
  };
}

/** A file from its parts, with these signatures. */
export function joinFile(
  frame: Pick<Frame, "head" | "tail">,
  signatures: readonly SignatureLine[],
): Uint8Array<ArrayBuffer> {
  const lines = signatures.map(({ key, at, jws }) => `  - {key: ${key}, at: ${at}, jws: ${jws}}\n`);
  const block = lines.length === 0 ? "" : `${SIGNATURES}\n${lines.join("")}`;
  return new TextEncoder().encode(frame.head + block + frame.tail);
}

interface HeaderPlace {
  start: number;
  end: number;
  bodyStart: number;
}

function wholeFile(text: string): HeaderPlace {
  if (!text.endsWith("\n")) throw malformed("bytes.final_newline", lineAt(text, text.length));
  return { start: 0, end: text.length, bodyStart: text.length };
}

function findHeader(text: string): HeaderPlace {
  const open = text.startsWith("#!") ? text.indexOf("\n") + 1 : 0;
  if (!text.startsWith(OPEN, open)) {
    const later = text.search(/^\/\*---$/m);
    throw later < 0 ? malformed("header.missing", 1) : malformed("header.first", lineAt(text, later));
  }
  const start = open + OPEN.length;
  // What ends the comment for JavaScript ends the header for us: both see the same header.
  const close = text.indexOf("*/", start);
  if (close < 0) throw malformed("header.unclosed", lineAt(text, open));
  const end = text.lastIndexOf("\n", close) + 1;
  const after = close + 2;
  if (end < start || text.slice(end, after) !== CLOSE || (after < text.length && text[after] !== "\n")) {
    throw malformed("header.comment_end", lineAt(text, close));
  }
  const bytes = new TextEncoder().encode(text.slice(start, end)).length;
  if (bytes > LIMITS.headerBytesMax) throw tooLarge("header.size", bytes, LIMITS.headerBytesMax);
  const second = text.slice(start).search(/^[ \t]*\/\*---/m);
  if (second >= 0) throw malformed("header.second", lineAt(text, start + second));
  return { start, end, bodyStart: Math.min(after + 1, text.length) };
}

function readSignatureLines(block: string, firstLine: number): SignatureLine[] {
  const [key, ...lines] = block.slice(0, -1).split("\n");
  if (key !== SIGNATURES) throw malformed("signatures.line", firstLine - 1, quoted(key));
  if (lines.length === 0) throw malformed("signatures.line", firstLine - 1, "there is none");
  const signatures = lines.map((line, index) => {
    const [, key, at, jws] = SIGNATURE_LINE.exec(line) ?? [];
    if (key === undefined || at === undefined || jws === undefined) {
      const rule = /^[^\s#-]/.test(line) ? "signatures.last" : "signatures.line";
      throw malformed(rule, firstLine + index, quoted(line));
    }
    return { key, at, jws };
  });
  if (signatures.length > LIMITS.signaturesMax) {
    throw malformed("signatures.count", firstLine, `${signatures.length}, the limit is ${LIMITS.signaturesMax}`);
  }
  return signatures;
}
