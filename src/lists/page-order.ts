import type { CandidateList } from '../candidates/candidate.ts';
import { pinLikeness } from './likeness.ts';
import { compose, type Composed, type PagesBefore, type Placing } from './composition.ts';
import type { PageCursor } from './page-cursor.ts';
import type { ListOptions } from './ranked-list.ts';
import { bestRows } from './row-order.ts';
import type { ServingParts } from './serving-parts.ts';
import { shuffledSlice, shuffleStream } from './shuffled-slice.ts';

/** Whose page is to be ordered. */
export interface OrderedFor {
  readonly options: ListOptions;
  readonly candidates: CandidateList;
  readonly cursor: PageCursor | null;
  readonly shuffledShare: number;
}

/** The rows of a page in the order in which they are served, and how they came there. */
export interface PageOrder {
  readonly page: Int32Array;
  readonly shuffled: boolean;
  /** By place on the page. */
  readonly propensities: Float32Array;
  /** By place on the page: what composition did; null without it. */
  readonly placings: readonly (Placing | null)[] | null;
  /** What the next page of a composed list goes on from; null: it was not composed. */
  readonly composed: Pick<Composed, 'tail' | 'deviation'> | null;
}

/** By score, or as the treatment composes it. Only pages that nobody composed are shuffled: nothing undoes a composition. */
export function orderPage(
  { pins, visual }: Pick<ServingParts, 'pins' | 'visual'>,
  { options, candidates, cursor, shuffledShare }: OrderedFor,
  scores: Float64Array,
): PageOrder {
  const { pinIndexes } = candidates;
  const { composition } = options.treatment;
  if (!composition) {
    const best = bestRows(scores, pinIndexes, options.limit);
    const share = cursor === null ? shuffledShare : 0;
    return { ...shuffledSlice(best, share, shuffleStream(options.recommendationId)), placings: null, composed: null };
  }
  const items = { scores, pinIndexes, pins, likeness: pinLikeness(pins, visual) };
  const { rows, placings, tail, deviation } = compose(items, composition, options.limit, pagesBefore(cursor));
  const propensities = new Float32Array(rows.length).fill(1);
  return { page: rows, shuffled: false, propensities, placings, composed: { tail, deviation } };
}

/** A cursor of before the arm composed its pages says nothing of what stood last. */
function pagesBefore(cursor: PageCursor | null): PagesBefore | null {
  if (cursor === null) return null;
  const { tail, deviation } = cursor.composed ?? { tail: [], deviation: null };
  return { tail, deviation, shown: cursor.shown.length };
}
