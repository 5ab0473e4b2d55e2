/** What servers tell each other to know who is alive. */
export const GOSSIP_LIMITS = {
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
  /** A member's name: two of them, an address and the rest of a message fit a packet with room; serf allows 128. */
  memberNameCharsMax: 255,
  /** What a member says of itself in gossip; memberlist's own bound (`MetaMaxSize`). */
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
} as const;
