/** Records that servers share. */
export const CATALOG_LIMITS = {
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
} as const;
