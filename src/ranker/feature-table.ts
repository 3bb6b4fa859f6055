/**
 * The ranking features in the order of their columns, and the matrix of a request: a row per candidate, a column per
 * feature, used by this model or not. The order is part of the log's format: new columns go to the end.
 */
import { type Matrix, zeroMatrix } from '../math/matrix.ts';
import type { RankingFeature, RankingInputs } from './ranking-feature.ts';
import { annotationCosine } from './ranking-features/annotation-cosine.ts';
import { candidateSource } from './ranking-features/candidate-source.ts';
import { CATEGORY_CROSSES, categoryCross } from './ranking-features/category-cross.ts';
import { categoryCosine } from './ranking-features/category-cosine.ts';
import { cooccurrenceScore } from './ranking-features/cooccurrence-score.ts';
import { dominantObject } from './ranking-features/dominant-object.ts';
import { fc6Similarity } from './ranking-features/fc6-similarity.ts';
import { fc8Similarity } from './ranking-features/fc8-similarity.ts';
import { freshness } from './ranking-features/freshness.ts';
import { nearDuplicate } from './ranking-features/near-duplicate.ts';
import { pastEngagement } from './ranking-features/past-engagement.ts';
import { popularity } from './ranking-features/popularity.ts';
import { sameDomain } from './ranking-features/same-domain.ts';
import { titleSimilarity } from './ranking-features/title-similarity.ts';
import { userAffinity } from './ranking-features/user-affinity.ts';

export const FEATURE_SETS = {
  control: [cooccurrenceScore, candidateSource, annotationCosine, titleSimilarity, categoryCosine, sameDomain, popularity, freshness, pastEngagement],
  visual: [fc6Similarity, fc8Similarity, nearDuplicate],
  cross: [categoryCross],
  object: [dominantObject],
  affinity: [userAffinity],
} as const satisfies Record<string, readonly RankingFeature[]>;

export type FeatureSetName = keyof typeof FEATURE_SETS;
export const FEATURE_SET_NAMES = Object.keys(FEATURE_SETS) as readonly FeatureSetName[];

const FEATURES: readonly RankingFeature[] = FEATURE_SET_NAMES.flatMap((name) => [...FEATURE_SETS[name]]);
export const COLUMN_NAMES: readonly string[] = FEATURES.flatMap((feature) => [...feature.columns]);

/** Columns whose weights a treatment's visual weight factor multiplies (not the indicators). */
export const VISUAL_WEIGHT_COLUMNS: ReadonlySet<string> = new Set(['fc6 similarity', 'fc8 similarity', ...CATEGORY_CROSSES]);

/** The columns of some feature sets, in table order. */
export function columnsOf(sets: readonly FeatureSetName[]): readonly string[] {
  return FEATURE_SET_NAMES.filter((name) => sets.includes(name)).flatMap((name) => FEATURE_SETS[name].flatMap((feature: RankingFeature) => [...feature.columns]));
}

/** Fills the matrix of a request: `inputs.candidates.count` rows x all columns of the table. */
export function featureMatrix(inputs: RankingInputs): Matrix {
  const matrix = zeroMatrix(inputs.candidates.count, COLUMN_NAMES);
  let column = 0;
  for (const feature of FEATURES) {
    feature.fill(inputs, matrix, column);
    column += feature.columns.length;
  }
  return matrix;
}
