/**
 * `jobs:` of an agent's configuration: jobs of the host's owner, signed by nobody. Their fields have the names and the
 * meaning of a signed job's; what only makes sense among several hosts is not there.
 */
import * as z from "zod/mini";
import { ERRORS, JabberError } from "../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { argsOf, doesOf, type Field, inner, mapOf, metaOf } from "../wire/sign/fields.ts";
import { jobIdOf, readOptions, readTrigger } from "../wire/sign/job.ts";
import type { Does, JobOptions, Trigger } from "../wire/sign/types.ts";

/** A job that stands in the agent's own configuration. */
export interface LocalJob {
  /** Unique in the file. */
  id: string;
  trigger: Trigger;
  does: Does;
  args: JsonObject;
  /** Without `waves`, `failures`, `once` and `partition`, which are about several hosts. */
  options: JobOptions;
  meta?: Json;
}

const KEYS = ["id", "trigger", "does", "args", "options", "meta"] as const;
const REQUIRED = ["id", "trigger", "does"] as const;
/** Options that a coordinator of several hosts keeps. */
const OTHERS_OPTIONS = ["waves", "failures", "once", "partition"] as const;

/** For editors; what is checked stands below. */
export const LOCAL_JOBS_JSON: JsonObject = {
  type: "array",
  items: {
    type: "object",
    properties: {
      id: { type: "string" },
      trigger: {
        type: "object",
        properties: {
          kind: { enum: ["now", "start", "connect", "stop", "disconnect", "interval", "cron"] },
          seconds: { type: "integer", minimum: 1 },
          pattern: { type: "string" },
          zone: { type: "string" },
        },
        required: ["kind"],
        additionalProperties: false,
      },
      does: { type: "string", pattern: "^(command:|script:sha256-)" },
      args: { type: "object" },
      options: { type: "object" },
      meta: {},
    },
    required: [...REQUIRED],
    additionalProperties: false,
  },
};

/** The value of `jobs`; every faulty job is a fault of its own. */
export const localJobs: z.ZodMiniType<LocalJob[]> = z.pipe(
  z.array(z.unknown()).check(z.maxLength(LIMITS.jobsPerAgentMax)),
  z.transform((list: unknown[], context) => {
    const seen = new Set<string>();
    return list.flatMap((value, index): LocalJob[] => {
      try {
        const job = readJob(value);
        if (seen.has(job.id)) {
          throw new JabberError("document.malformed", `"id" is ${JSON.stringify(job.id)} once more`);
        }
        seen.add(job.id);
        return [job];
      } catch (cause) {
        if (!(cause instanceof JabberError)) throw cause;
        const prefix = ERRORS[cause.code].message;
        const message = cause.message.slice(prefix.length + 2);
        context.issues.push({ code: "custom", message, path: [index], input: value });
        return [];
      }
    });
  }),
);

function readJob(value: unknown): LocalJob {
  const at: Field = { name: "job", line: undefined, value: value as Json };
  const map = mapOf(at, KEYS);
  const field = (key: typeof KEYS[number]): Field => ({ ...inner(at, map, key), name: key });
  for (const key of REQUIRED) {
    if (!Object.hasOwn(map, key)) throw new JabberError("document.malformed", `a key is missing: "${key}"`);
  }
  const options = field("options");
  for (const key of OTHERS_OPTIONS) {
    if (isJsonObject(options.value) && Object.hasOwn(options.value, key)) {
      throw new JabberError("document.malformed", `"options.${key}" is for signed jobs, which several hosts share`);
    }
  }
  return {
    id: jobIdOf(field("id")),
    trigger: readTrigger(field("trigger")),
    does: doesOf(field("does")),
    args: argsOf(field("args")),
    options: readOptions(options),
    ...(Object.hasOwn(map, "meta") && { meta: metaOf(field("meta")) }),
  };
}
