/**
 * The spine: a query pin -> candidates -> feature rows -> scores -> an ordered, explained list. Read this file first.
 * HTTP, jobs, the demo's people and the tests all serve lists through these five functions.
 */
import { type CandidateList, type CandidateQuery, type CandidateSource, isFiller, type ScoredPins } from './candidates/candidate.ts';
import type { Accept } from './candidates/visual/neighbor-index.ts';
import { Merge, type Proposal, sourceNamesOf } from './candidates/merge.ts';
import { RowTable } from './candidates/cooccurrence/row-table.ts';
import type { PinColumns } from './catalog/pins/pin-columns.ts';
import type { SummedWeights, UserHistory } from './ranker/scoring/ranking-feature.ts';
import { summarizeHistory, type WeightedPins } from './ranker/scoring/user-history.ts';
import { acceptedPins, hiddenGroups } from './lists/accepted-pins.ts';
import { BOARD_PINS_MAX, blendHistory, FILLED_QUERIES, HOME_QUERIES_MAX, PER_QUERY_LIMIT } from './lists/home-blend.ts';
import { type PageCursor, readCursor } from './lists/page-cursor.ts';
import { askedSources, type Asking, ENOUGH_CANDIDATES, isFilling, propose, proposeForEach } from './lists/propose.ts';
import { missingOf, missingOfHistory, NO_QUERY, querySide } from './lists/query-side.ts';
import { rankCandidates } from './lists/rank-candidates.ts';
import type { ListOptions, RankedList } from './lists/ranked-list.ts';
import type { Degradation, ServingParts } from './lists/serving-parts.ts';
import { type Examples, examplesName, inOneOrder, queriesOf } from './lists/examples.ts';
import { likenessToUnliked } from './lists/unliked.ts';

/** The pins people want to see next after this one. */
export async function relatedPins(parts: ServingParts, queryPin: number, options: ListOptions): Promise<RankedList> {
  const startedAt = performance.now();
  const { pins, visual, limits } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const cursorName = `closeup ${pins.idOf(queryPin)}`;
  const cursor = cursorOf(options, cursorName, pins);
  const query = querySide(queryPin, visual, options.treatment);
  const accept = acceptedPins(parts, options, cursor?.shown ?? []);
  const { proposals, candidates } = await candidatesOf(parts, { pinIndex: queryPin, code: null }, options, { accept, degraded });
  const missing = missingOf(queryPin, parts, query);
  if (isEmpty(proposals, 'board-cooccurrence')) missing.push('boards');
  const user = userOf(parts, options);
  const shuffledShare = options.forced ? 0 : limits.shuffledShare;
  const gathered = { surface: 'closeup', options, query, candidates, user, cursor, cursorName, degraded } as const;
  return rankCandidates(parts, { ...gathered, missing, shuffledShare, startedAt });
}

/** What boards, looks and words propose; where that is too little, what is popular stands behind it. */
async function candidatesOf(
  parts: ServingParts,
  query: CandidateQuery,
  options: ListOptions,
  { accept, degraded }: { readonly accept: Accept | undefined; readonly degraded: Degradation[] },
): Promise<{ readonly proposals: readonly Proposal[]; readonly candidates: CandidateList }> {
  const { pins, limits } = parts;
  const sources = askedSources(parts.sources, options.treatment.sources, limits.sourceShares);
  const asking = askingOf(parts, options, { limit: limits.candidates, alone: sources.length === 1, degraded });
  const ask = (asked: readonly CandidateSource[]): Promise<readonly Proposal[]> => propose(asked, query, asking);
  const merged = (proposals: readonly Proposal[]): CandidateList =>
    mergeOf(pins).merge(query.pinIndex, proposals, limits.candidates, accept);
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
 * A caller's own list in the order people would want it; every given pin that passes the filters is kept, near-duplicates
 * included, but for what the user has hidden. Only sources that look up a list are asked for the scores they would give: making
 * up candidates that nobody wants is the costly part.
 */
export async function rankPins(parts: ServingParts, queryPin: number, given: Int32Array, options: ListOptions): Promise<RankedList> {
  const startedAt = performance.now();
  const { visual, limits } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const asked = askedSources(parts.sources, options.treatment.sources, limits.sourceShares);
  const sources = asked.filter(({ name }) => !isFilling(name));
  const query = querySide(queryPin, visual, options.treatment);
  const asking = { ...askingOf(parts, options, { limit: limits.candidates, alone: sources.length === 1, degraded }), filtered: false };
  const proposals = await propose(sources, { pinIndex: queryPin, code: null }, asking);
  const candidates = ownCandidates(given.filter(ownPins(parts, options)), proposals);
  const missing = missingOf(queryPin, parts, query);
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
    history: (at) => parts.historyOf(userId, at, options.treatment.grades),
    seen: (at) => parts.seenBy(userId, at),
  });
}

/** A board by its id, with its pins: the newest saves first. */
interface BoardOfPins {
  readonly id: string;
  readonly pinIndexes: readonly number[];
  /** Ideas that were not wanted; absent: none. */
  readonly unlike?: readonly number[];
}

/** More ideas for a board: its newest pins are the examples; without what it holds. */
export function relatedToBoard(parts: ServingParts, board: BoardOfPins, options: ListOptions): Promise<RankedList> {
  const { id, pinIndexes } = board;
  const { unlike } = inOneOrder({ like: [], unlike: board.unlike ?? [], picture: null });
  const newest = alike(pinIndexes.slice(0, BOARD_PINS_MAX));
  const name = ['board', id, ...unlike.map((pinIndex) => JSON.stringify(parts.pins.idOf(pinIndex)))].join(' ');
  const speakers = { history: () => newest, seen: () => new Set(pinIndexes), unlike, without: unlike };
  return blendedList(parts, options, { surface: 'board', name, ...speakers });
}

/**
 * What goes with several examples: the candidates of all liked pins and of the picture, blended and ranked as if the liked pins
 * were a user's history; what resembles an unliked pin is pushed back (lists/unliked.ts). One example alone is asked as a closeup asks.
 */
export function relatedToExamples(parts: ServingParts, given: Examples, options: ListOptions): Promise<RankedList> {
  const examples = inOneOrder(given);
  const { like, unlike, picture } = examples;
  const queries = queriesOf(examples);
  const name = examplesName(parts.pins, examples);
  if (queries.length === 1) return relatedToOne(parts, queries[0], { ...options, cursorName: name, unlike });
  const speakers = { history: () => alike(like), seen: () => new Set<number>(), picture, unlike, without: [...like, ...unlike] };
  return blendedList(parts, options, { surface: 'examples', name, ...speakers });
}

/** One example: the candidates and the ranking of a closeup. */
async function relatedToOne(
  parts: ServingParts,
  { pinIndex, code }: CandidateQuery,
  { cursorName, unlike, ...options }: ListOptions & { readonly cursorName: string; readonly unlike: readonly number[] },
): Promise<RankedList> {
  const startedAt = performance.now();
  const { pins, visual } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const cursor = cursorOf(options, cursorName, pins);
  const accept = acceptedPins(parts, options, [...(cursor?.shown ?? []), ...unlike]);
  const { candidates } = await candidatesOf(parts, { pinIndex, code }, options, { accept, degraded });
  const query = pinIndex < 0 ? { ...NO_QUERY, code } : querySide(pinIndex, visual, options.treatment);
  const missing = pinIndex < 0 ? [] : missingOf(pinIndex, parts, query);
  const unliked = await likenessToUnliked(parts, unlike, candidates, degraded);
  const gathered = { surface: 'examples', options, query, candidates, user: userOf(parts, options), unliked, missing } as const;
  return rankCandidates(parts, { ...gathered, cursor, cursorName, degraded, shuffledShare: 0, startedAt });
}

/** Pins that count alike. */
function alike(pinIndexes: readonly number[]): WeightedPins {
  return { pinIndexes, weights: pinIndexes.map(() => 1) };
}

/** Pins that speak together for a list that has no query pin. */
interface Speakers {
  readonly surface: 'home-feed' | 'board' | 'examples';
  /** Names the list in its cursor. */
  readonly name: string;
  /** The pins and their weights as of a time, strongest first. */
  history(at: number): WeightedPins;
  /** Left out of the list, as of a time. */
  seen(at: number): ReadonlySet<number>;
  /** The code of a picture that speaks first; absent or null: none. */
  readonly picture?: Uint32Array | null;
  /** Pins that push away what resembles them; absent: none. */
  readonly unlike?: readonly number[];
  /** Left out of the list with their near-duplicates; absent: none. */
  readonly without?: readonly number[];
}

async function blendedList(
  parts: ServingParts,
  options: ListOptions,
  { surface, name: cursorName, picture = null, unlike = [], without = [], ...speakers }: Speakers,
): Promise<RankedList> {
  const startedAt = performance.now();
  const { pins } = parts;
  const degraded: Degradation[] = [...parts.degraded];
  const cursor = cursorOf(options, cursorName, pins);
  const now = cursor?.at ?? options.now;
  const history = speakers.history(now);
  const accept = acceptedPins(parts, { ...options, exclude: NONE }, [...(cursor?.shown ?? []), ...without]);
  const refused = { without: [...options.exclude, ...speakers.seen(now)], accept };
  const { candidates, cooccurrence } = await blendedCandidates(parts, options, { history, picture, refused, degraded });
  const user = summarizeHistory(history, pins, parts.visual, cooccurrence);
  const missing = history.pinIndexes.length === 0 && picture ? [] : missingOfHistory(history, pins, user);
  const unliked = await likenessToUnliked(parts, unlike, candidates, degraded);
  const shared = { surface, options, candidates, user, cursor, cursorName, degraded, missing, unliked } as const;
  return rankCandidates(parts, { ...shared, query: { ...NO_QUERY, code: picture }, shuffledShare: 0, startedAt });
}

const NONE: ReadonlySet<number> = new Set();

/**
 * What the sources propose for the picture and for each pin of a history, blended and merged; without any of them, for nobody in particular. A
 * history that proposes enough speaks for itself: what is popular or shares a word would only push its pins back, and is not asked for.
 */
async function blendedCandidates(
  parts: ServingParts,
  options: ListOptions,
  { history, picture, refused, degraded }: BlendedFor,
): Promise<{ readonly candidates: CandidateList; readonly cooccurrence: SummedWeights }> {
  const { limits, pins } = parts;
  const sources = askedSources(parts.sources, options.treatment.sources, limits.sourceShares);
  const asking = askingOf(parts, options, { limit: PER_QUERY_LIMIT, alone: sources.length === 1, degraded });
  const strongest = Array.from(history.pinIndexes).slice(0, HOME_QUERIES_MAX);
  const spoken = queriesOf({ like: strongest, picture });
  const queries = spoken.length === 0 ? [{ pinIndex: -1, code: null }] : spoken;
  const filling = sources.filter(({ name }) => isFilling(name));
  const own = sources.filter(({ name }) => !isFilling(name));
  const asked = await proposeForEach(own, queries, asking);
  const blend = (proposals: typeof asked): ReturnType<typeof blendHistory> =>
    blendHistory(proposals, withPicture(history, picture), pins, refused);
  let blended = blend(asked);
  const proposed = blended.proposals.reduce((sum, { pins }) => sum + pins.pinIndexes.length, 0);
  if (proposed < ENOUGH_CANDIDATES && filling.length > 0) {
    const filled = await proposeForEach(filling, queries.slice(0, FILLED_QUERIES), asking);
    const inOrder = (q: number): readonly Proposal[] => {
      const ofQuery = [...asked[q], ...(filled[q] ?? [])];
      return sources.flatMap(({ name }) => ofQuery.filter((proposal) => proposal.name === name));
    };
    blended = blend(queries.map((_, q) => inOrder(q)));
  }
  // Nothing waits from blending to here: the next blending takes the same memory.
  const candidates = mergeOf(pins).merge(-1, blended.proposals, limits.candidates);
  return { candidates, cooccurrence: blended.cooccurrenceOf(candidates.pinIndexes) };
}

interface BlendedFor {
  readonly history: WeightedPins;
  readonly picture: Uint32Array | null;
  readonly refused: Parameters<typeof blendHistory>[3];
  readonly degraded: Degradation[];
}

/** The weights of the queries: a picture counts as much as the strongest pin. */
function withPicture({ pinIndexes, weights }: WeightedPins, picture: Uint32Array | null): WeightedPins {
  if (!picture) return { pinIndexes, weights };
  return { pinIndexes: [-1, ...Array.from(pinIndexes)], weights: [weights[0] ?? 1, ...Array.from(weights)] };
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

function userOf(parts: ServingParts, { userId, now, treatment }: ListOptions): UserHistory | null {
  if (userId === null) return null;
  const history = parts.historyOf(userId, now, treatment.grades);
  return history.pinIndexes.length === 0 ? null : summarizeHistory(history, parts.pins, parts.visual);
}

function isFiltered({ category, buyableOnly, exclude, filter }: ListOptions): boolean {
  return category !== null || buyableOnly || exclude.size > 0 || Boolean(filter);
}

function isEmpty(proposals: readonly Proposal[], name: string): boolean {
  return proposals.some((proposal) => proposal.name === name && proposal.pins.pinIndexes.length === 0);
}

/** Which of the caller's own pins are kept: what passes the filters, but for what the user has hidden. */
function ownPins(parts: ServingParts, { filter, userId, now }: ListOptions): Accept {
  const { group } = parts.pins;
  const hidden = hiddenGroups(parts, userId, now);
  return (pinIndex) => !hidden.has(group[pinIndex]) && (!filter || filter(pinIndex));
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
