/**
 * The first words of the command line, in the order of the help text. What stands behind a word is loaded when that word
 * is typed: most of a short command's time is the loading of code (docs/decisions/0024).
 */
import type { Register } from "./verb.ts";

export interface Noun {
  name: string;
  /** One line in the list of all; the verb's own help says more. */
  summary: string;
  hidden?: true;
  load(): Promise<Register>;
}

export const NOUNS: readonly Noun[] = [
  {
    name: "keygen",
    summary: "Makes your author key.",
    load: async () => (await import("./keygen.ts")).keygenVerb,
  },
  {
    name: "init",
    summary: "Makes a cluster: CA, keys, first user, join token, the first server's configuration.",
    load: async () => (await import("./init.ts")).initVerb,
  },
  {
    name: "login",
    summary: "Signs in at a server and makes it the current context.",
    load: async () => (await import("./login.ts")).loginVerb,
  },
  {
    name: "context",
    summary: "The servers you are signed in at: list, choose, show, forget.",
    load: async () => (await import("./context.ts")).contextVerbs,
  },
  {
    name: "sign",
    summary: "Signs script files and pushes them: `script sign --push`.",
    load: async () => (await import("./script.ts")).signVerb,
  },
  {
    name: "script",
    summary: "Signed scripts: sign, push, look at them.",
    load: async () => (await import("./script.ts")).scriptVerbs,
  },
  {
    name: "run",
    summary: "Runs a script or command on many agents; also: run ls, show, attach, cancel.",
    load: async () => (await import("./run/verbs.ts")).runVerbs,
  },
  {
    name: "job",
    summary: "Signed jobs: what agents do again and again, also while no server is there.",
    load: async () => (await import("./job.ts")).jobVerbs,
  },
  {
    name: "agent",
    summary: "The fleet: who is there, who waits to be let in.",
    load: async () => (await import("./agent.ts")).agentVerbs,
  },
  {
    name: "server",
    summary: "The servers of the cluster: who is there, joining, the keys of their gossip.",
    load: async () => (await import("./server.ts")).serverVerbs,
  },
  {
    name: "fact",
    summary: "Small texts that servers tell each other by gossip.",
    load: async () => (await import("./fact.ts")).factVerbs,
  },
  {
    name: "gossip",
    summary: "What servers say to each other, message by message.",
    load: async () => (await import("./gossip.ts")).gossipVerbs,
  },
  {
    name: "logs",
    summary: "Prints a stream from a stable offset: an agent's own events, or the output of one run.",
    load: async () => (await import("./logs.ts")).logsVerb,
  },
  {
    name: "firehose",
    summary: "Everything that agents say and that happens on the server, live.",
    load: async () => (await import("./firehose.ts")).firehoseVerb,
  },
  {
    name: "history",
    summary: "Who did what: pushes, runs, approvals, refusals, logins.",
    load: async () => (await import("./history.ts")).historyVerb,
  },
  {
    name: "types",
    summary: "Prints the declarations (.d.ts) of what a script sees, for editors and type checkers.",
    load: async () => (await import("./types.ts")).typesVerb,
  },
  {
    name: "config",
    summary: "Configuration files: check one, show where each value comes from, schema for editors.",
    load: async () => (await import("./config.ts")).configVerbs,
  },
  {
    name: "doctor",
    summary: "Checks what this command needs: key, context, CA, server, clock, credentials.",
    load: async () => (await import("./doctor.ts")).doctorVerb,
  },
  {
    name: "completion",
    summary: "Prints the completion script of bash, zsh or fish.",
    load: async () => (await import("./completion.ts")).completionVerb,
  },
  {
    name: "version",
    summary: "Prints the version and what this program may do on this machine.",
    load: async () => (await import("./version.ts")).versionVerb,
  },
  {
    name: "__complete",
    summary: "What the shells ask at every TAB.",
    hidden: true,
    load: async () => (await import("./completion.ts")).completeVerb,
  },
];
