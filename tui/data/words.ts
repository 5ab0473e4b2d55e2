/** Splits a typed line into words as a shell does, without anything else a shell does. */
import { JabberError } from "../../base/errors.ts";

/** Quotes keep spaces; a backslash keeps the next character, also between double quotes. @throws `input.usage` */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === "\\" && quote !== "'") word = (word ?? "") + (line[++at] ?? "");
    else if (char === quote) quote = undefined;
    else if (quote !== undefined) word = (word ?? "") + char;
    else if (char === '"' || char === "'") [quote, word] = [char, word ?? ""];
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== undefined) throw new JabberError("input.usage", `the quote ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}
