/**
 * A closeup on which several arms share the page: each arm's list is made, the team draft picks in turns, and the log keeps
 * as a source of each item which arm put it there ("team: ARM").
 */
import type { CandidateList } from '../candidates/candidate.ts';
import type { Context } from './context.ts';
import { TEAM_SOURCE, teamDraft } from '../experiments/statistics/interleaving.ts';
import type { Matrix } from '../math/matrix.ts';
import { mixedSeed, seededRandom, SERVING_STREAMS } from '../math/random.ts';
import { relatedPins } from '../related-pins.ts';
import { readCursor, writeCursor } from '../lists/page-cursor.ts';
import type { InterleavedArm, ListOptions, RankedList } from '../lists/ranked-list.ts';
import { inOrder, type ServingParts } from '../lists/serving-parts.ts';

/** One item of the page: its place on the list of the arm that put it there. */
interface Pick {
  readonly list: RankedList;
  readonly place: number;
  /** Index of the arm; -1: all arms had it at this place. */
  readonly team: number;
}

export async function interleavedCloseup(
  { parts }: Context,
  pinIndex: number,
  options: ListOptions,
  arms: readonly InterleavedArm[],
): Promise<RankedList> {
  const lists: RankedList[] = [];
  for (const { treatment } of arms) lists.push(await relatedPins(inOrder(parts), pinIndex, { ...options, treatment }));
  const rankings = lists.map(({ page, candidates }) => Int32Array.from(page, (row) => candidates.pinIndexes[row]));
  const draft = teamDraft(rankings, options.limit, seededRandom(mixedSeed(SERVING_STREAMS.interleaving, options.recommendationId)));
  const picks = draft.items.map((item, k): Pick => {
    const owner = Math.max(0, draft.teams[k]);
    return { list: lists[owner], place: rankings[owner].indexOf(item), team: draft.teams[k] };
  });
  return onePage(parts, lists, arms, picks);
}

function onePage(parts: ServingParts, lists: readonly RankedList[], arms: readonly InterleavedArm[], picks: readonly Pick[]): RankedList {
  const [first] = lists;
  const candidates = candidatesOf(lists, arms, picks);
  const more = lists.some(({ nextCursor }) => nextCursor !== null);
  return {
    ...first,
    candidates,
    scores: Float64Array.from(picks, ({ list, place }) => list.scores[list.page[place]]),
    page: Int32Array.from(picks.keys()),
    unserved: new Int32Array(0),
    rows: rowsOf(picks, first.rows),
    terms: first.terms && picks.map(({ list, place }) => list.terms?.[place] ?? []),
    propensities: new Float32Array(picks.length).fill(1),
    placings: null,
    nextCursor: more ? cursorOf(parts, first, candidates) : null,
    degraded: [...new Map(lists.flatMap(({ degraded }) => degraded).map((each) => [each.code + each.reason, each])).values()],
  };
}

function candidatesOf(lists: readonly RankedList[], arms: readonly InterleavedArm[], picks: readonly Pick[]): CandidateList {
  const own = [...new Set(lists.flatMap(({ candidates }) => candidates.sourceNames))];
  const sourceNames = [...own, ...arms.map(({ key }) => TEAM_SOURCE + key)];
  const sourceScores = new Float32Array(picks.length * sourceNames.length).fill(Number.NaN);
  picks.forEach(({ list, place, team }, k) => {
    const { candidates, page } = list;
    const width = candidates.sourceNames.length;
    candidates.sourceNames.forEach((name, s) => {
      sourceScores[k * sourceNames.length + own.indexOf(name)] = candidates.sourceScores[page[place] * width + s];
    });
    if (team >= 0) sourceScores[k * sourceNames.length + own.length + team] = 1;
  });
  const pinIndexes = Int32Array.from(picks, ({ list, place }) => list.candidates.pinIndexes[list.page[place]]);
  return { count: picks.length, pinIndexes, sourceNames, sourceScores };
}

/** Raw feature rows by pick: a list's rows stand in the order of its page. */
function rowsOf(picks: readonly Pick[], { columns, names }: Matrix): Matrix {
  const data = new Float32Array(picks.length * columns);
  picks.forEach(({ list, place }, k) => {
    data.set(list.rows.data.subarray(place * columns, (place + 1) * columns), k * columns);
  });
  return { rows: picks.length, columns, names, data };
}

function cursorOf({ pins }: ServingParts, { options, queryPinIndex }: RankedList, { pinIndexes }: CandidateList): string {
  const name = `closeup ${pins.idOf(queryPinIndex)}`;
  const before = options.cursor === null ? null : readCursor(options.cursor, name, pins.count);
  const shown = [...(before?.shown ?? []), ...pinIndexes].sort((a, b) => a - b);
  return writeCursor({ at: before?.at ?? options.now, shown }, name);
}
