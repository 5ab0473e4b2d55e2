/** `log.error` … `log.trace`: one command for each level of the table. */
import * as z from "zod/mini";
import { LOG_LEVELS } from "../../base/log.ts";
import { type Command, defineCommand, type Emission, type Outcome } from "../command.ts";

const input = z.strictObject({ text: z.string().check(z.describe("One message; numbers and objects are refused")) });

/** In the order of the table. */
export const logCommands: readonly Command[] = LOG_LEVELS.map((level) =>
  defineCommand<z.infer<typeof input>>({
    key: `log.${level}`,
    access: 0,
    summary: `Write one line to the run's log at level ${level}`,
    input,
    output: z.never(),
    positional: ["text"],
    run: async function* (_host, { text }): AsyncGenerator<Emission, Outcome, void> {
      yield { kind: "log", body: { level, text } };
      return { ok: true };
    },
  })
);
