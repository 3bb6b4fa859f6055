/**
 * How well a representation finds images of the same label: each query ranks all others, precision at k is the share of the
 * first k with a label in common (the paper's Table 1 and 2). Ties go to the smaller index. Intervals: percentiles of a
 * seeded bootstrap over queries.
 */
import { bootstrapMean, type Interval } from '../math/bootstrap.ts';
import { hammingAt, packBits, wordsOf } from '../math/bits.ts';
import { seededRandom } from '../math/random.ts';
import { topK } from '../math/top-k.ts';

export type Distance = 'L1' | 'L2' | 'cosine' | 'Hamming';

/** Labels of each image as ordinals; two images are alike when they share one. */
type Labels = readonly (readonly number[])[];

export interface Protocol {
  readonly labels: Labels;
  /** Which images ask; null: each asks, all others answer. Otherwise only those answer that don't ask. */
  readonly queries: readonly number[] | null;
  /** Those that ask answer each other as well. */
  readonly allAnswer?: boolean;
}

export interface Precision {
  readonly p1: number;
  readonly p5: number;
  readonly p10: number;
  readonly intervals: { readonly p1: Ends; readonly p5: Ends; readonly p10: Ends };
  readonly queries: number;
  /** Precision at 10 of each query, in the order in which they asked. */
  readonly p10ByQuery: Float64Array;
  /** Per query, of ranking alone. */
  readonly milliseconds: number;
}
export type Ends = readonly [low: number, high: number];

const KS = [1, 5, 10] as const;

/** Scores of all images for a query under each of `out.length` measures, higher is nearer. */
type Scorer = (query: number, out: readonly Float64Array[]) => void;

export const RAW_DISTANCES = ['L1', 'L2', 'cosine'] as const satisfies readonly Distance[];
type RawDistance = (typeof RAW_DISTANCES)[number];

/** Rows of equal length -> precision under a distance. */
export function evaluateRows(rows: readonly Float32Array[], distance: RawDistance, protocol: Protocol): Precision {
  return evaluateAll(rows, protocol)[distance];
}

/**
 * Rows of equal length -> precision under each distance. One pass over the numbers gives all three, in a third of the time that
 * three passes take: reading and widening them costs more than the sums. `milliseconds` are of the three together.
 */
export function evaluateAll(rows: readonly Float32Array[], protocol: Protocol): Readonly<Record<RawDistance, Precision>> {
  const [L1, L2, cosine] = evaluate(rows.length, rowScorer(rows), protocol, RAW_DISTANCES.length);
  return { L1, L2, cosine };
}

/** Codes of `bits` bits -> precision under the Hamming distance. */
export function evaluateCodes(codes: readonly Uint32Array[], protocol: Protocol): Precision {
  return evaluate(codes.length, codeScorer(codes), protocol)[0];
}

/**
 * The same for codes that are fitted on images: `fit` makes the codes of all images from those of one half, and the other half asks,
 * both ways. A rotation loses nothing on the images that it was fitted on, so these must not ask. `count` is two or more.
 */
export function evaluateFittedCodes(count: number, fit: (on: readonly number[]) => readonly Uint32Array[], protocol: Protocol): Precision {
  const order = seededRandom(HALVES_SEED).shuffled(Array.from({ length: count }, (_, i) => i));
  const halves = [order.slice(0, count >> 1), order.slice(count >> 1)];
  const halfOf = new Uint8Array(count);
  for (const i of halves[1]) halfOf[i] = 1;
  const scorers = [halves[1], halves[0]].map((others) => codeScorer(fit(others)));
  return evaluate(count, (query, out) => scorers[halfOf[query]](query, out), protocol)[0];
}

const HALVES_SEED = 5;

function codeScorer(codes: readonly Uint32Array[]): Scorer {
  const words = codes[0]?.length ?? 0;
  const flat = new Uint32Array(codes.length * words);
  codes.forEach((code, i) => flat.set(code, i * words));
  return (query, [out]) => {
    for (let i = 0; i < codes.length; i++) out[i] = -hammingAt(flat, query * words, flat, i * words, words);
  };
}

/** The floor: an order by lot. */
export function evaluateChance(count: number, protocol: Protocol, seed = 1): Precision {
  const random = seededRandom(seed);
  return evaluate(
    count,
    (_, [out]) => {
      for (let i = 0; i < count; i++) out[i] = random.next();
    },
    protocol,
  )[0];
}

/** Under each of RAW_DISTANCES, in that order. The cosine with a row of zeros is 0. */
function rowScorer(rows: readonly Float32Array[]): Scorer {
  const length = rows[0]?.length ?? 0;
  const flat = new Float32Array(rows.length * length);
  rows.forEach((row, i) => flat.set(row, i * length));
  const sizes = Float64Array.from(rows, (row) => Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)));
  return (query, [L1, L2, cosine]) => {
    const asked = flat.subarray(query * length, (query + 1) * length);
    for (let i = 0, from = 0; i < rows.length; i++, from += length) {
      let apart = 0;
      let squared = 0;
      let inner = 0;
      for (let k = 0; k < length; k++) {
        const mine = asked[k];
        const other = flat[from + k];
        const difference = mine - other;
        apart += Math.abs(difference);
        squared += difference * difference;
        inner += mine * other;
      }
      L1[i] = -apart;
      L2[i] = -squared;
      cosine[i] = inner / (sizes[query] * sizes[i]) || 0;
    }
  };
}

/** Precision under each of `measures` measures that the scorer gives. */
function evaluate(count: number, score: Scorer, { labels, queries, allAnswer = false }: Protocol, measures = 1): Precision[] {
  if (labels.length !== count) throw new RangeError(`labels: expected ${count}, got ${labels.length}`);
  const asking = queries ?? Array.from({ length: count }, (_, i) => i);
  const silent = new Set(allAnswer ? [] : queries);
  const answering = Int32Array.from({ length: count }, (_, i) => i).filter((i) => !silent.has(i));
  const scores = Array.from({ length: measures }, () => new Float64Array(count));
  const precisions = scores.map(() => KS.map(() => new Float64Array(asking.length)));
  const startedAt = performance.now();
  asking.forEach((query, at) => {
    score(query, scores);
    const others = silent.size > 0 ? answering : answering.filter((i) => i !== query);
    for (const [measure, all] of scores.entries()) {
      const { ids } = topK(
        others,
        Float64Array.from(others, (i) => all[i]),
        10,
      );
      const hits = hitsAmong(ids, labels, query);
      for (const [k, shares] of precisions[measure].entries()) shares[at] = hits[k] / KS[k];
    }
  });
  const milliseconds = (performance.now() - startedAt) / Math.max(1, asking.length);
  return precisions.map((shares) => {
    const [p1, p5, p10] = shares.map((values) => bootstrapMean(values, 1));
    return {
      p1: p1.mean,
      p5: p5.mean,
      p10: p10.mean,
      intervals: { p1: endsOf(p1), p5: endsOf(p5), p10: endsOf(p10) },
      queries: asking.length,
      p10ByQuery: shares[2],
      milliseconds,
    };
  });
}

/** How many of the first 1, 5 and 10 carry a label of the query. */
function hitsAmong(ids: Int32Array, labels: Labels, query: number): number[] {
  const mine = new Set(labels[query]);
  const alike = Array.from(ids, (id) => Number(labels[id].some((label) => mine.has(label))));
  return KS.map((k) => alike.slice(0, k).reduce((sum, one) => sum + one, 0));
}

/** Where an interval begins and ends. */
export const endsOf = ({ low, high }: Interval): Ends => [low, high];

/** Share of values above zero. */
export function positiveShare(rows: readonly Float32Array[]): number {
  let positive = 0;
  let all = 0;
  for (const row of rows) {
    all += row.length;
    for (const value of row) if (value > 0) positive++;
  }
  return all === 0 ? 0 : positive / all;
}

/** Codes by the sign of each activation. */
export function signCodes(rows: readonly Float32Array[]): Uint32Array[] {
  return rows.map((row) => packBits(row));
}

export function codeByteCount(bits: number): number {
  return wordsOf(bits) * 4;
}
