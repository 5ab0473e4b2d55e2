/** The agent: its core and spool, its scripts, and the commands it performs. */
export const AGENT_LIMITS = {
  // --- agent ---
  /** Unacknowledged and retained records on an agent's disk. */
  spoolBytesMax: 1024 * 1024 * 1024,
  retainBytesMax: 64 * 1024 * 1024,
  retainMsMax: 24 * 3600_000,
  /** Sent but not yet acknowledged on one socket. */
  windowBytesMax: 4 * 1024 * 1024,
  /** Output of one run between executor and spool: past it the program blocks on its pipe. */
  runCreditBytes: 256 * 1024,
  runsAtOnceMax: 64,
  runsQueuedMax: 1024,
  runDefaultTimeoutMs: 3600_000,
  /** Order ids remembered; each until its notAfter. */
  seenOrdersMax: 100_000,
  /** Past so many only signed orders are taken: a server that invents unsigned ones must not use up every place. */
  seenUnsignedMax: 50_000,
  backoffMinMs: 500,
  backoffMaxMs: 60_000,
  connectTimeoutMs: 10_000,
  aliveEveryMs: 30_000,
  /** A sign of life that is answered later was not measured: by then the connection is given up. */
  rttMsMax: 90_000,
  /** A connection must hold READY so long before the backoff starts again from its least. */
  steadyMs: 10_000,
  /** Redirects an agent follows in a minute; then it stays where it is. */
  redirectsPerMinuteMax: 3,
  /** Server URLs an agent remembers. */
  serversRememberedMax: 100,
  /** Handed to the socket and not yet written by it. */
  socketBytesMax: 1024 * 1024,
  /** Unsent records an agent keeps in memory; past it they are read back from disk. */
  spoolMemoryBytesMax: 1024 * 1024,
  /** Fetched scripts kept on an agent, all together. */
  scriptCacheBytesMax: 4 * 1024 * 1024,
  /** The auditor's rows on an agent; the oldest go first. */
  historyRowsMax: 5000,
  /** Refused orders remembered, so that an answer stays what it was; the oldest go first. */
  refusalsRememberedMax: 10_000,
  /** Seen orders are kept so long past their notAfter, for clocks that step. */
  seenOrdersGraceMs: 3600_000,
  /** The sandbox is let go when no script ran for so long. */
  sandboxIdleMs: 60_000,
  /** A thread is asked for a sign of life so often, and is a fault when it gives none for so long. */
  threadPingEveryMs: 10_000,
  threadStallMs: 30_000,
  /** What an agent that ends for a fault or a changed policy may still hand over. */
  faultDrainMs: 2000,
  /** How long running work may go on after SIGTERM. */
  drainMs: 25_000,
  /** A run that does not end by itself so long after its timeout is cancelled, and so long after that declared over. */
  runGraceMs: 10_000,
  // --- sandbox ---
  sandboxMemoryBytes: 64 * 1024 * 1024,
  /** What all scripts together grow by: eight at their own bound, or sixty-four of ordinary size. */
  sandboxMemoryTogetherBytes: 512 * 1024 * 1024,
  /** The interpreter's own count; V8's stack, on which it stands, gives out at some 300 KiB. */
  sandboxStackBytes: 256 * 1024,
  /** A script gives way to the others after so much work, where it can. */
  sandboxSliceMs: 10,
  /** One line of `print`; the rest is cut off. */
  sandboxPrintCharsMax: 16 * 1024,
  /** An uncaught error's message and stack, each. */
  sandboxErrorCharsMax: 2 * 1024,
  /** The types are taken out by a program with some 200 bytes of memory for a byte of text. */
  sandboxTypeScriptCharsMax: 256 * 1024,
  /** Items of one call on their way to a script's callback. */
  sandboxItemsWindow: 32,
  /** One uninterrupted stretch of script code; waiting for a host call does not count. */
  sandboxBusyMsMax: 10_000,
  hostCallsInFlightMax: 64,
  hostCallBytesMax: 1024 * 1024,
  /** Nesting of a host call's arguments. */
  hostCallDepthMax: 32,
  /** Refusals of one run that reach the auditor one by one; the rest is told as a number. */
  refusalsAuditedMax: 20,
  /** Malformed messages on one script's port; past it the run is ended. */
  hostCallsMalformedMax: 100,
  // --- executor ---
  /** One emission's JSON text: leaves room for meta, tags and the envelope within `recordBytesMax`. */
  emissionBytesMax: 32 * 1024,
  /** Bytes of a program's output in one emission. */
  outputChunkBytesMax: 16 * 1024,
  /** `fs.read` at once. */
  readFileBytesMax: 1024 * 1024,
  /** Entries of one `fs.list`, and how deep it goes; its answer always fits a record. */
  listEntriesMax: 1000,
  listDepthMax: 16,
  listAnswerCharsMax: 24 * 1024,
  /** A folder's own size, as the system tells it: the runtime reads all names at once, a few hundred thousand here. */
  listFolderBytesMax: 16 * 1024 * 1024,
  /** `fs.tail`: lines from the end, and how far back they are looked for. */
  tailLinesMax: 10_000,
  tailBackBytesMax: 16 * 1024 * 1024,
  /** One line of a tail; longer ones come in parts. */
  tailLineBytesMax: 16 * 1024,
  /** Files that commands of all runs hold open at once: the agent's own files and sockets need some of what is left. */
  filesOpenMax: 256,
  /** Bytes of a followed file read at once. */
  tailChunkBytes: 64 * 1024,
  /** A followed file is looked at so often, whatever the system tells of changes: network file systems tell nothing. */
  tailPollMs: 500,
  /** Half a line at the end of a file is said when nothing came for so long. */
  tailHalfLineMs: 2000,
  /** A file that was renamed away is read until it was quiet for so long: its writer may not know yet. */
  tailRotatedMs: 1500,
  /** Watches on the system at once; a user may have 128 in all, so the other tails look at the clock alone. */
  fileWatchesMax: 16,
  /** `http.fetch`: the answer's body, the request's body, all headers of either, redirects and time. */
  httpBodyBytesMax: 1024 * 1024,
  /** Exchanges of all runs at once, each with a body in memory; the others wait. */
  httpAtOnceMax: 32,
  httpRequestBytesMax: 256 * 1024,
  httpHeadersMax: 64,
  httpHeaderCharsMax: 8 * 1024,
  httpUrlCharsMax: 4 * 1024,
  httpRedirectsMax: 5,
  httpTimeoutMsMax: 300_000,
  /** The agent's key-value store: it is for small state, and is held in memory. */
  kvKeyCharsMax: 200,
  kvValueBytesMax: 64 * 1024,
  kvKeysMax: 10_000,
  kvBytesMax: 4 * 1024 * 1024,
  /** Keys of one `kv.list`. */
  kvListMax: 150,
  programArgsMax: 256,
  programArgCharsMax: 16 * 1024,
  /** Between TERM and KILL of a program's group. */
  killGraceMs: 2_000,
  /** How long children of an ended program may hold its output open before the group is ended. */
  orphanGraceMs: 5_000,
  /** How long a command may take to end after its abort; past it the run ends without it. */
  abortGraceMs: 10_000,
  /** How often a configuration's file is looked at; reading it is all it costs. */
  policyCheckEveryMs: 5_000,
  /** A changed file counts once it has stayed the same for so long: an editor may write it in pieces. */
  configSettleMs: 500,
  /** A configuration's file; a thousand jobs and a long policy fit. */
  configBytesMax: 1024 * 1024,
  /** A file that is named on the command line; well above what any of them may have, so that its own limit is told. */
  namedFileBytesMax: 16 * 1024 * 1024,
  policyRulesMax: 1024,
} as const;
