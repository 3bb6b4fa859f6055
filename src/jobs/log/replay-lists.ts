/**
 * One scene served through the spine as if its board did not exist, and the lists it gives to learn from.
 *
 * Right and wrong answers are compared only where as much is known of both. What a right answer shared with the query by the
 * board that is left out is unknown, not zero; so those that share another board with the query are compared among each
 * other, and those that share none likewise. Otherwise pins on one board each would teach that sharing a board is a bad sign.
 * The same holds for pins that have a category without that board, and those that have none.
 *
 * Pins on many boards are on the one left out more often, and share more boards with anybody. So each right answer that shares
 * boards is set beside wrong ones on as many boards: no answer can be recognized by its counts. Both are on ten boards or more, so that
 * it matters little that the right one has lost one: where every pin has a board of its kind, the wrong ones keep theirs.
 */
import { kindOfSource } from '../../candidates/candidate.ts';
import { type CooccurrenceOptions, DEFAULT_COOCCURRENCE } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import type { BoardPins } from '../../candidates/cooccurrence/board-pins.ts';
import { BoardCooccurrence } from '../../candidates/cooccurrence/cooccurrence-store.ts';
import { LeftOutCooccurrence } from '../../candidates/cooccurrence/left-out-cooccurrence.ts';
import { boardPinsOfCatalog } from '../../candidates/list-builds.ts';
import { LeftOutColumns } from '../../catalog/pins/left-out-columns.ts';
import type { RankedList } from '../../lists/ranked-list.ts';
import { plainOptions } from '../../lists/serve-list.ts';
import { type ServingParts, withoutLog } from '../../lists/serving-parts.ts';
import type { Matrix } from '../../math/matrix.ts';
import { mixedSeed, type Random, seededRandom } from '../../math/random.ts';
import { homeFeed, relatedPins } from '../../related-pins.ts';
import type { Context } from '../../service/context.ts';
import type { Scene } from './replay-scenes.ts';

/** What serves without the board. */
interface LeftOutParts {
  readonly parts: ServingParts;
  readonly boards: LeftOutCooccurrence;
  readonly pins: LeftOutColumns;
}

/** Boards of a pin without the one left out, from which on its sharing boards teaches something. */
export const BOARDS_MIN = 10;

/** Sources whose proposals depend on no save that could be an answer. */
const OTHER_SOURCES = ['visual-neighbors', 'vectors', 'annotations'];

/** A catalog whose boards can be left out one at a time. */
interface LeftOutCatalog extends LeftOutParts {
  readonly table: BoardPins;
  /** -1: not known. */
  readonly ownerOf: (board: number) => number;
}

/** The parts of a service with boards that can be left out, and without what people did: neither log nor popularity. */
export function leftOutCatalog(context: Context): LeftOutCatalog {
  const { catalog, parts } = context;
  const table = boardPinsOfCatalog(catalog);
  const heads = new Map([...catalog.boards.heads()].map((head) => [head.boardIndex, head]));
  const members = {
    boardsOf: (pin: number) => table.pinBoards.subarray(table.pinStart[pin], table.pinStart[pin + 1]),
    pinsOf: (board: number) => table.boardPins.subarray(table.boardStart[board], table.boardStart[board + 1]),
    categoryOf: (board: number) => heads.get(board)?.category ?? null,
  };
  const pins = new LeftOutColumns(context.pins, members, new Set(catalog.pins.withGivenCategories()));
  const boards = new LeftOutCooccurrence(table, optionsOf(context));
  const others = parts.sources.filter(({ name }) => OTHER_SOURCES.includes(kindOfSource(name)));
  const leftOut = withoutLog({ ...parts, pins, sources: [boards, ...others] });
  return { parts: leftOut, boards, pins, table, ownerOf: (board) => heads.get(board)?.ownerIndex ?? -1 };
}

/** Counted as the lists that serve were. */
function optionsOf({ sources }: Context): CooccurrenceOptions {
  const boards = sources.all.find((source) => source instanceof BoardCooccurrence);
  return boards?.metadata?.options ?? DEFAULT_COOCCURRENCE;
}

/** Rows of one served list that are known equally well, in random order. */
export interface ReplayedList {
  readonly list: RankedList;
  /** Whether all of its pins share another board with the query, or none does. */
  readonly sharesBoards: boolean;
  readonly right: readonly number[];
}

interface Replay {
  readonly limit: number;
  readonly now: number;
  readonly recommendationId: string;
}

/** The list of a scene as if its board did not exist, with the rows of all candidates. */
export function servedScene({ parts, boards, pins }: LeftOutParts, scene: Scene, replay: Replay): Promise<RankedList> {
  boards.leaveOut(scene.board);
  pins.leaveOut(scene.board);
  const options = { ...plainOptions(replay), keepInputs: true };
  return scene.surface === 'closeup' ? relatedPins(parts, scene.known[0], options) : feedOf(parts, scene, options);
}

/** Every list of a scene that holds a right answer and a wrong one. */
export async function replayScene(left: LeftOutParts, scene: Scene, replay: Replay): Promise<ReplayedList[]> {
  const { boards, pins } = left;
  const { limit, recommendationId } = replay;
  const list = await servedScene(left, scene, replay);
  const random = seededRandom(mixedSeed(1, recommendationId));
  const boardsOf = (row: number): number => boards.boardsOf(list.candidates.pinIndexes[row]);
  const countOf = (row: number): number => countBucket(boardsOf(row));
  return [...stateOfKnowledge(list, pins)].flatMap(([state, all]) => {
    const sharesBoards = state.startsWith('boards');
    const rows = sharesBoards ? all.filter((row) => boardsOf(row) >= BOARDS_MIN) : all;
    const isRight = (row: number): boolean => scene.wanted.has(list.candidates.pinIndexes[row]);
    const sides = { right: rows.filter(isRight), wrong: rows.filter((row) => !isRight(row)) };
    const order = sharesBoards ? matchedRows(sides, countOf, limit, random) : drawnRows(sides, limit, random);
    if (order.length === 0) return [];
    const page = listOf(list, order, `${recommendationId}-${state}`);
    return [{ list: page, sharesBoards, right: order.filter(isRight) }];
  });
}

function feedOf(parts: ServingParts, { known }: Scene, options: Parameters<typeof homeFeed>[2]): Promise<RankedList> {
  const seen = new Set(known);
  const history = { pinIndexes: Int32Array.from(known), weights: new Float64Array(known.length).fill(1) };
  return homeFeed({ ...parts, historyOf: () => history, seenBy: () => seen }, 'the owner', options);
}

/** The rows of the candidates by what is known of them without the board. */
function stateOfKnowledge({ candidates }: RankedList, { categories }: LeftOutColumns): ReadonlyMap<string, number[]> {
  const { count, pinIndexes, sourceNames, sourceScores } = candidates;
  const boards = sourceNames.indexOf('board-cooccurrence');
  const rows = new Map<string, number[]>();
  for (let row = 0; row < count; row++) {
    const shares = boards >= 0 && !Number.isNaN(sourceScores[row * sourceNames.length + boards]);
    const state = `${shares ? 'boards' : 'none'}-${categories.length[pinIndexes[row]] > 0 ? 'category' : 'none'}`;
    rows.set(state, [...(rows.get(state) ?? []), row]);
  }
  return rows;
}

interface Sides {
  readonly right: readonly number[];
  readonly wrong: readonly number[];
}

/** Up to `limit` rows, at most half of them right, drawn and ordered at random; none where one side is empty. */
function drawnRows({ right, wrong }: Sides, limit: number, random: Random): number[] {
  if (right.length === 0 || wrong.length === 0) return [];
  const some = random.shuffled([...right]).slice(0, Math.floor(limit / 2));
  return random.shuffled([...some, ...random.shuffled([...wrong]).slice(0, limit - some.length)]);
}

/** Boards in steps of about a tenth. */
function countBucket(boards: number): number {
  return Math.round(8 * Math.log2(boards));
}

/** The same, with equally many wrong rows of its count for each right one; right ones without so many are left out. */
function matchedRows({ right, wrong }: Sides, countOf: (row: number) => number, limit: number, random: Random): number[] {
  const some = random.shuffled([...right]).slice(0, Math.floor(limit / 2));
  const each = Math.max(1, Math.floor(limit / Math.max(1, some.length)) - 1);
  const left = new Map<number, number[]>();
  for (const row of random.shuffled([...wrong])) left.set(countOf(row), [...(left.get(countOf(row)) ?? []), row]);
  const drawn = some.flatMap((row) => {
    const alike = left.get(countOf(row)) ?? [];
    return alike.length < each ? [] : [row, ...alike.splice(0, each)];
  });
  return random.shuffled(drawn);
}

/** The list with these rows as its page. It is not marked as shuffled: nobody looked at it, so it says nothing about positions. */
function listOf(list: RankedList, order: readonly number[], recommendationId: string): RankedList {
  const { inputs, options } = list;
  if (inputs === null) throw new RangeError('inputs: expected those that were kept, got null');
  return {
    ...list,
    options: { ...options, recommendationId },
    page: Int32Array.from(order),
    unserved: new Int32Array(0),
    rows: pickedRows(inputs.rows, order),
    inputs: null,
    shuffled: false,
    propensities: new Float32Array(order.length).fill(1),
    nextCursor: null,
  };
}

function pickedRows({ columns, names, data }: Matrix, order: readonly number[]): Matrix {
  const picked = new Float32Array(order.length * columns);
  order.forEach((row, at) => picked.set(data.subarray(row * columns, (row + 1) * columns), at * columns));
  return { rows: order.length, columns, names, data: picked };
}
