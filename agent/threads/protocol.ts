/**
 * What the agent's threads say to each other.
 *
 *   main      reads the policy, opens the spool, starts the executor, gives up every permission but the network,
 *             and becomes the link: connection, orders, scheduler, spool.
 *   executor  holds the policy's read, run, net and sys permissions, nothing else. Every command passes through its port.
 *   sandbox   permissions "none"; started when the first script runs. Each script is a QuickJS instance.
 *
 * Each script run gets its own MessagePort between sandbox and executor. What may pass there (uses, access) the executor
 * learned from main, never from the sandbox, so a forged port message can use nothing its own run may not use.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { Access, Emission, Outcome } from "../../commands/command.ts";
import type { KvEntry } from "../../commands/host.ts";
import type { AgentPolicy } from "../policy/policy.ts";

/** What one run may do; decided by main from signed text and policy. */
export interface Grant {
  run: string;
  /** Command keys. */
  uses: string[];
  access: Access;
}

/** The first message to the executor. */
export interface ExecutorInit {
  type: "init";
  policy: AgentPolicy;
  /** The configuration's file, which holds the policy: the executor watches it, and main judges what it holds. */
  policyFile: string | null;
  version: string;
  /** Keys of the tags that no script sets: the owner's, and the program's own. */
  ownTags: string[];
}

/** What the executor asks of the key-value store, which main holds. */
export type KvAsk =
  | { op: "get"; key: string }
  | { op: "set"; key: string; value: Json; ifVersion?: number }
  | { op: "delete"; key: string; ifVersion?: number }
  | { op: "list"; prefix: string; after: string; limit: number };

/** The answer to each; what it tells is on disk. */
export type KvAnswer =
  | { entry: KvEntry | null }
  | { version: number }
  | { deleted: boolean }
  | { keys: string[] }
  | { error: ErrorBody };

export type ToExecutor =
  | ExecutorInit
  /** Run one command as a whole run (a bare command, no script). */
  | { type: "start"; grant: Grant; command: string; args: JsonObject; timeoutMs: number }
  /** Serve a script's host calls on `port` until `close`. */
  | { type: "open"; grant: Grant; port: MessagePort }
  | { type: "close"; run: string }
  /** End the run's programs and calls. */
  | { type: "cancel"; run: string; reason: string }
  /** More output of this run may be sent: characters of JSON text, see LIMITS.runCreditBytes. */
  | { type: "credit"; run: string; bytes: number }
  | { type: "kvAnswer"; id: number; answer: KvAnswer }
  /** Tell what the configuration's file holds now. */
  | { type: "readConfig" }
  | { type: "ping"; id: number };

export type FromExecutor =
  | { type: "ready" }
  /** One emission; `bytes` is its size as JSON text and was taken from the run's credit. */
  | { type: "emission"; run: string; emission: Emission; bytes: number }
  /** For `start` only: the command is over and all its emissions were sent before. */
  | { type: "ended"; run: string; outcome: Outcome; error?: ErrorBody }
  /** Something an auditor wants to see: a refusal by policy, a program started. */
  | { type: "audit"; run: string; action: string; detail: JsonObject }
  /** Answered by `kvAnswer`; by which run, main need not know. */
  | { type: "kv"; id: number; ask: KvAsk }
  /** The configuration's file has another content, or main asked; `null` when it cannot be read. */
  | { type: "configText"; text: string | null }
  | { type: "pong"; id: number };

export interface ScriptLimits {
  memoryBytes: number;
  stackBytes: number;
  /** One uninterrupted stretch of script code. */
  busyMs: number;
  callsInFlight: number;
  callBytes: number;
}

/** One command as a script sees it. */
export interface ScriptUse {
  key: string;
  /** Input names that may be given by position. */
  positional: readonly string[];
  /** All input names: tells an object of named arguments from an object given by position. */
  names?: readonly string[];
  /** Those of `positional` that take any JSON: behind others, an object in their place is always the value itself. */
  anyJson?: readonly string[];
}

export type ToSandbox =
  | {
    type: "run";
    run: string;
    /** JavaScript or TypeScript; the header is a comment and may be missing. */
    source: string;
    /** The line of the author's file that `source` starts on, from 1; absent: 1. */
    line?: number;
    language: "js" | "ts";
    args: JsonObject;
    /** What the script sees as `category.name(…)`. */
    uses: ScriptUse[];
    timeoutMs: number;
    limits: ScriptLimits;
    port: MessagePort;
    /**
     * Four bytes as an Int32Array: storing 1 cancels the run even while it computes. Without it a `cancel` message is
     * read when the script next gives way, after `busyMs` at the latest.
     */
    cancelFlag?: SharedArrayBuffer;
  }
  | { type: "cancel"; run: string; reason: string };

export type FromSandbox =
  | { type: "ready" }
  | { type: "ended"; run: string; ok: boolean; result?: Json; error?: ErrorBody };

/** On a script's own port, sandbox → executor. */
export interface HostCall {
  /** Chosen by the sandbox, unique within the run. */
  call: number;
  command: string;
  args: JsonObject;
  /** The script passed a callback: every `output` body goes to it, and not into the run's records. */
  stream: boolean;
  /** Items that may be under way before the sandbox takes some (`HostTaken`). Absent: no bound on this side. */
  window?: number;
}

/** On a script's own port, sandbox → executor: the script has handled `taken` more items of a call with a `window`. */
export interface HostTaken {
  call: number;
  taken: number;
}

/** On a script's own port, executor → sandbox. */
export type HostAnswer =
  | { call: number; type: "item"; body: JsonObject }
  | { call: number; type: "done"; outcome: Outcome }
  | { call: number; type: "failed"; error: ErrorBody };
