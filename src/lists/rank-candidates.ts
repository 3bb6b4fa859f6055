import type { CandidateList } from '../candidates/candidate.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { Matrix } from '../math/matrix.ts';
import { asRetrieved } from '../ranker/measures/baselines.ts';
import type { FeatureColumns } from '../ranker/scoring/feature-columns.ts';
import { FEATURE_COLUMNS, fillFeatureColumns } from '../ranker/scoring/feature-table.ts';
import type { Ranker, ScoringInputs, Term } from '../ranker/scoring/ranker.ts';
import { suits } from '../ranker/registry/serving-models.ts';
import type { QuerySide, UserHistory } from '../ranker/scoring/ranking-feature.ts';
import { visualWeightFactorOf } from '../treatment.ts';
import { writeCursor } from './page-cursor.ts';
import type { RankedList, StageTimings } from './ranked-list.ts';
import { type OrderedFor, orderPage, type PageOrder } from './page-order.ts';
import { RowScratch } from './row-scratch.ts';
import { drawUnserved } from './served-record.ts';
import type { Degradation, ServingParts } from './serving-parts.ts';
import { pushedAway, type PushedScores, type UnlikedLikeness } from './unliked.ts';

/** Everything that is known once the candidates are there. */
interface Gathered extends Omit<OrderedFor, 'explores'> {
  readonly surface: RankedList['surface'];
  readonly query: QuerySide;
  readonly user: UserHistory | null;
  /** Names the list in its cursor. */
  readonly cursorName: string;
  /** Of lists with unliked examples: how much each candidate resembles them; null or absent: nothing is pushed away. */
  readonly unliked?: UnlikedLikeness | null;
  readonly degraded: Degradation[];
  readonly missing: readonly string[];
  readonly startedAt: number;
}

/** Candidates -> feature rows -> scores -> the page. A model that breaks is replaced by the order of retrieval, and the reply says so. */
export async function rankCandidates(parts: ServingParts, gathered: Gathered): Promise<RankedList> {
  const { options, query, cursor, degraded } = gathered;
  degraded.push(...(options.degraded ?? []));
  const timings: StageTimings = { candidatesMs: 0, rowsMs: 0, scoresMs: 0, orderMs: 0 };
  let mark = gathered.startedAt;
  const lap = (stage: keyof StageTimings): void => {
    const now = performance.now();
    timings[stage] = now - mark;
    mark = now;
  };
  lap('candidatesMs');
  const { pins, visual, vectors, engagement, limits } = parts;
  const now = cursor?.at ?? options.now;
  // A caller's own list is kept as it is.
  const explores = gathered.surface !== 'rank';
  const request = { query, candidates: gathered.candidates, pins, visual, vectors, user: gathered.user, engagement, now };
  const table = scratch.take(gathered.candidates.count);
  try {
    fillFeatureColumns(request, table);
    lap('rowsMs');
    const factor = visualWeightFactorOf(options.treatment, query.dominantObject !== null);
    const inputs = scoringInputs(table, gathered.candidates, factor);
    const { ranker, scores: own } = await scoresOf(parts, gathered, inputs);
    const pushed = gathered.unliked ? pushedAway(own, gathered.unliked) : null;
    const scores = pushed?.scores ?? own;
    lap('scoresMs');
    const { page, candidates, shuffled, propensities, placings, composed } = orderPage(parts, { ...gathered, explores }, scores);
    const unserved = drawUnserved(page, candidates.count, limits.unservedRows, options.recommendationId);
    const rows = table.pickedRows([...page, ...unserved]);
    const terms = options.explain ? await termsOf(ranker, inputs, page, pushed) : null;
    const nextCursor = candidates.count > page.length ? cursorAfter(gathered, page, { at: now, composed }) : null;
    lap('orderMs');
    const { surface, missing } = gathered;
    const firstPosition = (cursor?.shown.length ?? 0) + 1;
    const list = { surface, queryPinIndex: query.pinIndex, options, ranker, candidates, scores, page, unserved, rows, terms };
    // Scores that were pushed are not the model's: other rankers are not measured by them.
    const kept = options.keepInputs && !pushed ? { rows: inputs.rows, candidates: gathered.candidates, visualWeightFactor: factor } : null;
    return { ...list, inputs: kept, firstPosition, propensities, shuffled, placings, nextCursor, degraded, missing, timings };
  } finally {
    scratch.giveBack(table);
  }
}

const scratch = new RowScratch(FEATURE_COLUMNS);

/** A model that needs whole rows gets a copy. Linear models, nearly all there are, read the columns. */
function scoringInputs(table: FeatureColumns, candidates: CandidateList, visualWeightFactor: number): ScoringInputs {
  let rows: Matrix | null = null;
  return {
    table,
    candidates,
    visualWeightFactor,
    get rows() {
      rows ??= table.matrix();
      return rows;
    },
  };
}

async function termsOf(ranker: Ranker, inputs: ScoringInputs, page: Int32Array, pushed: PushedScores | null): Promise<(readonly Term[])[]> {
  const terms: (readonly Term[])[] = [];
  for (const row of page) {
    const own = await ranker.explain(inputs, row);
    terms.push(pushed ? [...own, pushed.termOf(row)] : own);
  }
  return terms;
}

async function scoresOf(
  parts: ServingParts,
  { options, surface, degraded }: Pick<Gathered, 'options' | 'surface' | 'degraded'>,
  inputs: ScoringInputs,
): Promise<{ ranker: Ranker; scores: Float64Array }> {
  const { treatment, userId, arm, forced } = options;
  let broken: Ranker | null = null;
  try {
    const found = parts.ranker(treatment.model, userId, surface);
    const ranker = found instanceof Promise ? await found : found;
    if (forced && treatment.model !== null && ranker.name !== treatment.model)
      degraded.push({ code: 'RANKER_MODEL_REFUSED', reason: `${treatment.model} was made for another surface than ${surface}` });
    if (!suits(ranker, parts.visual?.netDigest ?? null))
      throw new ServiceError('RANKER_MODEL_REFUSED', { model: ranker.name, reason: 'it was trained on features of another net' });
    broken = ranker;
    const scores = ranker.score(inputs);
    return { ranker, scores: scores instanceof Promise ? await scores : scores };
  } catch (error) {
    const unknown = error instanceof ServiceError && error.code === 'RANKER_MODEL_UNKNOWN';
    if (unknown && (arm === null || forced || treatment.model === null)) throw error;
    // The model of an experiment's arm is gone: the promoted one serves, and the experiment's report says broken.
    if (unknown) degraded.push({ code: 'RANKER_MODEL_UNKNOWN', reason: `${reasonOf(error)} (arm ${arm})` });
    if (unknown) return scoresOf(parts, { options: { ...options, treatment: { ...treatment, model: null } }, surface, degraded }, inputs);
    degraded.push({ code: 'RANKER_MODEL_REFUSED', reason: reasonOf(error) });
    const next = broken && treatment.model === null ? parts.fallBack?.(broken.name, reasonOf(error)) : undefined;
    if (next && broken && next.name !== broken.name)
      return scoresOf({ ...parts, ranker: () => next }, { options, surface, degraded }, inputs);
    const scores = asRetrieved.score(inputs);
    return { ranker: asRetrieved, scores: scores instanceof Promise ? await scores : scores };
  }
}

function cursorAfter(
  { cursor, candidates, cursorName }: Gathered,
  page: Int32Array,
  { at, composed }: Pick<PageOrder, 'composed'> & { readonly at: number },
): string {
  const before = cursor?.shown.length ?? 0;
  const shown = new Int32Array(before + page.length);
  if (cursor) shown.set(cursor.shown);
  for (let i = 0; i < page.length; i++) shown[before + i] = candidates.pinIndexes[page[i]];
  return writeCursor({ at, shown: shown.sort(), ...(composed ? { composed } : {}) }, cursorName);
}
