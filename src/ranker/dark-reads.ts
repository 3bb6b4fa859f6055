/** A candidate model scores live lists beside the serving one; nothing is shown. What would have been different? */
import type { LogData } from './log-data.ts';
import type { ListScores } from './holdout-report.ts';
import type { Ranker, ScoringInputs } from './ranker.ts';
import { kendallTau } from './ranking-metrics.ts';

/** One dark read of a served list. */
export interface DarkRead {
  readonly model: string;
  readonly latencyMs: number;
  /** Of the serving model's and the dark model's first items, how many are the same. */
  readonly overlapAt10: number;
  /** Kendall's tau of the two orders of all candidates; null where one ties everything. */
  readonly kendallTau: number | null;
  /** The first item would have been another one. */
  readonly firstDiffers: boolean;
}

const TOP = 10;

/** Scores a request with the dark model, after the reply was sent. */
export async function readInTheDark(dark: Ranker, inputs: ScoringInputs, served: Float64Array): Promise<DarkRead> {
  const startedAt = performance.now();
  const scores = await dark.score(inputs);
  const latencyMs = performance.now() - startedAt;
  return { model: dark.name, latencyMs, ...compareOrders(served, scores) };
}

export function compareOrders(a: ArrayLike<number>, b: ArrayLike<number>): Omit<DarkRead, 'model' | 'latencyMs'> {
  const firstOfA = firstItems(a);
  const firstOfB = firstItems(b);
  const overlapAt10 = firstOfA.filter((item) => firstOfB.includes(item)).length;
  // Tau is quadratic: of very long lists the first part says enough.
  const tau = a.length > TAU_ITEMS ? kendallTau(firstPart(a), firstPart(b)) : kendallTau(a, b);
  return { overlapAt10, kendallTau: tau, firstDiffers: firstOfA[0] !== firstOfB[0] };
}

const TAU_ITEMS = 200;
const firstPart = (scores: ArrayLike<number>): number[] => Array.from({ length: TAU_ITEMS }, (_, item) => scores[item]);

function firstItems(scores: ArrayLike<number>): number[] {
  const order = Array.from({ length: scores.length }, (_, item) => item);
  return order.sort((x, y) => scores[y] - scores[x] || x - y).slice(0, TOP);
}

export interface DarkReport {
  readonly reads: number;
  readonly overlapAt10: number;
  readonly kendallTau: number;
  readonly firstDiffersShare: number;
  readonly latencyMsMean: number | null;
}

/** Sums dark reads up. */
export function summarizeDarkReads(reads: readonly DarkRead[]): DarkReport {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return {
    reads: reads.length,
    overlapAt10: mean(reads.map((read) => read.overlapAt10)),
    kendallTau: mean(reads.flatMap((read) => (read.kendallTau === null ? [] : [read.kendallTau]))),
    firstDiffersShare: mean(reads.map((read) => (read.firstDiffers ? 1 : 0))),
    latencyMsMean: reads.length > 0 ? mean(reads.map((read) => read.latencyMs)) : null,
  };
}

/** How the lists of a log would differ under a model, from the logged rows alone: the report before any traffic. */
export function darkReportOfLog(data: LogData, scores: ListScores, model: string): DarkReport {
  const reads = data.lists.map((_, list) => {
    const served = Array.from(
      data.positions.subarray(data.listStart[list], data.listStart[list + 1]),
      (position) => -position,
    );
    return { model, latencyMs: 0, ...compareOrders(served, scores(list)) };
  });
  return { ...summarizeDarkReads(reads), latencyMsMean: null };
}
