/**
 * Every bound of the product, each with its unit in its name and its reason behind it.
 * A queue without a row here is a defect.
 */
export const LIMITS = {
  // --- frames and envelopes ---
  /** A websocket frame; small enough that 1,000 half-read frames fit in memory. */
  frameBytesMax: 256 * 1024,
  /** Records in a frame: the unit of one acknowledgement. */
  frameRecordsMax: 64,
  /** One record's JSON text; long output lines are split by the agent. */
  recordBytesMax: 64 * 1024,
  /** `meta` of an envelope: carried through everything, so it must stay small. */
  metaBytesMax: 8 * 1024,
  metaDepthMax: 16,
  /** Nesting of a body: readers walk it recursively. */
  bodyDepthMax: 64,
  tagsMax: 64,
  tagKeyCharsMax: 63,
  tagValueCharsMax: 255,
  /** An HTTP body before authentication. */
  anonymousBodyBytesMax: 4 * 1024,
  /** An HTTP body of an authenticated operator (scripts are the largest). */
  operatorBodyBytesMax: 2 * 1024 * 1024,
  // --- documents ---
  scriptBytesMax: 1024 * 1024,
  orderBytesMax: 64 * 1024,
  headerBytesMax: 32 * 1024,
  signaturesMax: 16,
  /** An order may not be valid for longer: a stolen one dies by itself. */
  orderLifetimeMsMax: 30 * 24 * 3600_000,
  /** How far a signer's or server's clock may be off. */
  clockSkewMsMax: 2 * 60_000,
  selectorCharsMax: 1024,
  /** Nesting of a document's YAML; leaves room for `meta` and an argument schema at their own limits. */
  headerDepthMax: 32,
  /** Command keys one script may name. */
  usesMax: 64,
  /** The longest deadline a person can ask for: a day-long backup fits, a forgotten run ends. */
  timeoutSecondsMax: 30 * 24 * 3600,
  /** The JSON Schema of a script's arguments. */
  argsSchemaDepthMax: 8,
  argsPropertiesMax: 64,
  argsEnumMax: 256,
  /** A trust list: people, not machines. */
  trustSignersMax: 256,
  trustRulesMax: 64,
  // --- jobs ---
  /** Ids in one `jobs` or `wantJobs` frame: 500 of 200 characters fit with room. */
  jobsPerFrameMax: 500,
  /** Jobs one agent keeps; the bench holds so many. */
  jobsPerAgentMax: 10_000,
  /** Texts of all jobs one agent keeps: 10,000 of the usual size fit twice. */
  jobsBytesMax: 16 * 1024 * 1024,
  /** Scripts that an agent's jobs need, all together; past it they are fetched when they are needed. */
  jobScriptsBytesMax: 16 * 1024 * 1024,
  /** A due time this long ago was missed: more than the agent needs to start again, or to notice a clock that steps. */
  jobLateMsMax: 10_000,
  /** How often the agent looks at the clock when no job is due. */
  jobLookMs: 5000,
  /** A clock that goes back farther was wrong before: jobs do not wait until it has come so far again. */
  jobBackMsMax: 7 * 24 * 3600_000,
  /** Runs in a row that make up for missed times. */
  jobMissedRunsMax: 100,
  /** Jobs looked at in one step of the core: what the link waits for is less than 10 ms. */
  jobsPerStepMax: 8,
  /** Jobs one server keeps. */
  jobsMax: 10_000,
  /** What a server knows of jobs on agents, one for each pair: as many as targets of open orders. */
  jobStatesMax: 1_000_000,
  /** Job documents on their way to one agent that has not answered for them yet: a good part of its socket's window. */
  jobsWindowBytes: 256 * 1024,
  /** Runs of one job that a server lists: a day of ten agents every ten minutes fits six times. */
  jobRunsPerJobMax: 10_000,
  /** Of all jobs together; with many jobs each keeps fewer. */
  jobRunsMax: 1_000_000,
  /** As long as the streams of the runs. */
  jobRunAgeMsMax: 30 * 24 * 3600_000,
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
  // --- server ---
  challengeLifetimeMs: 30_000,
  /** Challenges that may be open at once: one bit each (128 KiB); past it the oldest expire early. */
  challengesOutstandingMax: 1024 * 1024,
  /** Counters of challenges by hashed address: two addresses may share one, memory never grows. */
  challengeAddressBuckets: 16 * 1024,
  challengesPerAddressPerMinute: 600,
  loginsPerAddressPerMinute: 20,
  /** Passwords that are compared at once, of all addresses together. */
  loginsAtOnceMax: 16,
  operatorTokenLifetimeMs: 12 * 3600_000,
  /** Requests of strangers under way at once, at each of the two places where they may send a body. */
  halfOpenRequestsMax: 1024,
  /** How long such a request may take to come and be answered. */
  anonymousBodyMsMax: 10_000,
  /** Each may hold a whole queue of its own. */
  firehoseReadersMax: 64,
  /** Streamed answers that follow something, of all operators together. */
  followersMax: 1024,
  /** What requests under way may still take once the server stops: within the patience of who stops it. */
  requestsEndMsMax: 1000,
  /** What the disk may still take then. */
  storeEndMsMax: 10_000,
  firehoseQueueBytesMax: 16 * 1024 * 1024,
  /** Records one read answer holds; readers page on. */
  readRecordsMax: 1000,
  readBytesMax: 1024 * 1024,
  /** One stream; its oldest records go first. */
  streamBytesMax: 1024 * 1024 * 1024,
  streamsBytesMax: 10 * 1024 * 1024 * 1024,
  /** History rows and finished orders: a year and a month, so that last year's can still be looked up. */
  historyAgeMsMax: 396 * 24 * 3600_000,
  orderAgeMsMax: 396 * 24 * 3600_000,
  streamAgeMsMax: 30 * 24 * 3600_000,
  /** Commits waiting for the storage thread. */
  storeQueueBytesMax: 64 * 1024 * 1024,
  /** One transaction of the storage thread: bounds how long an acknowledgement waits behind others. */
  storeGroupBytesMax: 4 * 1024 * 1024,
  /** Records that are handed to the storage thread although it still writes others; fewer wait for its answer. */
  recordsGatherBytesMax: 256 * 1024,
  /** A stored piece of a stream: the least that a read or a trim in its middle has to load. */
  segmentBytesMax: 256 * 1024,
  /** How long opening waits for another process to let go of the data folder. */
  storeLockWaitMs: 1000,
  /** Lines of one session that were refused, before it is hung up: a peer this wrong does not get better. */
  sessionFaultsMax: 100,
  /** What an agent complains about in one session and the log shows; the rest is counted. */
  complaintsLoggedMax: 20,
  /** Refused agents that the log shows, of all addresses together: anybody may be refused as often as they like. */
  refusalsLoggedPerMinute: 120,
  /** Silence after which an agent's connection counts as dead, in units of its alive interval. */
  silentIntervalsMax: 3,
  /** How old an agent's stored "last seen" may get while it stays connected. */
  lastSeenStoreEveryMs: 5 * 60_000,
  /** Agents waiting for approval: anybody can make a key, so they must not fill the disk. */
  pendingAgentsMax: 1000,
  /** Sockets of one agent: the live one, and earlier ones whose end has not come yet (a dead host's takes a while). */
  socketsPerAgentMax: 32,
  agentsMax: 100_000,
  scriptsMax: 10_000,
  /** Orders in memory: those some target of which may still report. */
  openOrdersMax: 10_000,
  openOrdersBytesMax: 64 * 1024 * 1024,
  openTargetsMax: 1_000_000,
  /** How long a done order waits for agents that were lost with it; later reports are in their streams only. */
  lateReportsMsMax: 7 * 24 * 3600_000,
  /** An unsigned order is for agents that are there now, or soon. */
  unsignedLifetimeMs: 10 * 60_000,
  /** Short texts that are kept once for all agents: tag values, versions. */
  internedTextsMax: 10_000,
  // --- credentials ---
  /** A node statement, a connect claim with it inside, a welcome proof, an operator token: characters of compact JWS. */
  statementCharsMax: 4 * 1024,
  claimCharsMax: 8 * 1024,
  operatorTokenCharsMax: 2 * 1024,
  joinTokenCharsMax: 16 * 1024,
  /** Names a server answers to. */
  nodeNamesMax: 32,
  nodeNameCharsMax: 260,
  /** A cluster's CA lives as long as its hosts. */
  caCertificateDays: 3650,
  /** TLS certificate and node statement of a server: renewed by hand, so longer than a year. */
  nodeCertificateDays: 825,
  /** Certificates start in the past, so that hosts whose clocks are slow accept a new one. */
  certificateBackdateMs: 24 * 3600_000,
  joinTokenDays: 7,
  joinTokenUses: 100,
  /** Process starts of one agent that a server remembers as replaced. */
  retiredBootsMax: 8,
  // --- facts ---
  /** Name and value of a fact as JSON: the rest of its message is small, so that it fits a packet among others. */
  factPayloadBytesMax: 512,
  /** A whole message: longer ones are not read. */
  factMessageBytesMax: 1024,
  factNameCharsMax: 64,
  /** A member's name, as memberlist bounds nothing. */
  factOriginCharsMax: 64,
  /** Members that one member tells: 32 hear within two hops, and one loss in five leaves out one in 15,000. */
  factFanOut: 6,
  /** The highest TTL that is taken: what is needed for a million members, twice. */
  factTtlMax: 16,
  /** Facts one server knows, all origins together. */
  factsMax: 10_000,
  /** Uuids remembered, and for how long: far longer than a message takes to get round. */
  factSeenMax: 10_000,
  factSeenMs: 60_000,
  // --- gossip seals ---
  /** Keys in a gossip keyring: the old and the new one, with room for a rotation gone wrong. Opening may try each. */
  gossipKeysMax: 8,
  /** The largest payload of UDP over IPv4. */
  sealDatagramBytesMax: 65_507,
  /** One sealed message on a stream; memberlist's own bound. */
  sealStreamBytesMax: 20 * 1024 * 1024,
  /** A frame on a `jws` stream: its length fits two bytes. */
  sealFrameBytesMax: 65_535,
  /** A member's name in a sealed packet, UTF-8. */
  sealNameBytesMax: 128,
  /** Counters behind a sender's newest that are still told apart: seconds of its packets to everybody. */
  sealWindowCounters: 1024,
  /** Senders whose boots are remembered as proven; past it the one heard least lately is asked again. */
  sealSendersMax: 4096,
  /** Questions that are open at once; past it the oldest is forgotten. */
  sealChallengesMax: 1024,
  /** Open questions to one name: a real one and some recorded ones. */
  sealChallengesPerNameMax: 4,
  /** New questions a second: a cluster that starts anew at once, and no more than that in answers to recordings. */
  sealChallengesPerSecondMax: 512,
  /** An answer comes within this or not at all. */
  sealChallengeMsMax: 2000,
  /** The same question is asked again when its sender is heard, at most so often. */
  sealChallengeAgainMs: 200,
  /** Packets kept to be sent again to somebody who asks for a proof, and for how long. */
  sealResendPacketsMax: 256,
  sealResendMsMax: 1000,
  // --- membership ---
  /** Members one server knows, dead ones counted: a cluster is servers, not agents. */
  membersMax: 4096,
  /** A member's name: two of them, an address and the rest of a message fit a packet with room. */
  memberNameCharsMax: 255,
  /** What a member says of itself in gossip; memberlist's own bound. */
  memberMetaBytesMax: 512,
  /** Addresses one `join` tries. */
  joinEndpointsMax: 64,
  /** Messages queued for gossip, and their bytes; the ones sent most often go first. */
  gossipQueuedMax: 8192,
  gossipQueuedBytesMax: 4 * 1024 * 1024,
  /** Probes under way for others at once. */
  probeRelaysMax: 1024,
  /** Push/pulls that this member has asked for and that are not answered yet. */
  exchangesOpenMax: 128,
  /** Members whose word counts for one suspicion. */
  confirmationsMax: 16,
  /** A higher incarnation is a lie: it leaves no room for a refutation within memberlist's 32 bits. */
  incarnationMax: 4_000_000_000,
  /** A conflict of one name is told again after this. */
  conflictToldEveryMs: 60_000,
  /** How long leaving waits for its gossip; serf's broadcast timeout. */
  leaveMsMax: 5000,
  // --- gossip ---
  /** A member's name; serf allows 128. */
  gossipNameCharsMax: 255,
  /** What a member tells of itself in one message; memberlist's own bound (`MetaMaxSize`). */
  gossipMetaBytesMax: 512,
  /** One datagram decompressed, all its wrappers together: as much as an uncompressed one could hold. */
  gossipPlainBytesMax: 64 * 1024,
  /** Messages in one datagram: memberlist counts them in one byte. */
  gossipPartsMax: 255,
  /** Wrappers around a message: checksum, compression and compound are all that memberlist uses. */
  gossipNestingMax: 4,
  /** One side of a stream, compressed or not; memberlist's own bound (`maxPushStateBytes`). */
  gossipStreamBytesMax: 20 * 1024 * 1024,
  /** Members in one push/pull: servers, never agents. */
  gossipNodesMax: 4096,
  /** One member in a push/pull: name, tags and addresses fit four times. */
  gossipNodeBytesMax: 4096,
  /** A delegate's part of a push/pull, or one user message on a stream. */
  gossipUserBytesMax: 16 * 1024 * 1024,
  /** serf: events, and queries, of one Lamport time that are told apart; honest ones are a few. */
  serfEventsPerTimeMax: 64,
  /** serf: times with events in one state, and events of each; serf keeps 512 times. */
  serfStateEventsMax: 1024,
  /** serf: a member's tags. */
  serfTagsMax: 64,
  /** serf: the latest events, kept for exchanges; two hundred of the largest that serf allows. */
  serfEventsBytesMax: 128 * 1024,
  /** serf: intents of names that are no members yet; the oldest go first. */
  serfIntentsMax: 4096,
  /** Streams that others opened; memberlist's own bound (`maxPushPullRequests`), and of one address. */
  gossipStreamsMax: 128,
  gossipStreamsPerAddressMax: 32,
  /** What all of them together have sent; one of the largest fits three times. */
  gossipStreamsBytesMax: 64 * 1024 * 1024,
  /** Streams that this member opened. */
  gossipDialsMax: 64,
  /** A stream in all, in units of the bound of each of its reads and writes. */
  gossipStreamTimeoutsMax: 6,
  /** Datagrams handed to the system and not yet sent; past it they are lost, as the network might lose them. */
  gossipSendsMax: 4096,
  /** Ports tried for one that is free for both UDP and TCP. */
  gossipPortTriesMax: 32,
  /** How long an intent to leave may take to be gossiped before the leave itself. */
  gossipIntentMsMax: 3000,
  // --- catalog ---
  /** A stamp this far past the cluster's time is refused: hours of skew are daily life, a day is a wrong clock. */
  clockAheadMsMax: 24 * 3600_000,
  /** Between two steps of the catalog the wall clock goes on by less: else it was set, or the machine slept. */
  catalogLeapMs: 2 * 3600_000,
  /** Clocks of other servers that are remembered, and how far each has answered. */
  catalogPeersMax: 1000,
  /** Keys of the catalog, tombstones among them: the agents a server may know, twice. */
  catalogRecordsMax: 200_000,
  /** All values together, as they are held in memory. */
  catalogBytesMax: 256 * 1024 * 1024,
  /** Logs of the catalog: one for each start of a server that wrote something. */
  catalogLogsMax: 20_000,
  /** One answer to a digest, or one entry when that is larger: what is checked in one go takes less than 100 ms. */
  catalogDeltaBytesMax: 256 * 1024,
  /** A delta that somebody else made: the largest script as JSON text, each character escaped twice, and room. */
  catalogDeltaCharsMax: 8 * 1024 * 1024,
  catalogIdCharsMax: 200,
  /** A kind that this version does not know: held for those that do. */
  catalogUnknownBytesMax: 64 * 1024,
  /** Entries of one batch that are told onwards by gossip; a heap of news goes by comparison alone. */
  catalogGossipEntriesMax: 64,
  /** Entries of a log that came before an earlier one, and are remembered. */
  catalogEarlyMax: 4096,
  /** Overwritten values of one key, and of all keys, that are kept to be shown. */
  catalogLosersPerKeyMax: 8,
  catalogLosersMax: 10_000,
  catalogLosersBytesMax: 32 * 1024 * 1024,
  /** What waits for the disk: writes and deltas; past it a write is refused, a delta comes again. */
  catalogQueueMax: 10_000,
  catalogQueueBytesMax: 16 * 1024 * 1024,
  /** What is merged and stored in one go, in bytes of entries. */
  catalogBatchBytes: 256 * 1024,
  /** Removals are remembered so long, and what its owner does not renew is forgotten after it. */
  catalogHorizonMs: 7 * 24 * 3600_000,
  /** How often the catalog looks for what is past the horizon, and for own records to renew. */
  catalogPruneEveryMs: 3600_000,
  catalogRenewMs: 24 * 3600_000,
  /** Keys that are pruned, or own records renewed, in one go. */
  catalogPruneMax: 1000,
  /** An own log that is ahead of itself begins another one, but no oftener: others may lie about it. */
  catalogRestartEveryMs: 60_000,
  /** How long an answer of another copy may take before somebody is asked again. */
  catalogAnswerMsMax: 10_000,
  /** Between two tries of a server that was told whom to join and reached nobody. */
  rejoinEveryMs: 10_000,
  /** Between two looks for servers that the catalog knows and membership does not. */
  lookForServersMs: 30_000,
  /** Between two tries of a record that the disk refused and the other servers have to hear of. */
  tellAgainMs: 10_000,
  // --- console ---
  /** What is typed behind `/` or `:`; the server's own bound for a pattern. */
  consoleFilterCharsMax: 1000,
  /** What is pasted at once: more than any line takes, so that what is cut off can be said. */
  consolePasteCharsMax: 16 * 1024,
  /** Records that a live view keeps, and their characters: what can be scrolled back to and exported. */
  consoleWindowRecords: 10_000,
  consoleWindowCharsMax: 16 * 1024 * 1024,
  /** Redraws a second, but for keys: more is not seen, and costs. */
  consoleFramesPerSecond: 10,
  /** The smallest terminal that has room for a view. */
  consoleColumnsMin: 60,
  consoleRowsMin: 15,
  /** Agents asked for in one look: those on the screen, and some of the others in turn. */
  consoleLookAgents: 100,
  /** What is said on more hosts than this must be confirmed with their number. */
  consoleConfirmHosts: 10,
  /** Rows of the history that the console reads back. */
  consoleRowsHeldMax: 5000,
} as const;
