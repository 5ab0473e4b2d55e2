/** Makes of an author's file the text that QuickJS reads: the body of an async function, on the lines people see. */
import type { ToSandbox } from "../threads/protocol.ts";
import type { Watch } from "./watch.ts";

/** The script's name in stack traces. */
export const SCRIPT_FILE = "script";

type Source = Pick<Extract<ToSandbox, { type: "run" }>, "source" | "language" | "line">;

/** @throws JabberError `script.syntax` for TypeScript that cannot be read; GuestEnded when that takes too long */
export async function wrapSource({ source, language, line = 1 }: Source, watch: Watch): Promise<string> {
  const text = source.startsWith("#!") ? `//${source.slice(2)}` : source;
  // Loaded only for those who need it: some 200 KB of code.
  const plain = language === "ts" ? (await import("./typescript.ts")).stripTypes(text, line, watch) : text;
  return `${"\n".repeat(Math.max(0, line - 1))}(async function () {${plain}\n})`;
}
