/** What travels between programs, and the documents that people sign. */
export const WIRE_LIMITS = {
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
} as const;
