/**
 * How many columns a text takes in a terminal. Almost every text is plain ASCII; what measures the others takes 19 ms to
 * load (docs/decisions/0024), so that is done for the first text that needs it.
 */
// deno-lint-ignore no-control-regex -- all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/;

export type Measure = (text: string) => number;

/** What measures these texts. */
export async function measureFor(texts: Iterable<string>): Promise<Measure> {
  for (const text of texts) if (!ASCII.test(text)) return (await import("./width_wide.ts")).wideWidth;
  return (text) => text.length;
}
