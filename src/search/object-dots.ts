import type { PinObject } from '../detection/pin-objects.ts';
import { aggregatedTerms } from './annotation-terms.ts';
import { categoryConformity } from './category-conformity.ts';
import type { VisualResult, VisualSearchSources } from './flashlight.ts';
import type { ObjectIndex } from './object-index.ts';

/** What the search says about a crop: how confident it is that its own answer makes sense (paper, section 7). */
export interface DotSignals {
  /** 1 - Hamming / bits of the best result that is neither the image itself nor a near-duplicate; 0 without results. */
  readonly visual: number;
  /** Top aggregated tf-idf of the first 50 results. */
  readonly annotation: number;
  /** Largest share of results in one category; null when too few are labelled to tell. */
  readonly conformity: number | null;
  /**
   * How far the nearest objects agree with the detector's label (ours, not the paper's); null when it is unknown.
   * Conformity asks whether results agree with each other, and a belt found on trousers has results that agree very well,
   * on trousers.
   */
  readonly agreement: number | null;
}

/** In the order in which thresholds are asked: the first signal that falls short is the one named. */
export const DOT_SIGNALS = ['visual', 'annotation', 'conformity', 'agreement'] as const;
export type DotSignal = (typeof DOT_SIGNALS)[number];

/** The least each signal must reach; 0 asks nothing. `score` is the detector's own confidence. */
export interface DotThresholds extends Readonly<Record<DotSignal, number>> {
  readonly score: number;
}

/**
 * Before thresholds are fitted on truth: the detector's 0.3 alone. (Published were 1.0, 1000 and 0.8 with a detection
 * threshold of 0.7, in units that the paper does not define.)
 */
export const UNFITTED_DOTS: DotThresholds = { score: 0.3, visual: 0, annotation: 0, conformity: 0, agreement: 0 };

/** What dots are judged by: searches among whole images, and the objects of other pictures. */
export interface DotSources extends VisualSearchSources {
  readonly objects: ObjectIndex;
}

/** A detection to judge: what it is called, its binary code, the pin it is in (-1: an upload). */
interface DotQuery {
  readonly label: string;
  readonly code: Uint32Array;
  readonly pinIndex: number;
}

/** The signals of one detection; `results` of its search hold neither the image nor its near-duplicates. */
export function dotSignals(
  { label, code, pinIndex }: DotQuery,
  results: readonly VisualResult[],
  { columns, idf, bits, objects }: DotSources,
): DotSignals {
  const pinIndexes = results.map((result) => result.pinIndex);
  const nearest = results.reduce((best, result) => Math.min(best, result.distance), bits);
  return {
    visual: 1 - nearest / bits,
    annotation: aggregatedTerms(pinIndexes, columns, idf, 1)[0]?.weight ?? 0,
    conformity: categoryConformity(pinIndexes, columns).share,
    agreement: objects.agreement(code, label, pinIndex, columns),
  };
}

/** The first signal that falls short, or null when the dot is shown. An unknown signal takes no dot. */
export function suppressingSignal(score: number, signals: DotSignals, thresholds: DotThresholds): DotSignal | 'score' | null {
  if (score < thresholds.score) return 'score';
  for (const signal of DOT_SIGNALS) {
    const value = signals[signal];
    if (typeof value === 'number' && value < thresholds[signal]) return signal;
  }
  return null;
}

/** How sure the search is of a dot, for ranking dots: score x visual x conformity, unknown conformity as 0.5. */
function dotConfidence(score: number, { visual, conformity }: DotSignals): number {
  return score * visual * (conformity ?? 0.5);
}

/** An object with what the search said about it. */
export interface JudgedObject extends PinObject {
  readonly signals: DotSignals;
}

/**
 * Objects judged by their searches, most confident first; those that fall short are listed but not shown. What is asked may differ by
 * detector: the scores of one are not those of another.
 * `signals[i]` are those of `objects[i]`; throws RangeError where they differ in number.
 */
export function judgeDots(
  objects: readonly PinObject[],
  signals: readonly DotSignals[],
  thresholdsOf: (object: PinObject) => DotThresholds,
): readonly JudgedObject[] {
  if (objects.length !== signals.length) throw new RangeError(`signals: expected ${objects.length}, got ${signals.length}`);
  return objects
    .map((object, i): JudgedObject => {
      const by = suppressingSignal(object.score, signals[i], thresholdsOf(object));
      return { ...object, shown: by === null, signals: signals[i], ...(by === null ? {} : { suppressedBy: by }) };
    })
    .sort((a, b) => dotConfidence(b.score, b.signals) - dotConfidence(a.score, a.signals));
}
