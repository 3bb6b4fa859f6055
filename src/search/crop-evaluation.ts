import type { NeighborIndex } from '../candidates/visual/neighbor-index.ts';
import type { ActivationSample } from '../features/itq.ts';
import { bootstrapMean } from '../math/bootstrap.ts';
import { ASK_NOTHING, type DotOutcome, dotOutcome, fitDotThresholds, type Knob, type LabelledDot, TABLE_5_ROWS } from './dot-thresholds.ts';
import { DOT_SIGNALS, type DotSignal, type DotThresholds, suppressingSignal } from './object-dots.ts';

/** A query whose right answers are the rows of its label. `photo` is the unit that intervals resample. */
interface LabelledQuery {
  readonly photo: number;
  readonly label: string;
  readonly code: Uint32Array;
}

/** A figure with its 95 % bootstrap interval, resampled by photo. */
export interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

interface PrecisionRow {
  readonly p1: Figure;
  readonly p5: Figure;
  readonly p10: Figure;
  readonly queries: number;
}

/**
 * P@k: the share of the k nearest rows that carry the query's label; `labels[row]` is the label of an index row.
 * Rows that are not found count as wrong.
 */
export async function precisionAtRanks(
  queries: readonly LabelledQuery[],
  index: NeighborIndex<Uint32Array>,
  labels: readonly string[],
): Promise<PrecisionRow> {
  const shares: { photo: number; value: number }[][] = [[], [], []];
  for (const { photo, label, code } of queries) {
    const { pinIndexes } = await index.search(code, 10);
    for (const [i, k] of [1, 5, 10].entries()) {
      const right = pinIndexes.subarray(0, k).filter((row) => labels[row] === label).length;
      shares[i].push({ photo, value: right / k });
    }
  }
  const [p1, p5, p10] = shares.map((rows) => meanInterval(rows));
  return { p1, p5, p10, queries: queries.length };
}

/** Mean and interval of values that come in clusters (photos); the same seed, the same interval. Zeros without rows. */
export function meanInterval(rows: readonly { readonly photo: number; readonly value: number }[], seed = 1): Figure {
  const values = rows.map(({ value }) => value);
  const photos = rows.map(({ photo }) => photo);
  const { mean, low, high } = bootstrapMean(values, seed, photos);
  return { value: mean, low, high };
}

/** A dot and the photo it is on. */
export interface PhotoDot extends LabelledDot {
  readonly photo: number;
}

/** One row in the shape of the paper's Table 5: thresholds fitted on one half of the photos, judged on the other. */
interface DotRow {
  readonly signals: readonly Knob[];
  readonly thresholds: DotThresholds;
  readonly fitted: DotOutcome;
  readonly judged: DotOutcome;
  /** Share of false dots removed on the judged half. */
  readonly falseRemoved: Figure;
  /** Share of right dots kept on the judged half. */
  readonly recall: Figure;
  /** More false dots removed than by the detector's confidence alone at the same recall, in shares; paired by photo. */
  readonly overScore: Figure;
}

/** Photos of even number are fitted on, those of odd number judged. */
export function dotTable(dots: readonly PhotoDot[], recall: number): readonly DotRow[] {
  const fitHalf = dots.filter((dot) => dot.photo % 2 === 0);
  const judgeHalf = dots.filter((dot) => dot.photo % 2 === 1);
  return TABLE_5_ROWS.flatMap((signals): DotRow[] => {
    const thresholds = fitDotThresholds(fitHalf, signals, recall);
    return thresholds === null ? [] : [judgedRow(signals, thresholds, fitHalf, judgeHalf)];
  });
}

function judgedRow(
  signals: readonly Knob[],
  thresholds: DotThresholds,
  fitHalf: readonly PhotoDot[],
  judgeHalf: readonly PhotoDot[],
): DotRow {
  const shows = (dot: PhotoDot, by: DotThresholds): boolean => suppressingSignal(dot.score, dot.signals, by) === null;
  const share = (right: boolean, value: (dot: PhotoDot) => number): Figure =>
    meanInterval(judgeHalf.filter((dot) => dot.right === right).map((dot) => ({ photo: dot.photo, value: value(dot) })));
  const judged = dotOutcome(judgeHalf, thresholds);
  const alone = { ...ASK_NOTHING, score: scoreKeeping(judgeHalf, judged.recall) };
  return {
    signals,
    thresholds,
    fitted: dotOutcome(fitHalf, thresholds),
    judged,
    falseRemoved: share(false, (dot) => (shows(dot, thresholds) ? 0 : 1)),
    recall: share(true, (dot) => (shows(dot, thresholds) ? 1 : 0)),
    overScore: share(false, (dot) => Number(shows(dot, alone)) - Number(shows(dot, thresholds))),
  };
}

/** The highest detector score that keeps at least this share of the right dots. */
function scoreKeeping(dots: readonly PhotoDot[], recall: number): number {
  const scores = dots
    .filter((dot) => dot.right)
    .map((dot) => dot.score)
    .sort((a, b) => b - a);
  return scores[Math.max(0, Math.ceil(recall * scores.length - 1e-9) - 1)] ?? 0;
}

/** What each threshold alone does, step by step: precision and recall of shown dots. */
export function dotSweeps(dots: readonly LabelledDot[]): Readonly<Record<Knob, readonly ({ threshold: number } & DotOutcome)[]>> {
  const sweep = (knob: Knob) => {
    const values = dots.flatMap((dot) => (knob === 'score' ? dot.score : (dot.signals[knob as DotSignal] ?? []))).sort((a, b) => a - b);
    const steps = Array.from({ length: 11 }, (_, i) => values[Math.floor((i / 10) * (values.length - 1))] ?? 0);
    return [...new Set(steps)].map((threshold) => ({ threshold, ...dotOutcome(dots, { ...ASK_NOTHING, [knob]: threshold }) }));
  };
  return {
    score: sweep('score'),
    ...(Object.fromEntries(DOT_SIGNALS.map((signal) => [signal, sweep(signal)])) as Record<DotSignal, ReturnType<typeof sweep>>),
  };
}

/** A query object, the scenes that were found and those that are right, as photo numbers. */
export interface FoundScenes {
  readonly photo: number;
  readonly found: readonly number[];
  readonly scenes: ReadonlySet<number>;
}

/** recall@10: scenes among the first ten, over the scenes there are (ten at most); rows without a scene are left out. */
export function sceneRecall(rows: readonly FoundScenes[]): Figure {
  return meanInterval(
    rows
      .filter(({ scenes }) => scenes.size > 0)
      .map(({ photo, found, scenes }) => ({
        photo,
        value: found.slice(0, 10).filter((scene) => scenes.has(scene)).length / Math.min(10, scenes.size),
      })),
  );
}

/** P@10: right scenes among the first ten, over ten; scenes that are not found count as wrong. */
export function scenePrecision(rows: readonly FoundScenes[]): Figure {
  return meanInterval(
    rows.map(({ photo, found, scenes }) => ({ photo, value: found.slice(0, 10).filter((scene) => scenes.has(scene)).length / 10 })),
  );
}

/** Every n-th vector, n = floor(count / 2,000), 1 at least: of many, 2,000 to 3,999 are fitted on. Row-major, one vector a row. */
export function activationSample(vectors: readonly Float32Array[]): ActivationSample {
  const step = Math.max(1, Math.floor(vectors.length / 2000));
  const chosen = vectors.filter((_, i) => i % step === 0);
  const length = chosen[0]?.length ?? 0;
  const data = new Float32Array(chosen.length * length);
  for (const [i, vector] of chosen.entries()) data.set(vector, i * length);
  return { rows: chosen.length, length, data };
}
