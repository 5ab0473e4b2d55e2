/** The shapes of signed documents once they are read. Times are milliseconds since the Unix epoch, durations seconds. */
import type { Json, JsonObject } from "../../base/json.ts";
import type { Selector } from "../selector.ts";
import type { ArgsSchema } from "./args.ts";

/** The three documents that make an agent act. */
export type DocumentType = "script" | "order" | "job";

/** What a script may reach: 0 internal state, 1 host facts, 2 read host, 3 change host, 4 run programs; as in commands/. */
export type Access = 0 | 1 | 2 | 3 | 4;

/** One line of `signatures:`; its protected header was decoded and agrees with `key` and `at`. Not yet verified. */
export interface SignatureLine {
  /** RFC 7638 thumbprint of the signer's key; equals `kid`. */
  key: string;
  /** RFC 3339 in whole seconds, UTC; equals `iat`. Shown to people, never trusted for more than "not in the future". */
  at: string;
  /** Detached compact JWS: `header..signature`. */
  jws: string;
}

/** What every document has. */
export interface DocumentBytes {
  /** `sha256-<hex>` of the file bytes without the signature lines: signing, or signing again, does not change it. */
  hash: string;
  /** The whole file as it was given. */
  bytes: Uint8Array;
  /** `jabberwocky/<type>/v1\n` and the file bytes without the signature lines: the payload of every signature. */
  signedBytes: Uint8Array;
  signatures: SignatureLine[];
}

export interface ScriptHeader {
  name: string;
  /** A person's own count; means nothing to the product. */
  version?: number;
  access: Access;
  /** Command keys; the sandbox exposes nothing else. */
  uses: string[];
  /** open: whoever the server lets in may start it; ordered: needs a signed order. */
  start: "open" | "ordered";
  /** Tags the agent must carry. */
  tags: Record<string, string>;
  /** Must match as well; empty matches everything. */
  targets: Selector;
  expires?: number;
  args: ArgsSchema;
  metadata: JsonObject;
  /** Only in this cluster. */
  cluster?: string;
  language: "js" | "typescript";
}

/** What an order or job carries out: a script by its hash, or a command by its key. */
export type Does = { kind: "script"; hash: string } | { kind: "command"; key: string };

export interface OrderHeader {
  kind: "order";
  /** ULID; an agent carries out one id once (or again and again until `notAfter` with runs: many). */
  id: string;
  cluster: string;
  does: Does;
  args: JsonObject;
  selector: Selector;
  notBefore: number;
  /** At most 30 days after `notBefore`. */
  notAfter: number;
  runs: "once" | "many";
  timeoutSeconds?: number;
  /** Carried through to every record of every run. */
  meta?: Json;
}

export type Trigger =
  | { kind: "now" | "start" | "connect" | "stop" | "disconnect" }
  | { kind: "interval"; seconds: number }
  /** `zone` is an IANA time zone. */
  | { kind: "cron"; pattern: string; zone: string };

export interface JobOptions {
  timeoutSeconds?: number;
  killTree: boolean;
  /** Waits delay, delay × factor, … up to delayMax between tries. */
  retries: { times: number; delaySeconds: number; factor: number; delayMaxSeconds: number };
  jitterSeconds: number;
  overlap: "allow" | "forbid" | "replace";
  missed: "none" | "once" | "all";
  /** Agents at a time (a count, or percent of the matching agents) and the rest between waves. */
  waves?: { size: number; unit: "agents" | "percent"; pauseSeconds: number };
  /** Stop handing out after this many failed agents. */
  failuresMax?: number;
  /** match: every matching agent runs it, also late joiners; cluster: one agent does. */
  once: "match" | "cluster";
  /** What a cut-off half does; `skip` is reserved until there are leases. */
  partition: "run";
}

/** A job that runs. */
export interface ActiveJob {
  kind: "job";
  id: string;
  cluster: string;
  /** Rises with every change of the job; the highest one known counts. */
  serial: number;
  cancelled: false;
  does: Does;
  args: JsonObject;
  selector: Selector;
  trigger: Trigger;
  options: JobOptions;
  until: number;
  meta?: Json;
}

/** The end of a job. It has no `until`, since a cancellation that ran out would bring the job back. */
export interface CancelledJob {
  kind: "job";
  id: string;
  cluster: string;
  serial: number;
  cancelled: true;
  meta?: Json;
}

export type JobHeader = ActiveJob | CancelledJob;

export interface ScriptDocument extends DocumentBytes {
  type: "script";
  header: ScriptHeader;
  /** The text after the header. */
  body: string;
  /** The line of the file the body starts on, from 1, so that stack traces can name lines people see. */
  bodyLine: number;
}

export interface OrderDocument extends DocumentBytes {
  type: "order";
  header: OrderHeader;
}

export interface JobDocument extends DocumentBytes {
  type: "job";
  header: JobHeader;
}

export type SignedDocument = ScriptDocument | OrderDocument | JobDocument;
