import type { Random } from '../src/math/random.ts';

/** One parser under fire. */
export interface FuzzTarget {
  readonly name: string;
  /** Runs a batch of cases; returns how many. Throws with the reason when a promise was broken. */
  batch(random: Random): Promise<number>;
  close?(): Promise<void>;
}
