/**
 * Near-duplicates: the same signature, or a perceptual hash, a binary code and colours all within thresholds. Groups are the
 * connected parts of that relation, named by their smallest pinIndex.
 *
 * Candidate pairs come from an index of the hash in four bands of 16 bits: two hashes within r bits agree up to
 * floor(r / 4) bits in at least one band, so probing every band with that many flips finds all pairs, and not all n^2.
 * Source   Norouzi, Punjani and Fleet, Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012, section 3.
 */
import { hamming, popcount32 } from '../math/bits.ts';
import { colourDifference, perceptualDistance } from '../vision/fingerprint.ts';

export interface Fingerprint {
  readonly pinIndex: number;
  /** 32 hexadecimal digits. */
  readonly signature: string;
  /** 16 hexadecimal digits. */
  readonly phash: string;
  /** Mean colours of 8 x 8 cells. */
  readonly colours: Uint8Array;
  readonly code: Uint32Array;
}

/** All must hold: differing bits of the 64 of the hash, differing share of the code, mean difference of the colours (0..255). */
export interface DuplicateRules {
  readonly hashBits: number;
  readonly codeShare: number;
  readonly colours: number;
}

/** Fitted with the bundled net on copies of real photos; how, and what they catch: docs/DECISIONS.md. */
export const DUPLICATE_RULES: DuplicateRules = { hashBits: 10, codeShare: 0.055, colours: 24 };
/** Hashes further apart are never looked at: 137 probes a band. */
export const HASH_BITS_MAX = 11;

const BANDS = 4;

/** How far two fingerprints are apart. */
export interface FingerprintDistance {
  readonly hashBits: number;
  readonly codeShare: number;
  readonly colours: number;
}

export interface FingerprintPair extends FingerprintDistance {
  readonly a: number;
  readonly b: number;
}

export function fingerprintDistance(
  a: Omit<Fingerprint, 'pinIndex'>,
  b: Omit<Fingerprint, 'pinIndex'>,
  bits: number,
): FingerprintDistance {
  return {
    hashBits: perceptualDistance(a.phash, b.phash),
    codeShare: hamming(a.code, b.code) / bits,
    colours: colourDifference(a.colours, b.colours),
  };
}

export function isWithin(distance: FingerprintDistance, rules: DuplicateRules): boolean {
  const { hashBits, codeShare, colours } = distance;
  return hashBits <= rules.hashBits && codeShare <= rules.codeShare && colours <= rules.colours;
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

/** All pairs (as indexes of `prints`, a < b) within all thresholds, each once. */
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
      if (codeShare > rules.codeShare) continue;
      const colours = colourDifference(prints[a].colours, prints[b].colours);
      if (colours <= rules.colours) yield { a, b, hashBits, codeShare, colours };
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

/** A known pair. */
export interface JudgedPair extends FingerprintDistance {
  readonly duplicate: boolean;
}

export interface DuplicateFit {
  readonly rules: DuplicateRules;
  readonly precision: number;
  readonly recall: number;
}

/** Colour thresholds tried. */
const COLOURS_TRIED = [1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24];

/**
 * The thresholds with the highest recall among those whose precision on the judged pairs is at least `precisionMin`; of equal
 * ones the tightest. Throws RangeError without a duplicate pair.
 */
export function fitDuplicateRules(pairs: readonly JudgedPair[], precisionMin = 0.99): DuplicateFit {
  const duplicates = pairs.filter((pair) => pair.duplicate).length;
  if (duplicates === 0) throw new RangeError('pairs: expected at least one duplicate pair, got none');
  const byCode = pairs.filter((pair) => pair.hashBits <= HASH_BITS_MAX).sort((a, b) => a.codeShare - b.codeShare);
  let best: DuplicateFit = { rules: { hashBits: 0, codeShare: 0, colours: 0 }, precision: 1, recall: 0 };
  for (let hashBits = 0; hashBits <= HASH_BITS_MAX; hashBits++) {
    for (const colours of COLOURS_TRIED) {
      const within = byCode.filter((pair) => pair.hashBits <= hashBits && pair.colours <= colours);
      let found = 0;
      within.forEach((pair, i) => {
        if (pair.duplicate) found++;
        if (within[i + 1]?.codeShare === pair.codeShare) return;
        const [precision, recall] = [found / (i + 1), found / duplicates];
        if (precision >= precisionMin && recall > best.recall) {
          best = { rules: { hashBits, codeShare: pair.codeShare, colours }, precision, recall };
        }
      });
    }
  }
  return best;
}

/** All pairs that a fit needs: those of one known group (`groupOf` >= 0 and equal), and all others with hashes near enough. */
export function judgedPairs(
  prints: readonly Fingerprint[],
  bits: number,
  groupOf: (pinIndex: number) => number,
): JudgedPair[] {
  const members = new Map<number, Fingerprint[]>();
  for (const print of prints) {
    const group = groupOf(print.pinIndex);
    if (group >= 0) members.set(group, [...(members.get(group) ?? []), print]);
  }
  const pairs: JudgedPair[] = [];
  for (const group of members.values()) {
    group.forEach((a, i) => {
      for (const b of group.slice(i + 1)) pairs.push({ ...fingerprintDistance(a, b, bits), duplicate: true });
    });
  }
  const near = { hashBits: HASH_BITS_MAX, codeShare: 1, colours: 255 };
  for (const pair of closePairs(prints, bits, near)) {
    const [a, b] = [groupOf(prints[pair.a].pinIndex), groupOf(prints[pair.b].pinIndex)];
    if (a < 0 || a !== b) pairs.push({ ...pair, duplicate: false });
  }
  return pairs;
}
