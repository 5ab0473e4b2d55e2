import type { ErrorBody } from "../../base/errors.ts";

/** What a failed act says: the error and, where there is one, its next step. */
export function failure({ message, next }: Pick<ErrorBody, "message" | "next">): string {
  return next === undefined ? message : `${message}: ${next}`;
}
