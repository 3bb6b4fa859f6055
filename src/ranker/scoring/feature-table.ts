/**
 * The ordered list of ranking features: this is the column order of every matrix, log row, model and explanation. To add
 * a feature, add its file and its line; columns are looked up by name everywhere, so older logs and models stay readable.
 */
import type { CodeTable } from '../../features/visual-features.ts';
import type { Matrix } from '../../math/matrix.ts';
import { CandidatePins } from './candidate-pins.ts';
import { FeatureColumns } from './feature-columns.ts';
import { annotationCosine } from '../ranking-features/annotation-cosine.ts';
import { candidateSources } from '../ranking-features/candidate-sources.ts';
import { categoryCosine } from '../ranking-features/category-cosine.ts';
import { clicksOverExpected } from '../ranking-features/clicks-over-expected.ts';
import { cooccurrenceScore } from '../ranking-features/cooccurrence-score.ts';
import { dominantGroupFc6 } from '../ranking-features/dominant-group-fc6.ts';
import { dominantObject } from '../ranking-features/dominant-object.ts';
import { dominantSimilarities } from '../ranking-features/dominant-similarities.ts';
import { fc6CategoryCrosses } from '../ranking-features/fc6-category-crosses.ts';
import { fc6Similarity } from '../ranking-features/fc6-similarity.ts';
import { fc8Similarity } from '../ranking-features/fc8-similarity.ts';
import { freshness } from '../ranking-features/freshness.ts';
import { nearDuplicate } from '../ranking-features/near-duplicate.ts';
import { objectCropSimilarity } from '../ranking-features/object-crop-similarity.ts';
import { popularity } from '../ranking-features/popularity.ts';
import { sameDomain } from '../ranking-features/same-domain.ts';
import { titleSimilarity } from '../ranking-features/title-similarity.ts';
import { userCategoryAffinity } from '../ranking-features/user-category-affinity.ts';
import { userCooccurrence } from '../ranking-features/user-cooccurrence.ts';
import { userVisualLikeness } from '../ranking-features/user-visual-likeness.ts';
import { vectorSimilarity } from '../ranking-features/vector-similarity.ts';
import { visualIndicators } from '../ranking-features/visual-indicators.ts';
import type { FeatureSet, RankingFeature, RankingInputs, RankingRequest } from './ranking-feature.ts';
import { similaritiesTo } from '../../features/code-similarity.ts';

export const FEATURE_TABLE: readonly RankingFeature[] = [
  cooccurrenceScore,
  candidateSources,
  annotationCosine,
  titleSimilarity,
  categoryCosine,
  sameDomain,
  popularity,
  freshness,
  clicksOverExpected,
  userCategoryAffinity,
  userCooccurrence,
  fc6Similarity,
  fc8Similarity,
  visualIndicators,
  nearDuplicate,
  userVisualLikeness,
  fc6CategoryCrosses,
  dominantObject,
  dominantGroupFc6,
  dominantSimilarities,
  objectCropSimilarity,
  vectorSimilarity,
];

/** Every column of the table, in order. */
export const FEATURE_COLUMNS: readonly string[] = Object.freeze(FEATURE_TABLE.flatMap((feature) => feature.columns));

/** The columns of these sets, in table order. */
export function columnsOf(sets: readonly FeatureSet[]): readonly string[] {
  return FEATURE_TABLE.filter((feature) => sets.includes(feature.set)).flatMap((feature) => feature.columns);
}

/** The columns whose weights the treatment's visual weight factor multiplies. */
export const VISUAL_WEIGHT_COLUMNS: ReadonlySet<string> = new Set(
  FEATURE_TABLE.filter((feature) => feature.visualWeight).flatMap((feature) => feature.columns),
);

/** One row per candidate, one column per ranking feature of the table, raw. */
export function buildFeatureRows(request: RankingRequest): Matrix {
  const columns = new FeatureColumns(FEATURE_COLUMNS, request.candidates.count);
  fillFeatureColumns(request, columns);
  return columns.matrix();
}

/** Fills the columns of the table, which `out` has begun for as many rows as there are candidates. */
export function fillFeatureColumns(request: RankingRequest, out: FeatureColumns): void {
  const inputs = inputsOf(request);
  let firstColumn = 0;
  for (const feature of FEATURE_TABLE) {
    feature.fill(inputs, out, firstColumn);
    firstColumn += feature.columns.length;
  }
}

/** Filled and read within one call of `fillFeatureColumns`, which does not wait for anything. */
const candidatePins = new CandidatePins();

function inputsOf(request: RankingRequest): RankingInputs {
  // Named field by field: a spread of a class instance would lose its getters.
  const { query, candidates, pins, visual, vectors, user, engagement, now } = request;
  const { pinIndexes, count } = candidates;
  // First, while the records that the merge has read are still at hand.
  candidatePins.take(pins, query.pinIndex, pinIndexes, count, user?.categories ?? null);
  const codes = [query.code, user?.code ?? null, query.dominantObject?.code ?? null];
  const [fc6, userFc6, cropFc6] = fc6Of(codes, visual?.image ?? null, pinIndexes, count);
  const fc8 = new Float32Array(count);
  if (visual && query.classScores) visual.imageScores.cosines(query.classScores, pinIndexes, count, fc8);
  else fc8.fill(Number.NaN);
  return { query, candidates, candidatePins, pins, visual, vectors, user, engagement, now, fc6, fc8, userFc6, cropFc6 };
}

/** Similarities of each code, all NaN for one that is missing. */
function fc6Of(codes: readonly (Uint32Array | null)[], table: CodeTable | null, pinIndexes: Int32Array, count: number): Float32Array[] {
  const outs = codes.map((code) => (code && table ? new Float32Array(count) : new Float32Array(count).fill(Number.NaN)));
  const there = codes.flatMap((code, c) => (code ? [{ code, out: outs[c] }] : []));
  if (table)
    similaritiesTo(
      there.map(({ code }) => code),
      table,
      pinIndexes,
      there.map(({ out }) => out),
    );
  return outs;
}
