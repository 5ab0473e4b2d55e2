/**
 * The first byte of our own user messages in gossip. Serf's stand below 64 (it uses 0 to 10), so a member that speaks
 * both cannot mistake one for the other. Append-only: the numbers stand on the wire.
 */
export const USER_TYPES = {
  fact: 64,
} as const;
