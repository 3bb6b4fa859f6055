/**
 * The only door to randomness in src/: a seeded generator (xoroshiro128+ of pure-rand), and fresh ids for things that
 * are born once (recommendations), which no result depends on.
 */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { v7 } from 'uuid';
import { murmur3 } from './murmur-hash.ts';

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** Standard normal (Box and Muller 1958). */
  normal(): number;
  /** A shuffled copy (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[];
  /** One item; the list must not be empty. */
  pick<T>(items: readonly T[]): T;
}

/** A generator from a 32-bit seed. Same seed, same stream, on every machine. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed | 0);
  const next = (): number => {
    const high = generator.next() >>> 5;
    const low = generator.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    shuffled: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    },
    pick: (items) => items[integer(items.length)],
  };
}

/**
 * A 32-bit seed made from a base seed and a text, so that parts of a run have streams of their own (MurmurHash3). First
 * draws under names that differ in one digit are independent.
 */
export function mixedSeed(seed: number, text: string): number {
  return murmur3(text, seed) | 0;
}

/** Base seeds of what is drawn by recommendation id or unit while serving. They differ, so no draw decides two things. */
export const SERVING_STREAMS = {
  shuffle: 1,
  counterfactual: 2,
  darkReads: 3,
  interleaving: 4,
  unservedRows: 5,
  exploration: 6,
  canary: 0x9e3779b9,
} as const;

/** When an id of `newId` was made, in epoch milliseconds; null for other ids. */
export function timeOfId(id: string): number | null {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}

const RANDOM_BYTES = 4096;
const ID_BYTES = 16;
let bytes = new Uint8Array(RANDOM_BYTES);
let used = RANDOM_BYTES;
let lastMs = 0;
let sequence = 0;

/** Random bytes for an id, asked of the system for many ids at once: a call for each cost a closeup two hundredths of its time. */
function idBytes(): Uint8Array {
  if (used === RANDOM_BYTES) {
    bytes = crypto.getRandomValues(bytes);
    used = 0;
  }
  return bytes.subarray(used, (used += ID_BYTES));
}

/** A new id, ordered by time (UUID version 7, RFC 9562; ids of one millisecond count up from a random number). */
export function newId(): string {
  const random = idBytes();
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = ((random[6] & 0x7f) << 24) | (random[7] << 16) | (random[8] << 8) | random[9];
  } else if (sequence++ === 0x7fffffff) {
    lastMs++;
    sequence = 0;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
}
