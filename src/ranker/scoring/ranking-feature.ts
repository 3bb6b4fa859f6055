/**
 * The contract of a ranking feature: one file each in `ranking-features/`, one or more columns of the feature table.
 * A value that is missing stays 0, and is normalized like any other; indicator columns tell the model that it was missing.
 */
import type { CandidateList } from '../../candidates/candidate.ts';
import type { PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { VisualFeatures } from '../../features/visual-features.ts';
import type { CandidatePins } from './candidate-pins.ts';
import type { FeatureColumns } from './feature-columns.ts';

/** What existed before the visual work; plain visual likeness; category crosses; the dominant object; imported vectors. */
export const FEATURE_SETS = ['control', 'visual', 'cross', 'object', 'vectors'] as const;
export type FeatureSet = (typeof FEATURE_SETS)[number];

/** A dominant object's crop: its class, binary code and class scores. */
type DominantObject = NonNullable<ReturnType<VisualFeatures['objectOf']>>;

/** The query side of a list. A home feed has neither pin nor code: the user's history speaks for it. */
export interface QuerySide {
  /** -1: an uploaded image or a home feed. */
  readonly pinIndex: number;
  /** Code and class scores of the image, or of its dominant object when the treatment says so; null when missing. */
  readonly code: Uint32Array | null;
  readonly classScores: Float32Array | null;
  /** The query's dominant object, whatever the treatment; null without one. */
  readonly dominantObject: DominantObject | null;
}

/** A weight by pin; undefined where there is none. */
export interface SummedWeights {
  get(pinIndex: number): number | undefined;
}

/** A user's history in sums, made once per request by `summarizeHistory`. */
export interface UserHistory {
  /** Weights by category ordinal of the pin columns, L2-normalized. */
  readonly categories: Float32Array;
  /** Pins that share boards with the history, with their summed weights; null when not looked up. */
  readonly cooccurrence: SummedWeights | null;
  /** Weighted bit-wise majority of the history's binary codes; null without any. */
  readonly code: Uint32Array | null;
}

/** Past engagement of query-candidate pairs: clicks over expected clicks, shrunk towards 1 and decayed; 0 where unknown. */
export interface PairEngagement {
  /** False, and `out` as it was, when nothing is known of the query. */
  clicksOverExpected(queryPinIndex: number, pinIndexes: Int32Array, count: number, out: Float32Array): boolean;
}

/** What ranking reads of a set of imported vectors. */
export interface VectorCosines {
  /** Below 0: the pin has no vector. */
  rowOf(pinIndex: number): number;
  /** Cosines of a pin's vector with those of `count` others; NaN where one is missing. */
  cosinesInto(pinIndex: number, pinIndexes: Int32Array, count: number, out: Float32Array): void;
}

/** What a caller hands to the feature table. */
export interface RankingRequest {
  readonly query: QuerySide;
  readonly candidates: CandidateList;
  readonly pins: PinColumns;
  readonly visual: VisualFeatures | null;
  /** Imported vectors, a set per name; absent: none. */
  readonly vectors?: readonly VectorCosines[];
  readonly user: UserHistory | null;
  readonly engagement: PairEngagement | null;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The request, and what several features share, each looked up or computed once; the similarities are NaN where a side is missing. */
export interface RankingInputs extends RankingRequest {
  readonly candidatePins: CandidatePins;
  /** 1 - Hamming / bits. */
  readonly fc6: Float32Array;
  /** Cosine of the class scores. */
  readonly fc8: Float32Array;
  /** As fc6, of the code of the user's history and of the query's dominant object in place of the query's. */
  readonly userFc6: Float32Array;
  readonly cropFc6: Float32Array;
}

export interface RankingFeature {
  readonly name: string;
  readonly set: FeatureSet;
  readonly columns: readonly string[];
  /** By column: 1 where more of it can't speak against a candidate, so that training keeps its weight at 0 or above; absent: free. */
  readonly signs?: readonly (0 | 1)[];
  /** True where the treatment's visual weight factor multiplies the weights of all columns. */
  readonly visualWeight?: boolean;
  /** Writes columns `firstColumn ..`; a column comes zeroed, one that is never asked for stays zero. */
  fill(inputs: RankingInputs, out: FeatureColumns, firstColumn: number): void;
}
