/**
 * The spine: a query pin -> candidates -> feature rows -> scores -> an ordered, explained list. Read this file first.
 * HTTP, jobs, the demo's people and the tests all serve lists through these four functions.
 */
import { type CandidateList, type CandidateSource, isFiller, type ScoredPins } from './candidates/candidate.ts';
import type { Accept } from './candidates/visual/neighbor-index.ts';
import { Merge, type Proposal, sourceNamesOf } from './candidates/merge.ts';
import { RowTable } from './candidates/cooccurrence/row-table.ts';
import type { PinColumns } from './catalog/pins/pin-columns.ts';
import type { UserHistory } from './ranker/scoring/ranking-feature.ts';
import { summarizeHistory, type WeightedPins } from './ranker/scoring/user-history.ts';
import { acceptedPins } from './lists/accepted-pins.ts';
import { BOARD_PINS_MAX, blendHistory, FILLED_QUERIES, HOME_QUERIES_MAX, PER_QUERY_LIMIT } from './lists/home-blend.ts';
import { type PageCursor, readCursor } from './lists/page-cursor.ts';
import { askedSources, type Asking, ENOUGH_CANDIDATES, isFilling, propose } from './lists/propose.ts';
import { missingOf, missingOfHistory, NO_QUERY, querySide } from './lists/query-side.ts';
import { rankCandidates } from './lists/rank-candidates.ts';
import type { ListOptions, RankedList } from './lists/ranked-list.ts';
import type { Degradation, ServingParts } from './lists/serving-parts.ts';

/** The pins people want to see next after this one. */
export async function relatedPins(parts: ServingParts, queryPin: number, options: ListOptions): Promise<RankedList> {
  const startedAt = performance.now();
  const { pins, visual, limits } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const cursorName = `closeup ${pins.idOf(queryPin)}`;
  const cursor = cursorOf(options, cursorName, pins);
  const query = querySide(queryPin, visual, options.treatment);
  const accept = acceptedPins(pins, options, cursor?.shown ?? []);
  const { proposals, candidates } = await closeupCandidates(parts, queryPin, options, { accept, degraded });
  const missing = missingOf(queryPin, pins, query);
  if (isEmpty(proposals, 'board-cooccurrence')) missing.push('boards');
  const user = userOf(parts, options);
  const shuffledShare = options.forced ? 0 : limits.shuffledShare;
  const gathered = { surface: 'closeup', options, query, candidates, user, cursor, cursorName, degraded } as const;
  return rankCandidates(parts, { ...gathered, missing, shuffledShare, startedAt });
}

/** What boards, looks and words propose; where that is too little, what is popular stands behind it. */
async function closeupCandidates(
  parts: ServingParts,
  queryPin: number,
  options: ListOptions,
  { accept, degraded }: { readonly accept: Accept | undefined; readonly degraded: Degradation[] },
): Promise<{ readonly proposals: readonly Proposal[]; readonly candidates: CandidateList }> {
  const { pins, limits } = parts;
  const sources = askedSources(parts.sources, options.treatment.sources, limits.sourceShares);
  const asking = askingOf(parts, options, { limit: limits.candidates, alone: sources.length === 1, degraded });
  const ask = (asked: readonly CandidateSource[]): Promise<readonly Proposal[]> =>
    propose(asked, { pinIndex: queryPin, code: null }, asking);
  const merged = (proposals: readonly Proposal[]): CandidateList => mergeOf(pins).merge(queryPin, proposals, limits.candidates, accept);
  const own = await ask(sources.filter(({ name }) => !isFiller(name)));
  const candidates = merged(own);
  const fillers = sources.filter(({ name }) => isFiller(name));
  if (candidates.count >= ENOUGH_CANDIDATES || fillers.length === 0) return { proposals: own, candidates };
  const proposals = [...own, ...(await ask(fillers))];
  return { proposals, candidates: merged(proposals) };
}

function askingOf(parts: ServingParts, options: ListOptions, given: Pick<Asking, 'limit' | 'alone' | 'degraded'>): Asking {
  return { ...given, shares: parts.limits.sourceShares, filtered: isFiltered(options) };
}

/**
 * A caller's own list in the order people would want it; every given pin that passes the filters is kept, near-duplicates included. Only sources
 * that look up a list are asked for the scores they would give: making up candidates that nobody wants is the costly part.
 */
export async function rankPins(parts: ServingParts, queryPin: number, given: Int32Array, options: ListOptions): Promise<RankedList> {
  const startedAt = performance.now();
  const { pins, visual, limits } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const asked = askedSources(parts.sources, options.treatment.sources, limits.sourceShares);
  const sources = asked.filter(({ name }) => !isFilling(name));
  const query = querySide(queryPin, visual, options.treatment);
  const asking = { ...askingOf(parts, options, { limit: limits.candidates, alone: sources.length === 1, degraded }), filtered: false };
  const proposals = await propose(sources, { pinIndex: queryPin, code: null }, asking);
  const candidates = ownCandidates(options.filter ? given.filter(options.filter) : given, proposals);
  const missing = missingOf(queryPin, pins, query);
  const shared = { surface: 'rank', options, query, candidates, degraded, missing, startedAt } as const;
  const list = await rankCandidates(parts, {
    ...shared,
    user: userOf(parts, options),
    cursor: null,
    cursorName: '',
    shuffledShare: 0,
  });
  return { ...list, nextCursor: null };
}

/** What this user may want to see now: the candidates of recent saves and closeups, blended, then ranked with the history. */
export function homeFeed(parts: ServingParts, userId: string, options: ListOptions): Promise<RankedList> {
  return blendedList(parts, options, {
    surface: 'home-feed',
    name: `home ${userId}`,
    history: (at) => parts.historyOf(userId, at),
    seen: (at) => parts.seenBy(userId, at),
  });
}

/** A board by its id, with its pins: the newest saves first. */
export interface BoardOfPins {
  readonly id: string;
  readonly pinIndexes: readonly number[];
}

/** More ideas for a board: the candidates of its pins, blended and ranked as if they were a user's history, without what it holds. */
export function relatedToBoard(parts: ServingParts, { id, pinIndexes }: BoardOfPins, options: ListOptions): Promise<RankedList> {
  const newest = pinIndexes.slice(0, BOARD_PINS_MAX);
  const history = (): WeightedPins => ({ pinIndexes: newest, weights: newest.map(() => 1) });
  return blendedList(parts, options, { surface: 'board', name: `board ${id}`, history, seen: () => new Set(pinIndexes) });
}

/** Pins that speak together for a list that has no query pin. */
interface Speakers {
  readonly surface: 'home-feed' | 'board';
  /** Names the list in its cursor. */
  readonly name: string;
  /** The pins and their weights as of a time, strongest first. */
  history(at: number): WeightedPins;
  /** Left out of the list, as of a time. */
  seen(at: number): ReadonlySet<number>;
}

async function blendedList(
  parts: ServingParts,
  options: ListOptions,
  { surface, name: cursorName, ...speakers }: Speakers,
): Promise<RankedList> {
  const startedAt = performance.now();
  const { pins, limits } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const cursor = cursorOf(options, cursorName, pins);
  const now = cursor?.at ?? options.now;
  const history = speakers.history(now);
  const sources = askedSources(parts.sources, options.treatment.sources, limits.sourceShares);
  const asking = askingOf(parts, options, { limit: PER_QUERY_LIMIT, alone: false, degraded });
  const queries = Math.min(history.pinIndexes.length, HOME_QUERIES_MAX);
  const asked: (readonly Proposal[])[] = [];
  for (let q = 0; q < Math.max(queries, 1); q++) {
    const pinIndex = queries === 0 ? -1 : history.pinIndexes[q];
    const those = q < FILLED_QUERIES ? sources : sources.filter(({ name }) => !isFilling(name));
    asked.push(await propose(those, { pinIndex, code: null }, { ...asking, alone: those.length === 1 }));
  }
  const accept = acceptedPins(pins, { ...options, exclude: new Set([...options.exclude, ...speakers.seen(now)]) }, cursor?.shown ?? []);
  const blended = blendHistory(asked, history, pins, accept);
  const candidates = mergeOf(pins).merge(-1, withoutNeedlessFilling(blended.proposals), limits.candidates, accept);
  const user = summarizeHistory(history, pins, parts.visual, blended.cooccurrence);
  const missing = missingOfHistory(history, pins, user);
  const shared = { surface, options, candidates, user, cursor, cursorName, degraded, missing } as const;
  return rankCandidates(parts, { ...shared, query: NO_QUERY, shuffledShare: 0, startedAt });
}

/** A history that proposes enough speaks for itself: what is popular or shares a word would only push its pins back. */
function withoutNeedlessFilling(proposals: readonly Proposal[]): readonly Proposal[] {
  const own = proposals.filter(({ name }) => !isFilling(name));
  const proposed = own.reduce((sum, { pins }) => sum + pins.pinIndexes.length, 0);
  return proposed >= ENOUGH_CANDIDATES ? own : proposals;
}

const merges = new WeakMap<PinColumns, Merge>();

/** The merge keeps marks per pin: one per catalogue. */
function mergeOf(pins: PinColumns): Merge {
  let merge = merges.get(pins);
  if (!merge) {
    merge = new Merge(pins);
    merges.set(pins, merge);
  }
  return merge;
}

function cursorOf(options: ListOptions, name: string, pins: PinColumns): PageCursor | null {
  return options.cursor === null ? null : readCursor(options.cursor, name, pins.count);
}

function userOf(parts: ServingParts, { userId, now }: ListOptions): UserHistory | null {
  if (userId === null) return null;
  const history = parts.historyOf(userId, now);
  return history.pinIndexes.length === 0 ? null : summarizeHistory(history, parts.pins, parts.visual);
}

function isFiltered({ category, buyableOnly, exclude, filter }: ListOptions): boolean {
  return category !== null || buyableOnly || exclude.size > 0 || Boolean(filter);
}

function isEmpty(proposals: readonly Proposal[], name: string): boolean {
  return proposals.some((proposal) => proposal.name === name && proposal.pins.pinIndexes.length === 0);
}

/** The caller's pins, each with the scores of the sources that would have proposed it. */
function ownCandidates(given: Int32Array, proposals: readonly Proposal[]): CandidateList {
  const rows = new RowTable();
  rows.begin(given.length);
  const pinIndexes = new Int32Array(given.length);
  let count = 0;
  for (const pinIndex of given) {
    if (rows.has(pinIndex)) continue;
    rows.set(pinIndex, count);
    pinIndexes[count++] = pinIndex;
  }
  const sourceScores = new Float32Array(count * proposals.length).fill(Number.NaN);
  proposals.forEach(({ pins }, s) => placeScores(pins, rows, sourceScores, s, proposals.length));
  return { count, pinIndexes: pinIndexes.subarray(0, count), sourceNames: sourceNamesOf(proposals), sourceScores };
}

function placeScores({ pinIndexes, scores }: ScoredPins, rows: RowTable, out: Float32Array, source: number, sources: number): void {
  for (let p = 0; p < pinIndexes.length; p++) {
    const row = rows.rowOf(pinIndexes[p]);
    if (row >= 0) out[row * sources + source] = scores[p];
  }
}
