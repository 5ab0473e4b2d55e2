/**
 * The first byte of our own user messages in memberlist's packets. Serf's stand below 64, so that neither mistakes the
 * other's for its own. Append-only: the numbers stand on the wire.
 */
export const USER_KINDS = { delta: 64, fact: 65, ask: 66, have: 67, news: 68, mark: 69 } as const;
