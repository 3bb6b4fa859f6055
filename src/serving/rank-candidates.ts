import type { CandidateList } from '../candidates/candidate.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { deriveSeed, seededRandom } from '../math/random.ts';
import { asRetrieved } from '../ranker/baselines.ts';
import { buildFeatureRows } from '../ranker/feature-table.ts';
import type { Ranker, ScoringInputs } from '../ranker/ranker.ts';
import type { QuerySide, UserHistory } from '../ranker/ranking-feature.ts';
import { visualWeightFactorOf } from '../ranker/treatment.ts';
import type { PageCursor } from './page-cursor.ts';
import { writeCursor } from './page-cursor.ts';
import type { ListOptions, RankedList, StageTimings } from './ranked-list.ts';
import { bestRows } from './row-order.ts';
import type { Degradation, ServingParts } from './serving-parts.ts';
import { shuffledSlice } from './shuffled-slice.ts';

/** Everything that is known once the candidates are there. */
export interface Gathered {
  readonly surface: RankedList['surface'];
  readonly options: ListOptions;
  readonly query: QuerySide;
  readonly candidates: CandidateList;
  readonly user: UserHistory | null;
  readonly cursor: PageCursor | null;
  /** Names the list in its cursor. */
  readonly cursorName: string;
  readonly shuffledShare: number;
  readonly degraded: Degradation[];
  readonly missing: readonly string[];
  readonly startedAt: number;
}

/** Candidates -> feature rows -> scores -> the page. A model that breaks is replaced by the order of retrieval, and the reply says so. */
export async function rankCandidates(parts: ServingParts, gathered: Gathered): Promise<RankedList> {
  const { candidates, options, query, cursor, degraded } = gathered;
  const timings: StageTimings = { candidatesMs: 0, rowsMs: 0, scoresMs: 0, orderMs: 0 };
  let mark = gathered.startedAt;
  const lap = (stage: keyof StageTimings): void => {
    const now = performance.now();
    timings[stage] = now - mark;
    mark = now;
  };
  lap('candidatesMs');
  const { pins, visual, engagement } = parts;
  const now = cursor?.at ?? options.now;
  const rows = buildFeatureRows({ query, candidates, pins, visual, user: gathered.user, engagement, now });
  lap('rowsMs');
  const factor = visualWeightFactorOf(options.treatment, query.dominantObject !== null);
  const inputs: ScoringInputs = { rows, candidates, visualWeightFactor: factor };
  const { ranker, scores } = await scoresOf(parts, options, inputs, degraded);
  lap('scoresMs');
  const best = bestRows(scores, candidates.pinIndexes, options.limit);
  const share = cursor === null ? gathered.shuffledShare : 0;
  const random = seededRandom(deriveSeed(1, options.recommendationId));
  const { page, shuffled, propensities } = shuffledSlice(best, share, random);
  lap('orderMs');
  return {
    surface: gathered.surface,
    queryPinIndex: query.pinIndex,
    options,
    ranker,
    inputs,
    candidates,
    rows,
    scores,
    page,
    firstPosition: (cursor?.shown.length ?? 0) + 1,
    propensities,
    shuffled,
    nextCursor: candidates.count > page.length ? nextCursor(gathered, page, now) : null,
    degraded,
    missing: gathered.missing,
    timings,
  };
}

async function scoresOf(
  parts: ServingParts,
  options: ListOptions,
  inputs: ScoringInputs,
  degraded: Degradation[],
): Promise<{ ranker: Ranker; scores: Float64Array }> {
  const { treatment, userId, arm, forced } = options;
  try {
    const found = parts.ranker(treatment.model, userId);
    const ranker = found instanceof Promise ? await found : found;
    const scores = ranker.score(inputs);
    return { ranker, scores: scores instanceof Promise ? await scores : scores };
  } catch (error) {
    const unknown = error instanceof ServiceError && error.code === 'RANKER_MODEL_UNKNOWN';
    if (unknown && (arm === null || forced || treatment.model === null)) throw error;
    // The model of an experiment's arm is gone: the promoted one serves, and the experiment's report says broken.
    if (unknown) degraded.push({ code: 'RANKER_MODEL_UNKNOWN', reason: `${reasonOf(error)} (arm ${arm})` });
    if (unknown) return scoresOf(parts, { ...options, treatment: { ...treatment, model: null } }, inputs, degraded);
    degraded.push({ code: 'RANKER_MODEL_REFUSED', reason: reasonOf(error) });
    const scores = asRetrieved.score(inputs);
    return { ranker: asRetrieved, scores: scores instanceof Promise ? await scores : scores };
  }
}

function nextCursor({ cursor, candidates, cursorName }: Gathered, page: Int32Array, at: number): string {
  const shown = [...(cursor?.shown ?? []), ...Array.from(page, (row) => candidates.pinIndexes[row])];
  return writeCursor({ at, shown: shown.sort((a, b) => a - b) }, cursorName);
}
