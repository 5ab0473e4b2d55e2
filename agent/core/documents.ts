/** What reads and judges signed documents and knows the calendar, in one piece: the core is handed it, so that an agent can load it late. */
import { matches, parseSelector } from "../../wire/selector.ts";
import {
  checkArgs,
  checkTarget,
  parseJob,
  parseOrder,
  parseScript,
  verifySignatures,
  verifyTrust,
} from "../../wire/sign/mod.ts";
import { nextTime } from "./jobs/calendar.ts";

export const DOCUMENTS = {
  checkArgs,
  checkTarget,
  matches,
  nextTime,
  parseJob,
  parseOrder,
  parseScript,
  parseSelector,
  verifySignatures,
  verifyTrust,
} as const;

export type Documents = typeof DOCUMENTS;
