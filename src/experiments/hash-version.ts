import { murmur3 } from '../math/murmur-hash.ts';

/** Units are hashed to this many buckets; a share is a whole number of them. */
export const BUCKETS = 10_000;

/**
 * Versions of the hash an experiment may name. A version never changes its meaning, so that an old experiment keeps its
 * arms when a better hash comes. Version 1: MurmurHash3 x86 32-bit of the unit's id, seeded by that of the salt.
 */
export const HASH_VERSIONS: readonly number[] = [1];

/** The 32-bit seed of a salt. Throws RangeError for an unknown version. */
export function saltSeed(version: number, salt: string): number {
  checkVersion(version);
  return murmur3(salt, 0);
}

/** The bucket, 0 .. BUCKETS - 1, of a unit under a salt's seed: floor(hash / 2^32 x BUCKETS). */
export function bucketOf(unitId: string, seed: number): number {
  return Math.floor((murmur3(unitId, seed) / 4294967296) * BUCKETS);
}

function checkVersion(version: number): void {
  if (!HASH_VERSIONS.includes(version)) throw new RangeError(`hash version: expected 1, got ${version}`);
}
