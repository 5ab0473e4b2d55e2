/** Lifeguard's local health: how far this member should doubt its own judgement. 0 is healthy. */
export interface Awareness {
  score(): number;
  /** Bad signs are positive, good ones negative; the score stays within 0 and its maximum. */
  apply(delta: number): void;
  /** A time, longer by the score. */
  scale(ms: number): number;
}

/** @param max the score stays below it; 1 switches it off */
export function createAwareness(max: number): Awareness {
  let score = 0;
  return {
    score: () => score,
    apply(delta) {
      score = Math.min(Math.max(score + delta, 0), Math.max(max - 1, 0));
    },
    scale: (ms) => ms * (score + 1),
  };
}
