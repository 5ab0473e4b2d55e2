/** How a program logs: the same keys in every program's configuration. */
import * as z from "zod/mini";
import { LOG_FORMATS, LOG_LEVELS } from "../log.ts";
import { withDefault } from "./table.ts";

export const LOG_KEYS = {
  "log.level": withDefault(z.enum(LOG_LEVELS), "info", {
    doc: "the least that is logged: error, warn, info, debug or trace",
    live: true,
    short: true,
    flag: { value: "LEVEL" },
  }),
  "log.format": withDefault(z.enum(LOG_FORMATS), "text", {
    doc: "lines for people (text) or for programs (json)",
    live: true,
    flag: { value: "FORMAT" },
  }),
} as const;
