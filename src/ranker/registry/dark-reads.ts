/** A candidate model scores live lists beside the serving one; nothing is shown. What would have been different? */
import type { LogData } from '../training/log-data.ts';
import type { ListScores } from '../measures/holdout-report.ts';
import { kendallTau } from '../measures/ranking-metrics.ts';

/** The first items of one model's order, best first. */
export interface TopItems {
  readonly pinIndexes: Int32Array;
  readonly scores: Float64Array;
}

/** One dark read of a served list. */
export interface DarkRead {
  readonly recommendationId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly surface: string;
  readonly queryPinIndex: number;
  readonly servingModel: string;
  readonly darkModel: string;
  readonly candidates: number;
  /** Time that scoring took. */
  readonly servingMs: number;
  readonly darkMs: number;
  /** Kendall's tau of the two orders; null where one ties everything. */
  readonly kendallTau: number | null;
  readonly serving: TopItems;
  readonly dark: TopItems;
  /** Why the dark model gave no scores; null when it did. */
  readonly problem: string | null;
}

/** Items of each order that are kept. */
const TOP = 25;
/** Tau is quadratic: of very long lists the first candidates, in the order of retrieval, say enough. */
const TAU_ITEMS = 200;

/** The best items by score; ties by pin index. */
export function topItems(scores: ArrayLike<number>, pinIndexes: ArrayLike<number>, count = TOP): TopItems {
  const order = Array.from({ length: scores.length }, (_, item) => item);
  order.sort((x, y) => scores[y] - scores[x] || pinIndexes[x] - pinIndexes[y]);
  const first = order.slice(0, count);
  return {
    pinIndexes: Int32Array.from(first, (item) => pinIndexes[item]),
    scores: Float64Array.from(first, (item) => scores[item]),
  };
}

/** Kendall's tau of two scorings of the same items, of the first 200; null where one ties everything. */
export function tauOfOrders(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const part = (scores: ArrayLike<number>): number[] =>
    Array.from({ length: Math.min(TAU_ITEMS, scores.length) }, (_, item) => scores[item]);
  return kendallTau(part(a), part(b));
}

/** Share of the first k items that two orders have in common; of shorter lists, of what there is. */
export function overlapAt(a: Int32Array, b: Int32Array, k: number): number {
  const first = new Set(a.subarray(0, k));
  const wanted = Math.min(k, Math.max(a.length, b.length));
  return wanted === 0 ? 1 : b.subarray(0, k).filter((pin) => first.has(pin)).length / wanted;
}

/** Of the items that both orders hold: by how many places each moves. */
function rankChanges(a: Int32Array, b: Int32Array): number[] {
  const places = new Map([...b].map((pin, place) => [pin, place]));
  return [...a].flatMap((pin, place) => {
    const other = places.get(pin);
    return other === undefined ? [] : [Math.abs(other - place)];
  });
}

/** Mean and quantiles of some values; null without any. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Quantiles are values that occur, none is interpolated. */
function spreadOf(values: ArrayLike<number>): Spread | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { count: sorted.length, mean, p5: at(0.05), p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** How lists would differ. */
interface DarkReport {
  readonly reads: number;
  /** Reads in which the dark model gave no scores, by reason. */
  readonly problems: Readonly<Record<string, number>>;
  /** Mean share of the first k items that both models show, by k. */
  readonly overlap: Readonly<Record<string, number>>;
  readonly kendallTau: Spread | null;
  /** By how many places the items move that both orders keep among their first 25. */
  readonly rankChange: Spread | null;
  /** Share of lists whose first item would be another one. */
  readonly firstDiffersShare: number | null;
  /** Scores of the first items, each model's own. */
  readonly scores: { readonly serving: Spread | null; readonly dark: Spread | null };
  readonly latencyMs: { readonly serving: Spread | null; readonly dark: Spread | null };
  readonly bySurface: Readonly<Record<string, { readonly reads: number; readonly overlapAt10: number }>>;
}

const OVERLAPS = [1, 3, 5, 10, 25] as const;

/** Sums dark reads up. */
export function summarizeDarkReads(all: readonly DarkRead[]): DarkReport {
  const reads = all.filter(({ problem }) => problem === null);
  const overlap = (of: readonly DarkRead[], k: number): number =>
    meanOf(of.map(({ serving, dark }) => overlapAt(serving.pinIndexes, dark.pinIndexes, k)));
  const surfaces = [...new Set(reads.map(({ surface }) => surface))].sort();
  const scoresOf = (side: 'serving' | 'dark'): Spread | null => spreadOf(reads.flatMap((read) => [...read[side].scores]));
  return {
    reads: reads.length,
    problems: countBy(all.flatMap(({ problem }) => (problem === null ? [] : [problem]))),
    overlap: reads.length === 0 ? {} : Object.fromEntries(OVERLAPS.map((k) => [String(k), overlap(reads, k)])),
    rankChange: spreadOf(reads.flatMap(({ serving, dark }) => rankChanges(serving.pinIndexes, dark.pinIndexes))),
    kendallTau: spreadOf(reads.flatMap((read) => (read.kendallTau === null ? [] : [read.kendallTau]))),
    firstDiffersShare: reads.length === 0 ? null : 1 - overlap(reads, 1),
    scores: { serving: scoresOf('serving'), dark: scoresOf('dark') },
    latencyMs: {
      serving: spreadOf(reads.map(({ servingMs }) => servingMs)),
      dark: spreadOf(reads.map(({ darkMs }) => darkMs)),
    },
    bySurface: Object.fromEntries(
      surfaces.map((surface) => {
        const of = reads.filter((read) => read.surface === surface);
        return [surface, { reads: of.length, overlapAt10: overlap(of, 10) }];
      }),
    ),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function countBy(texts: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

/** How the lists of a log would differ under a model, from the logged rows of the shown items alone: the report before any traffic. */
export function darkReadsOfLog(data: LogData, scores: ListScores, darkModel: string): readonly DarkRead[] {
  return data.lists.map(({ recommendationId, at, surface, queryPinIndex, modelVersion }, list) => {
    const [from, to] = [data.listStart[list], data.listStart[list + 1]];
    const pinIndexes = data.pinIndexes.subarray(from, to);
    const shown = Float64Array.from(data.positions.subarray(from, to), (position) => -position);
    const dark = scores(list);
    return {
      recommendationId,
      at,
      surface,
      queryPinIndex,
      servingModel: modelVersion,
      darkModel,
      candidates: to - from,
      servingMs: 0,
      darkMs: 0,
      kendallTau: tauOfOrders(shown, dark),
      problem: null,
      serving: topItems(shown, pinIndexes),
      dark: topItems(dark, pinIndexes),
    };
  });
}
