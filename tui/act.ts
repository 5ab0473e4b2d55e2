/** What views have done with the operator's files and key: the driver does it, a view only says what. */
import type { JobRow } from "../server/core/jobs/schemas.ts";
import type { TargetPreview } from "../server/core/requests.ts";

export type Act =
  /** The text of a local file. */
  | { kind: "read"; path: string }
  /** Signs a script file with the author's key, in place, and pushes it. */
  | { kind: "pushScript"; path: string }
  /** A script or command; `words` are a selector and arguments. A dry run answers exactly who would be hit. */
  | { kind: "run"; does: string; words: string; dryRun: boolean }
  /** Signs a job file with the author's key when nobody has, and applies it; a dry run says what would change. */
  | { kind: "applyJob"; path: string; dryRun: boolean }
  /** Makes, signs and applies the cancellation. */
  | { kind: "cancelJob"; id: string };

/** What an act answers. */
export interface ActAnswers {
  read: { path: string; text: string };
  pushScript: { name: string; hash: string };
  run: { order: string; targets: readonly TargetPreview[]; selector: string };
  applyJob: {
    job: JobRow;
    change: "create" | "update" | "cancel" | "same";
    targets: readonly TargetPreview[];
    leaving: readonly TargetPreview[];
  };
  cancelJob: { id: string };
}

export type ActAnswer = { [K in Act["kind"]]: { kind: K } & ActAnswers[K] }[Act["kind"]];
