/** The contract of whatever orders candidates: a linear model, a baseline, an imported net. */
import type { Surface } from '../../catalog/log/served-list.ts';
import type { CandidateList } from '../../candidates/candidate.ts';
import type { Matrix } from '../../math/matrix.ts';
import type { FeatureColumns } from './feature-columns.ts';

/** What a ranker may look at: row r of everything is candidate r. */
export interface ScoringInputs {
  /** Raw ranking features, a row per candidate, as `buildFeatureRows` fills them. */
  readonly rows: Matrix;
  /** The same column by column, while a request is being served: what linear models read. */
  readonly table?: FeatureColumns;
  readonly candidates: CandidateList;
  /** `visualWeightFactorOf(treatment, hasDominantObject)`. */
  readonly visualWeightFactor: number;
}

/** One term of a score: contribution = weight x normalized value; `value` is the raw one. */
export interface Term {
  readonly feature: string;
  readonly value: number;
  readonly weight: number;
  readonly contribution: number;
}

export interface Ranker {
  /** The model version that replies and logs carry. */
  readonly name: string;
  /** Digest of the net whose visual features it was trained on; null: none, or it does not matter. */
  readonly netDigest: string | null;
  /** The only surface whose lists it orders; absent: every surface. */
  readonly surface?: Surface;
  /** A score per candidate; higher is better. Throws RangeError on NaN. Only imported nets answer with a promise. */
  score(inputs: ScoringInputs): Float64Array | Promise<Float64Array>;
  /** The terms of candidate `row`; added from left to right, starting at 0, the contributions give its score to the bit. */
  explain(inputs: ScoringInputs, row: number): readonly Term[] | Promise<readonly Term[]>;
}
