/**
 * Keys and stream names as SQLite text. They are opaque and ordered by UTF-16 code units, SQLite compares UTF-8 bytes
 * and its readers stop at NUL; so the few units for which that differs are mapped, in order and reversibly:
 * NUL → 01 01, U+0001 → 01 02, each unit ≥ U+D800 → one code point of plane 15. All other text stays as it is.
 */
// deno-lint-ignore no-control-regex -- the two control characters are what the mapping is about
const ODD = /[\0\x01\ud800-\uffff]/;
const FIRST_HIGH = 0xd800;
const PLANE = 0xf0000;

/** Sorts after every key: no key holds this code point once it is encoded. */
export const AFTER_ALL_KEYS = "\u{10ffff}";

export function encodeKey(key: string): string {
  if (!ODD.test(key)) return key;
  let text = "";
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit === 0) text += "\x01\x01";
    else if (unit === 1) text += "\x01\x02";
    else if (unit >= FIRST_HIGH) text += String.fromCodePoint(PLANE + unit - FIRST_HIGH);
    else text += key[i];
  }
  return text;
}

export function decodeKey(text: string): string {
  if (!ODD.test(text)) return text;
  let key = "";
  let escaped = false;
  for (const symbol of text) {
    const point = symbol.codePointAt(0)!;
    if (escaped) {
      key += point === 1 ? "\0" : "\x01";
      escaped = false;
    } else if (point === 1) escaped = true;
    else key += point >= PLANE ? String.fromCharCode(point - PLANE + FIRST_HIGH) : symbol;
  }
  return key;
}

/** The bounds of a row query in encoded keys: at or after `low`, before `high`. */
export function keyBounds(query: { prefix?: string; after?: string; before?: string }): { low: string; high: string } {
  const prefix = encodeKey(query.prefix ?? "");
  // The next key after K is K + NUL.
  const after = query.after === undefined ? "" : encodeKey(query.after + "\0");
  const end = prefix + AFTER_ALL_KEYS;
  const before = query.before === undefined ? end : encodeKey(query.before);
  return { low: after > prefix ? after : prefix, high: before < end ? before : end };
}
