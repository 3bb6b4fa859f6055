import type { CandidateList } from '../candidates/candidate.ts';
import { mixedSeed, seededRandom, SERVING_STREAMS } from '../math/random.ts';
import { pinLikeness } from './likeness.ts';
import { compose, type Composed, type PagesBefore, type Placeable, type Placing } from './composition.ts';
import { drawPlaces, explore, withExploration } from './exploration.ts';
import type { PageCursor } from './page-cursor.ts';
import type { ListOptions } from './ranked-list.ts';
import { bestRows } from './row-order.ts';
import type { Composition } from '../treatment.ts';
import type { ServingParts } from './serving-parts.ts';
import { shuffledSlice, shuffleStream } from './shuffled-slice.ts';

/** Whose page is to be ordered. */
export interface OrderedFor {
  readonly options: ListOptions;
  readonly candidates: CandidateList;
  readonly cursor: PageCursor | null;
  readonly shuffledShare: number;
  /** Whether pins that were hardly seen may be given places. */
  readonly explores: boolean;
}

/** The rows of a page in the order in which they are served, and how they came there. */
export interface PageOrder {
  readonly page: Int32Array;
  /** With exploration as a source, where pins were put there to get to know them. */
  readonly candidates: CandidateList;
  readonly shuffled: boolean;
  /** By place on the page. */
  readonly propensities: Float32Array;
  /** By place on the page: what composition did; null without it. */
  readonly placings: readonly (Placing | null)[] | null;
  /** What the next page of a composed list goes on from; null: it was not composed. */
  readonly composed: Pick<Composed, 'tail' | 'deviation'> | null;
}

type Parts = Pick<ServingParts, 'pins' | 'visual' | 'vectors' | 'impressionsOf'>;

/**
 * By score, or as the treatment composes it; then a few places go to pins that were hardly seen. Only pages with neither are
 * shuffled: nothing undoes a composition, and what is drawn at random is drawn once.
 */
export function orderPage(parts: Parts, wanted: OrderedFor, scores: Float64Array): PageOrder {
  const { options, candidates, cursor, shuffledShare, explores } = wanted;
  const { composition, exploration } = options.treatment;
  const order = (count: number): Ordered =>
    composition ? composedRows(parts, wanted, { scores, count, composition }) : scoredRows(wanted, scores, count);
  if (exploration && exploration.share > 0 && explores && cursor === null) return exploredPage(parts, wanted, order, exploration);
  const { rows, ...ordered } = order(options.limit);
  const share = cursor === null && !composition && !exploration ? shuffledShare : 0;
  return { ...shuffledSlice(rows, share, shuffleStream(options.recommendationId)), candidates, ...ordered };
}

interface Ordered extends Pick<PageOrder, 'placings' | 'composed'> {
  readonly rows: Int32Array;
}

function scoredRows({ candidates }: OrderedFor, scores: Float64Array, count: number): Ordered {
  return { rows: bestRows(scores, candidates.pinIndexes, count), placings: null, composed: null };
}

function composedRows(
  { pins, visual, vectors }: Parts,
  { candidates, cursor }: OrderedFor,
  { scores, count, composition }: { readonly scores: Float64Array; readonly count: number; readonly composition: Composition },
): Ordered {
  const items: Placeable = { scores, pinIndexes: candidates.pinIndexes, pins, likeness: pinLikeness(pins, visual, vectors) };
  const { rows, placings, tail, deviation } = compose(items, composition, count, pagesBefore(cursor));
  return { rows, placings, composed: { tail, deviation } };
}

/** A cursor of before the arm composed its pages says nothing of what stood last. */
function pagesBefore(cursor: PageCursor | null): PagesBefore | null {
  if (cursor === null) return null;
  const { tail, deviation } = cursor.composed ?? { tail: [], deviation: null };
  return { tail, deviation, shown: cursor.shown.length };
}

function exploredPage(
  { impressionsOf }: Parts,
  { options, candidates }: OrderedFor,
  order: (count: number) => Ordered,
  { share, fewerThan }: NonNullable<ListOptions['treatment']['exploration']>,
): PageOrder {
  const whole = order(options.limit);
  const onPage = new Set(whole.rows);
  const seen = impressionsOf(candidates.pinIndexes);
  const pool = Array.from(seen.keys()).filter((row) => seen[row] < fewerThan && !onPage.has(row));
  const random = seededRandom(mixedSeed(SERVING_STREAMS.exploration, options.recommendationId));
  const places = drawPlaces(whole.rows.length, pool.length, share, random);
  const page = explore(whole.rows, pool, places, random);
  if (places.taken === 0) return { ...whole, ...page, candidates, shuffled: false };
  const { placings, composed } = order(whole.rows.length - places.taken);
  return {
    ...page,
    candidates: withExploration(candidates, page),
    shuffled: false,
    placings: placings && moved(placings, page.explored, whole.rows.length),
    composed,
  };
}

/** What composition says of the others, at the places to which they moved. */
function moved(placings: readonly (Placing | null)[], explored: ReadonlySet<number>, places: number): (Placing | null)[] {
  const others = Array.from({ length: places }, (_, place) => place).filter((place) => !explored.has(place));
  const spread: (Placing | null)[] = new Array<Placing | null>(places).fill(null);
  placings.forEach((placing, rank) => {
    const like = placing?.like && { ...placing.like, position: (others[placing.like.position - 1] ?? 0) + 1 };
    spread[others[rank]] = placing && (like ? { ...placing, like } : placing);
  });
  return spread;
}
