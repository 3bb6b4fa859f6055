/**
 * Which way of counting co-occurrence, with which settings, finds saves again that were held out: one of each of many boards.
 * What is left of a board votes for its neighbours, as in recommender-evaluation.ts; the measure is recall@20.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Random } from '../../math/random.ts';
import { evaluateRanked, type HeldOut, Votes } from '../recommender-evaluation.ts';
import { type CooccurrenceOptions, DEFAULT_COOCCURRENCE } from './board-cooccurrence.ts';
import { type BoardPins, boardPinsOf } from './board-pins.ts';
import { CounterRoom, FastRowCounter } from './fast-row-counter.ts';

/** A board must hold so many pins that something is left to vote. */
const BOARD_LEAST = 3;
/** With fewer boards than this differences between settings are noise. */
export const BOARDS_LEAST = 50;
const BOARDS_MOST = 12_000;
/** Boards of the first two rounds. */
const BOARDS_FIRST = 2000;
/** Pins on the boards that are judged: with their lists at full length they take 160 MB. */
const ROWS_MOST = 20_000;
/** Lengths of lists that are tried; a shorter list is the beginning of a longer one. */
const DEPTHS = [50, 100, 200, 400, 700, 1000];
const LONGEST = 1000;
const TOP = 20;
/** Settings whose surroundings are tried, and those that go into the last round beside the best of each method. */
const REFINED = 3;
const FINALISTS = 5;

export interface Trial {
  readonly options: CooccurrenceOptions;
  readonly recall20: number;
  readonly ndcg20: number;
  /** Boards it was judged on. */
  readonly boards: number;
}

/** What was tried and taken. The artifact of the lists keeps it. */
export interface MethodChoice {
  readonly heldOut: { readonly saves: number; readonly of: 'one save of a board, drawn by lot'; readonly seed: number };
  readonly chosen: Trial;
  /** The settings that everybody gets who chooses none, on the same saves. */
  readonly usual: Trial;
  /** Best first: those of the last round, then what was left behind. */
  readonly trials: readonly Trial[];
}

interface ChoosingProgress {
  (done: number, of: number): void;
}

/** Null when fewer than `BOARDS_LEAST` boards hold three pins. `onTrial` may throw to stop. */
export async function chooseMethod(
  table: BoardPins,
  random: Random,
  seed: number,
  onTrial: ChoosingProgress = () => undefined,
): Promise<MethodChoice | null> {
  const split = heldOutOf(table, random);
  if (split.boards.length < BOARDS_LEAST) return null;
  const judge = new Judge(split);
  const first = FIRST_ROUND.length + REFINED * 5;
  let done = 0;
  const tryAll = async (settings: readonly CooccurrenceOptions[], boards: number): Promise<void> => {
    for (const options of settings) {
      judge.judge(options, boards);
      onTrial(++done, first + FINALISTS);
      await breathe();
    }
  };
  await tryAll(FIRST_ROUND, BOARDS_FIRST);
  for (const step of [1, 0.5]) {
    const around = judge.best(BOARDS_FIRST).slice(0, step === 1 ? REFINED : 1);
    await tryAll(judge.unknown(around.flatMap(({ options }) => besides(options, step))), BOARDS_FIRST);
  }
  const known = judge.best(BOARDS_FIRST);
  const ofEach = [...new Map([...known].reverse().map((trial) => [trial.options.method, trial])).values()];
  const last = [...new Set([...known.slice(0, FINALISTS), ...ofEach])].map(({ options }) => options);
  await tryAll([...last, DEFAULT_COOCCURRENCE], BOARDS_MOST);
  const finals = judge.best(BOARDS_MOST);
  const left = known.filter(({ options }) => !last.some((other) => sameCount(other, options)));
  const usual = judge.atDepth(DEFAULT_COOCCURRENCE, BOARDS_MOST);
  const heldOut = { saves: split.boards.length, of: 'one save of a board, drawn by lot' as const, seed };
  return { heldOut, chosen: finals[0], usual, trials: [...finals, ...left] };
}

const setting = (given: Partial<CooccurrenceOptions>): CooccurrenceOptions => ({
  ...DEFAULT_COOCCURRENCE,
  neighbors: LONGEST,
  ...given,
});

/** Every method that there is, over the range in which each is used. */
const FIRST_ROUND: readonly CooccurrenceOptions[] = [
  setting({ method: 'count' }),
  setting({ method: 'count', damping: 'log' }),
  ...([0, 20] as const).flatMap((shrink) => [
    setting({ method: 'cosine', shrink }),
    setting({ method: 'cosine', shrink, weighting: 'tfidf' }),
    setting({ method: 'jaccard', shrink }),
  ]),
  setting({ method: 'cosine', damping: 'log' }),
  setting({ method: 'jaccard', damping: 'log' }),
  ...[0.5, 0.8, 1.1].map((alpha) => setting({ method: 'p3alpha', alpha })),
  ...[0.5, 0.7, 0.9].flatMap((alpha) => [0.15, 0.35, 0.55].map((beta) => setting({ method: 'rp3beta', alpha, beta }))),
];

/** Settings next to one; `step` 1: about half of the first round's grid, less: closer. */
function besides(options: CooccurrenceOptions, step: number): CooccurrenceOptions[] {
  const { method, alpha, beta, shrink, damping, weighting } = options;
  const near = (value: number, by: number): number[] => [value - by * step, value + by * step].map((each) => Number(each.toFixed(3)));
  if (method === 'p3alpha') return near(alpha, 0.15).map((each) => ({ ...options, alpha: each }));
  if (method === 'rp3beta')
    return [
      ...near(alpha, 0.1).map((each) => ({ ...options, alpha: each })),
      ...near(beta, 0.1).map((each) => ({ ...options, beta: each })),
    ];
  const otherDamping = { ...options, damping: damping === 'log' ? ('none' as const) : ('log' as const) };
  if (method === 'count') return [otherDamping, { ...options, weighting: weighting === 'tfidf' ? 'none' : 'tfidf' }];
  const shrinks = shrink === 0 ? [5 * step, 60 * step] : [shrink * (1 + 1.5 * step), shrink / (1 + 1.5 * step)];
  return [otherDamping, ...shrinks.map((each) => ({ ...options, shrink: Math.round(each) }))];
}

interface Split {
  readonly table: BoardPins;
  /** In the order in which they are judged. */
  readonly boards: readonly number[];
  /** The pin that each of them lost. */
  readonly items: readonly number[];
}

/** Takes one pin of each of many boards out, as many as may be judged. */
function heldOutOf(table: BoardPins, random: Random): Split {
  const { boards, pins, pairs, boardStart, boardPins } = table;
  const able = Array.from({ length: boards }, (_, board) => board).filter(
    (board) => boardStart[board + 1] - boardStart[board] >= BOARD_LEAST,
  );
  const rows = new Set<number>();
  const chosen: number[] = [];
  for (const board of random.shuffled(able)) {
    if (chosen.length === BOARDS_MOST || (rows.size > ROWS_MOST && chosen.length >= BOARDS_LEAST)) break;
    chosen.push(board);
    for (let at = boardStart[board]; at < boardStart[board + 1]; at++) rows.add(boardPins[at]);
  }
  const taken = new Set(chosen.map((board) => boardStart[board] + random.integer(boardStart[board + 1] - boardStart[board])));
  const [boardOf, pinOf] = [new Uint32Array(pairs - taken.size), new Uint32Array(pairs - taken.size)];
  const lost = new Map<number, number>();
  let kept = 0;
  for (let board = 0; board < boards; board++) {
    for (let at = boardStart[board]; at < boardStart[board + 1]; at++) {
      if (taken.has(at)) {
        lost.set(board, boardPins[at]);
        continue;
      }
      boardOf[kept] = board;
      pinOf[kept++] = boardPins[at];
    }
  }
  return { table: boardPinsOf(boardOf, pinOf, boards, pins), boards: chosen, items: chosen.map((board) => lost.get(board) ?? -1) };
}

/** Judges settings at every length of list, and remembers what it found. */
class Judge {
  private readonly split: Split;
  private readonly room = new CounterRoom();
  /** By boards of the round. */
  private readonly found = new Map<number, Trial[]>();

  constructor(split: Split) {
    this.split = split;
  }

  /** On the first `most` boards. */
  judge(options: CooccurrenceOptions, most: number): void {
    const { table, boards, items } = this.split;
    const judged = Math.min(most, boards.length);
    const heldOut = heldOutRows(table.boards, boards.slice(0, judged), items);
    const wanted = new Uint8Array(table.pins);
    for (const board of boards.slice(0, judged))
      for (let at = table.boardStart[board]; at < table.boardStart[board + 1]; at++) wanted[table.boardPins[at]] = 1;
    const lists = new FastRowCounter(table, { ...options, neighbors: LONGEST }, this.room).rows(0, table.pins, wanted);
    const trials = DEPTHS.map((neighbors): Trial => {
      const { recall, ndcg } = evaluateRanked(new Votes(table, lists, neighbors), heldOut, TOP);
      return { options: { ...options, neighbors }, recall20: recall, ndcg20: ndcg, boards: judged };
    });
    this.found.set(most, [...(this.found.get(most) ?? []), ...trials]);
  }

  /** The best length of list of every setting, the best setting first. */
  best(most: number): Trial[] {
    const best = new Map<string, Trial>();
    for (const trial of [...(this.found.get(most) ?? [])].sort(byQuality)) {
      const key = keyOf(trial.options);
      if (!best.has(key)) best.set(key, trial);
    }
    return [...best.values()];
  }

  atDepth(options: CooccurrenceOptions, most: number): Trial {
    const all = this.found.get(most) ?? [];
    return all.find((trial) => sameCount(trial.options, options) && trial.options.neighbors === options.neighbors) as Trial;
  }

  /** Those that were not judged yet, each once. */
  unknown(settings: readonly CooccurrenceOptions[]): CooccurrenceOptions[] {
    const known = new Set((this.found.get(BOARDS_FIRST) ?? []).map(({ options }) => keyOf(options)));
    const fresh = settings.filter((options) => !known.has(keyOf(options)));
    return [...new Map(fresh.map((options) => [keyOf(options), options])).values()];
  }
}

/** By recall, then by NDCG; of equals the shorter list, which costs less. */
function byQuality(a: Trial, b: Trial): number {
  return b.recall20 - a.recall20 || b.ndcg20 - a.ndcg20 || a.options.neighbors - b.options.neighbors;
}

function keyOf(options: CooccurrenceOptions): string {
  return JSON.stringify({ ...options, neighbors: LONGEST });
}

function sameCount(a: CooccurrenceOptions, b: CooccurrenceOptions): boolean {
  return keyOf(a) === keyOf(b);
}

/** Row b of the result: what board b lost, if it is among those judged. */
function heldOutRows(rows: number, boards: readonly number[], items: readonly number[]): HeldOut {
  const of = new Map(boards.map((board, place) => [board, items[place]]));
  const start = new Uint32Array(rows + 1);
  const held = new Uint32Array(boards.length);
  let count = 0;
  for (let board = 0; board < rows; board++) {
    const item = of.get(board);
    if (item !== undefined) held[count++] = item;
    start[board + 1] = count;
  }
  return { start, items: held };
}
