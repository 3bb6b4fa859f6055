/**
 * Near-duplicates: the same signature, or a perceptual hash and a binary code both within thresholds. Groups are the
 * connected parts of that relation, named by their smallest pinIndex.
 *
 * Candidate pairs come from an index of the hash in four bands of 16 bits: two hashes within r bits agree up to
 * floor(r / 4) bits in at least one band, so probing every band with that many flips finds all pairs, and not all n^2.
 * Source   Norouzi, Punjani and Fleet, Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012, section 3.
 */
import { hamming, popcount32 } from '../math/bits.ts';

export interface Fingerprint {
  readonly pinIndex: number;
  /** 32 hexadecimal digits. */
  readonly signature: string;
  /** 16 hexadecimal digits. */
  readonly phash: string;
  readonly code: Uint32Array;
}

/** Both must hold: bits of 64 that may differ in the hash, share of the code's bits that may differ. */
export interface DuplicateRules {
  readonly hashBits: number;
  readonly codeShare: number;
}

/** Fitted with the bundled net on copies of real photos; how, and what they catch: docs/DECISIONS.md. */
export const DUPLICATE_RULES: DuplicateRules = { hashBits: 10, codeShare: 0.1 };
/** Hashes further apart are never looked at: 137 probes a band. */
export const HASH_BITS_MAX = 11;

const BANDS = 4;

export interface FingerprintPair {
  readonly a: number;
  readonly b: number;
  readonly hashBits: number;
  /** Differing share of the code. */
  readonly codeShare: number;
}

/** Each pin's group, for pins 0 .. `count`; a pin alone is its own group. */
export function nearDuplicateGroups(
  prints: readonly Fingerprint[],
  count: number,
  bits: number,
  rules: DuplicateRules,
): Int32Array {
  const group = Int32Array.from({ length: count }, (_, pinIndex) => pinIndex);
  const rootOf = (pinIndex: number): number => {
    let root = pinIndex;
    while (group[root] !== root) root = group[root];
    while (group[pinIndex] !== root) [pinIndex, group[pinIndex]] = [group[pinIndex], root];
    return root;
  };
  const unite = (a: number, b: number): void => {
    const [first, second] = [rootOf(a), rootOf(b)];
    group[Math.max(first, second)] = Math.min(first, second);
  };
  const bySignature = new Map<string, number>();
  for (const { signature, pinIndex } of prints) {
    const before = bySignature.get(signature);
    if (before === undefined) bySignature.set(signature, pinIndex);
    else unite(before, pinIndex);
  }
  for (const pair of closePairs(prints, bits, rules)) unite(prints[pair.a].pinIndex, prints[pair.b].pinIndex);
  for (let pinIndex = 0; pinIndex < count; pinIndex++) group[pinIndex] = rootOf(pinIndex);
  return group;
}

/** All pairs (as indexes of `prints`, a < b) within both thresholds, each once. */
export function* closePairs(
  prints: readonly Fingerprint[],
  bits: number,
  rules: DuplicateRules,
): IterableIterator<FingerprintPair> {
  const limit = Math.min(rules.hashBits, HASH_BITS_MAX);
  const halves = Uint32Array.from(
    prints.flatMap(({ phash }) => [Number.parseInt(phash.slice(0, 8), 16), Number.parseInt(phash.slice(8), 16)]),
  );
  const masks = flips(Math.floor(limit / BANDS));
  const bandOf = (i: number, band: number): number => (halves[2 * i + (band >> 1)] >>> (band & 1 ? 0 : 16)) & 0xffff;
  const buckets: Map<number, number[]>[] = Array.from({ length: BANDS }, () => new Map());
  for (let b = 0; b < prints.length; b++) {
    const met = new Set<number>();
    for (let band = 0; band < BANDS; band++) {
      const value = bandOf(b, band);
      for (const mask of masks) for (const a of buckets[band].get(value ^ mask) ?? []) met.add(a);
    }
    for (const a of met) {
      const hashBits = popcount32(halves[2 * a] ^ halves[2 * b]) + popcount32(halves[2 * a + 1] ^ halves[2 * b + 1]);
      if (hashBits > limit) continue;
      const codeShare = hamming(prints[a].code, prints[b].code) / bits;
      if (codeShare <= rules.codeShare) yield { a, b, hashBits, codeShare };
    }
    for (let band = 0; band < BANDS; band++) {
      const value = bandOf(b, band);
      const bucket = buckets[band].get(value);
      if (bucket) bucket.push(b);
      else buckets[band].set(value, [b]);
    }
  }
}

/** All 16-bit words with at most `most` bits set. */
function flips(most: number): number[] {
  return Array.from({ length: 65536 }, (_, word) => word).filter((word) => popcount32(word) <= most);
}

/** Known pairs and how far apart they are. */
export interface JudgedPair {
  readonly hashBits: number;
  readonly codeShare: number;
  readonly duplicate: boolean;
}

export interface DuplicateFit {
  readonly rules: DuplicateRules;
  readonly precision: number;
  readonly recall: number;
}

/**
 * The thresholds with the highest recall among those whose precision on the judged pairs is at least `precisionMin`; of equal
 * ones the tightest. `duplicate: false` pairs stand for `otherWeight` each (1 when every other pair was judged).
 * Throws RangeError without a duplicate pair.
 */
export function fitDuplicateRules(pairs: readonly JudgedPair[], precisionMin = 0.99, otherWeight = 1): DuplicateFit {
  const duplicates = pairs.filter((pair) => pair.duplicate).length;
  if (duplicates === 0) throw new RangeError('pairs: expected at least one duplicate pair, got none');
  let best: DuplicateFit = { rules: { hashBits: 0, codeShare: 0 }, precision: 1, recall: 0 };
  for (let hashBits = 0; hashBits <= HASH_BITS_MAX; hashBits++) {
    const within = pairs.filter((pair) => pair.hashBits <= hashBits).sort((a, b) => a.codeShare - b.codeShare);
    let found = 0;
    let wrong = 0;
    within.forEach((pair, i) => {
      if (pair.duplicate) found++;
      else wrong += otherWeight;
      if (within[i + 1]?.codeShare === pair.codeShare) return;
      const precision = found / Math.max(1, found + wrong);
      const recall = found / duplicates;
      if (precision >= precisionMin && recall > best.recall)
        best = { rules: { hashBits, codeShare: pair.codeShare }, precision, recall };
    });
  }
  return best;
}
