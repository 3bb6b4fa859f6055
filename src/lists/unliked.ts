/**
 * Pins that are not liked push away what resembles them. The likeness of candidate c to an unliked pin u is the mean, over
 * the kinds of likeness that u has, of values within 0..1:
 *
 *   picture      2 x fc6 similarity - 1, at least 0: codes that agree no more than by chance are not alike
 *   categories   cosine
 *   words        cosine of the annotations
 *   boards       co-occurrence with u, as a share of the greatest that u has
 *   vectors      cosine of imported vectors, at least 0
 *
 * A kind that c lacks counts 0. The most similar unliked pin decides, and the score of the model falls:
 *
 *   score = score of the model - UNLIKE_WEIGHT x deviation x likeness
 *
 * where the deviation is the standard deviation of the model's scores of all candidates, so that the push is as strong
 * whatever the scale of the model.
 */
import type { CandidateList, ScoredPins } from '../candidates/candidate.ts';
import { FeatureColumns } from '../ranker/scoring/feature-columns.ts';
import { FEATURE_COLUMNS, fillFeatureColumns } from '../ranker/scoring/feature-table.ts';
import { ColumnStatistics } from '../ranker/scoring/normalizer.ts';
import type { Term } from '../ranker/scoring/ranker.ts';
import { DEFAULT_TREATMENT } from '../treatment.ts';
import { propose } from './propose.ts';
import { querySide } from './query-side.ts';
import type { Degradation, ServingParts } from './serving-parts.ts';

/** Standard deviations of the scores by which a pin falls that is just like an unliked one: from the top of a list to below its middle. */
export const UNLIKE_WEIGHT = 3;

const BOARDS = 'board-cooccurrence';

/** Of each candidate: its likeness to the unliked pin that it resembles most, 0..1, and which that is. */
export interface UnlikedLikeness {
  readonly likeness: Float64Array;
  readonly nearest: readonly string[];
}

/** Null without unliked pins. */
export async function likenessToUnliked(
  parts: ServingParts,
  unlike: readonly number[],
  candidates: CandidateList,
  degraded: Degradation[],
): Promise<UnlikedLikeness | null> {
  if (unlike.length === 0) return null;
  const likeness = new Float64Array(candidates.count).fill(-1);
  const nearest: string[] = new Array<string>(candidates.count);
  const table = new FeatureColumns(FEATURE_COLUMNS, candidates.count);
  const boards = parts.sources.filter(({ name }) => name === BOARDS);
  const asking = { limit: parts.limits.candidates, shares: parts.limits.sourceShares, alone: true, filtered: true, degraded };
  for (const pinIndex of unlike) {
    const [shared] = await propose(boards, { pinIndex, code: null }, asking);
    const kinds = kindsOf(parts, pinIndex, candidates, shared?.pins ?? null, table);
    const id = parts.pins.idOf(pinIndex);
    for (let row = 0; row < candidates.count; row++) {
      let sum = 0;
      for (const values of kinds) sum += values[row];
      const mean = kinds.length === 0 ? 0 : sum / kinds.length;
      if (mean <= likeness[row]) continue;
      likeness[row] = mean;
      nearest[row] = id;
    }
  }
  return { likeness, nearest };
}

/** A list of values per candidate for each kind of likeness that the pin has. */
function kindsOf(
  { pins, visual, vectors }: ServingParts,
  pinIndex: number,
  candidates: CandidateList,
  boards: ScoredPins | null,
  table: FeatureColumns,
): readonly ArrayLike<number>[] {
  const query = querySide(pinIndex, visual, DEFAULT_TREATMENT);
  table.begin(candidates.count);
  fillFeatureColumns({ query, candidates, pins, visual, vectors, user: null, engagement: null, now: 0 }, table);
  const column = (name: string): Float32Array => table.column(FEATURE_COLUMNS.indexOf(name)).slice(0, candidates.count);
  const kinds: ArrayLike<number>[] = [];
  if (query.code) kinds.push(column('fc6-similarity').map((share) => Math.max(0, 2 * share - 1)));
  if (pins.categories.length[pinIndex] > 0) kinds.push(column('category-cosine'));
  if (pins.annotations.length[pinIndex] > 0) kinds.push(column('annotation-cosine'));
  if (boards && boards.pinIndexes.length > 0) kinds.push(shareOfGreatest(boards, candidates));
  if (vectors.some((set) => set.rowOf(pinIndex) >= 0)) kinds.push(column('vector-cosine').map((cosine) => Math.max(0, cosine)));
  return kinds;
}

/** Each candidate's score in a list, as a share of the greatest; 0 for those that are not in it. */
function shareOfGreatest({ pinIndexes, scores }: ScoredPins, candidates: CandidateList): Float64Array {
  const byPin = new Map(Array.from(pinIndexes, (pin, at) => [pin, scores[at]]));
  const greatest = scores[0];
  return Float64Array.from({ length: candidates.count }, (_, row) => (byPin.get(candidates.pinIndexes[row]) ?? 0) / greatest);
}

/** Scores after the push, and the term that says so: the last one of a score. */
export interface PushedScores {
  readonly scores: Float64Array;
  termOf(row: number): Term;
}

export function pushedAway(scores: Float64Array, { likeness, nearest }: UnlikedLikeness): PushedScores {
  const spread = new ColumnStatistics();
  for (const score of scores) spread.add(score);
  // Where the model says nothing, likeness alone orders.
  const weight = -UNLIKE_WEIGHT * (spread.deviation || 1);
  return {
    scores: scores.map((score, row) => score + weight * likeness[row]),
    termOf: (row) => ({ feature: `unlike ${nearest[row]}`, value: likeness[row], weight, contribution: weight * likeness[row] }),
  };
}
