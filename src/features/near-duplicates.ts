/**
 * Near-duplicates: the same signature or a perceptual hash within a threshold, and a binary code within another, and little
 * left different when one picture is laid over the other. The signature alone unites nothing: swatches of two greens share it,
 * and so do fine stripes and fine checks. Groups are the connected parts of that relation, named by their smallest pinIndex.
 *
 * Candidate pairs come from an index of the hash in four bands of 16 bits: two hashes within r bits agree up to
 * floor(r / 4) bits in at least one band, so probing every band with that many flips finds all pairs, and not all n^2.
 * Source   Norouzi, Punjani and Fleet, Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012, section 3.
 */
import { hamming, popcount32 } from '../math/bits.ts';
import { perceptualDistance } from '../vision/fingerprint.ts';
import { coarseDifference, type LaidPicture, laidOverDifference, laidPicture } from '../vision/laid-over.ts';

export interface Fingerprint {
  readonly pinIndex: number;
  /** 32 hexadecimal digits. */
  readonly signature: string;
  /** 16 hexadecimal digits. */
  readonly phash: string;
  /** Mean colours of 24 x 24 cells. */
  readonly colours: Uint8Array;
  readonly code: Uint32Array;
}

type Print = Omit<Fingerprint, 'pinIndex'>;

/** All must hold: differing bits of the 64 of the hash, differing share of the code, percent left different when laid over. */
export interface DuplicateRules {
  readonly hashBits: number;
  readonly codeShare: number;
  readonly difference: number;
  /** Percent left different with edges counted in full; absent in rules of earlier versions, which did not ask. */
  readonly edges?: number;
}

/** Fitted with the bundled net on copies of real photos; how, and what they catch: docs/DECISIONS.md. */
export const DUPLICATE_RULES: DuplicateRules = { hashBits: 14, codeShare: 0.24, difference: 1, edges: 20 };
/** Hashes further apart are never looked at: 697 probes a band. */
const HASH_BITS_MAX = 14;
/** All measures that can distinguish a copy: what a fit reads. */
export const WIDEST_RULES: DuplicateRules = { hashBits: HASH_BITS_MAX, codeShare: 0.24, difference: 10, edges: 100 };
/** Pictures whose sixteenths differ more than this as they are differ more than any rule allows when laid over. */
const COARSE_MAX = 20;

const BANDS = 4;
const BAND_VALUES = 65536;

/** How far two fingerprints are apart. */
interface FingerprintDistance {
  /** 0 of equal signatures. */
  readonly hashBits: number;
  readonly codeShare: number;
  readonly difference: number;
  readonly edges: number;
}

export interface FingerprintPair extends FingerprintDistance {
  readonly a: number;
  readonly b: number;
}

export function fingerprintDistance(a: Print, b: Print, bits: number): FingerprintDistance {
  const [one, other] = [laidPicture(a.colours), laidPicture(b.colours)];
  return {
    hashBits: hashBitsOf(a, b),
    codeShare: hamming(a.code, b.code) / bits,
    difference: laidOverDifference(one, other),
    edges: laidOverDifference(one, other, 0),
  };
}

export function isWithin(distance: FingerprintDistance, rules: DuplicateRules): boolean {
  const { hashBits, codeShare, difference, edges } = distance;
  const { edges: edgesMax = Number.POSITIVE_INFINITY } = rules;
  return hashBits <= rules.hashBits && codeShare <= rules.codeShare && difference <= rules.difference && edges <= edgesMax;
}

/** Each pin's group, for pins 0 .. `count`; a pin alone is its own group. `mayBe`: whether something else speaks against a pair that is close. */
export function nearDuplicateGroups(
  prints: readonly Fingerprint[],
  count: number,
  bits: number,
  rules: DuplicateRules,
  mayBe: (pinIndex: number, other: number) => boolean = () => true,
): Int32Array {
  return groupsOf(prints, count, unopposed(prints, closePairs(prints, bits, rules), mayBe));
}

/** An index of `prints` each, a < b. */
export interface IndexPair {
  readonly a: number;
  readonly b: number;
}

/** The pairs that nothing else speaks against. */
export function* unopposed(
  prints: readonly Fingerprint[],
  pairs: Iterable<IndexPair>,
  mayBe: (pinIndex: number, other: number) => boolean,
): IterableIterator<IndexPair> {
  for (const pair of pairs) if (mayBe(prints[pair.a].pinIndex, prints[pair.b].pinIndex)) yield pair;
}

/** The same from pairs (indexes of `prints`) that are within the rules. */
export function groupsOf(prints: readonly Fingerprint[], count: number, pairs: Iterable<IndexPair>): Int32Array {
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
  for (const pair of pairs) unite(prints[pair.a].pinIndex, prints[pair.b].pinIndex);
  for (let pinIndex = 0; pinIndex < count; pinIndex++) group[pinIndex] = rootOf(pinIndex);
  return group;
}

/** Makes what is laid over another picture, once for each picture. */
function layer(): (print: Print) => LaidPicture {
  const laid = new Map<Print, LaidPicture>();
  return (print) => {
    const known = laid.get(print) ?? laidPicture(print.colours);
    laid.set(print, known);
    return known;
  };
}

/** How far two pictures are apart, if they are near-duplicates; null otherwise. What costs least is asked first. */
function distanceWithin(
  a: Print,
  b: Print,
  { bits, rules, laidOf }: { readonly bits: number; readonly rules: DuplicateRules; readonly laidOf: (print: Print) => LaidPicture },
): FingerprintDistance | null {
  const codeShare = hamming(a.code, b.code) / bits;
  if (codeShare > rules.codeShare) return null;
  const hashBits = hashBitsOf(a, b);
  if (hashBits > rules.hashBits) return null;
  if (coarseDifference(a.colours, b.colours) > COARSE_MAX) return null;
  const difference = laidOverDifference(laidOf(a), laidOf(b));
  if (difference > rules.difference) return null;
  const distance = { hashBits, codeShare, difference, edges: laidOverDifference(laidOf(a), laidOf(b), 0) };
  return isWithin(distance, rules) ? distance : null;
}

function hashBitsOf(a: Print, b: Print): number {
  return a.signature === b.signature ? 0 : perceptualDistance(a.phash, b.phash);
}

/** Whether two pictures are near-duplicates. */
export function areNearDuplicates(a: Print, b: Print, bits: number, rules: DuplicateRules): boolean {
  return distanceWithin(a, b, { bits, rules, laidOf: layer() }) !== null;
}

/** All pairs (as indexes of `prints`, a < b) within all thresholds, each once. `cut`: only those of a print before it and one from it on. */
export function* closePairs(
  prints: readonly Fingerprint[],
  bits: number,
  rules: DuplicateRules,
  cut?: number,
): IterableIterator<FingerprintPair> {
  const within = { bits, rules, laidOf: layer() };
  for (const { a, b } of candidatePairs(prints, Math.min(rules.hashBits, HASH_BITS_MAX), cut)) {
    const distance = distanceWithin(prints[a], prints[b], within);
    if (distance) yield { a, b, ...distance };
  }
}

/** All pairs (a < b) whose hashes differ in at most `limit` bits, or whose signatures are equal, each once. */
function* candidatePairs(prints: readonly Fingerprint[], limit: number, cut?: number): IterableIterator<IndexPair> {
  yield* hashPairs(prints, limit, cut);
  const bySignature = new Map<string, number[]>();
  for (let b = 0; b < prints.length; b++) {
    const same = bySignature.get(prints[b].signature) ?? [];
    if (b >= (cut ?? 0)) for (const a of same) if (perceptualDistance(prints[a].phash, prints[b].phash) > limit) yield { a, b };
    if (b < (cut ?? prints.length)) same.push(b);
    bySignature.set(prints[b].signature, same);
  }
}

/** All pairs (a < b) whose hashes differ in at most `limit` bits. */
function* hashPairs(prints: readonly Fingerprint[], limit: number, cut?: number): IterableIterator<IndexPair> {
  const halves = Uint32Array.from(
    prints.flatMap(({ phash }) => [Number.parseInt(phash.slice(0, 8), 16), Number.parseInt(phash.slice(8), 16)]),
  );
  const masks = flips(Math.floor(limit / BANDS));
  const bandOf = (i: number, band: number): number => (halves[2 * i + (band >> 1)] >>> (band & 1 ? 0 : 16)) & 0xffff;
  const buckets = Array.from({ length: BANDS }, (_, band) => bucketsOf(prints.length, (i) => bandOf(i, band)));
  const metBy = new Int32Array(prints.length).fill(-1);
  for (let b = cut ?? 0; b < prints.length; b++) {
    const until = cut ?? b;
    for (let band = 0; band < BANDS; band++) {
      const value = bandOf(b, band);
      const { start, items } = buckets[band];
      for (const mask of masks) {
        const end = start[(value ^ mask) + 1];
        for (let k = start[value ^ mask]; k < end && items[k] < until; k++) {
          const a = items[k];
          if (metBy[a] === b) continue;
          metBy[a] = b;
          const hashBits = popcount32(halves[2 * a] ^ halves[2 * b]) + popcount32(halves[2 * a + 1] ^ halves[2 * b + 1]);
          if (hashBits <= limit) yield { a, b };
        }
      }
    }
  }
}

/** Indexes 0 .. `count` by their 16-bit value: those of value v, ascending, are items[start[v] .. start[v + 1]). */
function bucketsOf(count: number, valueOf: (i: number) => number): { start: Uint32Array; items: Uint32Array } {
  const start = new Uint32Array(BAND_VALUES + 1);
  for (let i = 0; i < count; i++) start[valueOf(i) + 1]++;
  for (let value = 0; value < BAND_VALUES; value++) start[value + 1] += start[value];
  const next = start.slice();
  const items = new Uint32Array(count);
  for (let i = 0; i < count; i++) items[next[valueOf(i)]++] = i;
  return { start, items };
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

/** Shares of the code tried. */
const CODE_SHARES_TRIED = [0.03, 0.05, 0.07, 0.09, 0.12, 0.16, 0.2, 0.24];
/** Percents tried of what is left with edges counted in full. */
const EDGES_TRIED = [5, 10, 15, 20, 30, 100];

/**
 * The thresholds with the highest recall among those whose precision on the judged pairs is at least `precisionMin`; of equal
 * ones the tightest. Throws RangeError without a duplicate pair.
 */
export function fitDuplicateRules(pairs: readonly JudgedPair[], precisionMin = 0.99): DuplicateFit {
  const duplicates = pairs.filter((pair) => pair.duplicate).length;
  if (duplicates === 0) throw new RangeError('pairs: expected at least one duplicate pair, got none');
  const byDifference = pairs.filter((pair) => isWithin(pair, WIDEST_RULES)).sort((a, b) => a.difference - b.difference);
  let best: DuplicateFit = { rules: { hashBits: 0, codeShare: 0, difference: 0, edges: 0 }, precision: 1, recall: 0 };
  for (const edges of EDGES_TRIED) {
    for (let hashBits = 0; hashBits <= HASH_BITS_MAX; hashBits++) {
      for (const codeShare of CODE_SHARES_TRIED) {
        const within = byDifference.filter((pair) => pair.hashBits <= hashBits && pair.codeShare <= codeShare && pair.edges <= edges);
        let found = 0;
        within.forEach((pair, i) => {
          if (pair.duplicate) found++;
          if (within[i + 1]?.difference === pair.difference) return;
          const [precision, recall] = [found / (i + 1), found / duplicates];
          if (precision >= precisionMin && recall > best.recall) {
            best = { rules: { hashBits, codeShare, difference: pair.difference, edges }, precision, recall };
          }
        });
      }
    }
  }
  return best;
}

/**
 * All pairs that a fit needs: those of one known group (`groupOf` >= 0 and equal), and all others that are close by the
 * widest rules (`close`, found if not given).
 */
export function judgedPairs(
  prints: readonly Fingerprint[],
  bits: number,
  groupOf: (pinIndex: number) => number,
  close: Iterable<FingerprintPair> = closePairs(prints, bits, WIDEST_RULES),
): (JudgedPair & FingerprintPair)[] {
  const members = new Map<number, number[]>();
  prints.forEach(({ pinIndex }, i) => {
    const group = groupOf(pinIndex);
    if (group >= 0) members.set(group, [...(members.get(group) ?? []), i]);
  });
  const pairs: (JudgedPair & FingerprintPair)[] = [];
  for (const group of members.values()) {
    group.forEach((a, i) => {
      for (const b of group.slice(i + 1)) pairs.push({ a, b, ...fingerprintDistance(prints[a], prints[b], bits), duplicate: true });
    });
  }
  for (const pair of close) {
    const [a, b] = [groupOf(prints[pair.a].pinIndex), groupOf(prints[pair.b].pinIndex)];
    if (a < 0 || a !== b) pairs.push({ ...pair, duplicate: false });
  }
  return pairs;
}
