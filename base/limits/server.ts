/** The server: its doors, its store, its core; and what it and others identify themselves with. */
export const SERVER_LIMITS = {
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
  /** Each costs 400 bytes of memory. From those that are kept up to here takes 166 runs a second, which no host has. */
  streamsPerAgentMax: 100_000,
  /** A run a minute makes 43,200 in the days that streams are kept; of more, the oldest that have ended go. */
  streamsKeptPerAgentMax: 50_000,
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
  /** Before the end of a certificate: a month is enough to find out who has the CA's key. */
  certificateWarnMs: 30 * 24 * 3600_000,
  /** Certificates start in the past, so that hosts whose clocks are slow accept a new one. */
  certificateBackdateMs: 24 * 3600_000,
  joinTokenDays: 7,
  joinTokenUses: 100,
  /** Process starts of one agent that a server remembers as replaced. */
  retiredBootsMax: 8,
} as const;
