/**
 * Judged lists of the log as ranking data: one row per impression, in position order, the logged feature rows as they are.
 * What floods is capped, what was hardly seen is cut, both are counted.
 */
import type { JudgedList } from '../../catalog/log/judged-list.ts';
import { replayGroupOf } from '../../catalog/log/replayed-list.ts';
import type { Matrix } from '../../math/matrix.ts';
import { FEATURE_COLUMNS } from '../scoring/feature-table.ts';
import { type RankingData, rowCount, sharedArray } from './ranking-data.ts';
import { type TimeSplit, timeSplit } from './time-split.ts';

/** A list of the log, without its items. */
type LoggedList = Pick<
  JudgedList,
  'recommendationId' | 'at' | 'surface' | 'queryPinIndex' | 'userId' | 'arm' | 'modelVersion' | 'shuffled'
>;

/** Ranking data over every column of the table, with what the log says of lists and rows. */
export interface LogData extends RankingData {
  readonly lists: readonly LoggedList[];
  readonly pinIndexes: Int32Array;
  /** From 1. */
  readonly positions: Uint16Array;
  readonly retrievedRanks: Int32Array;
  readonly left: LeftOut;
}

/** How many lists were met and not taken. */
interface LeftOut {
  /** Lists over a user's daily number. */
  readonly floods: number;
  /** Lists of the same query shown to the same user again on the same day, over the number kept. */
  readonly repeated: number;
}

/** Absent: 500 and 3. Days are those of UTC; lists without a user are all taken. */
interface LogDataSettings {
  /** Lists of one user on one day; more are the work of a robot. */
  readonly listsPerUserDay?: number;
  /** Lists of one query for one user on one day. */
  readonly repeatsPerDay?: number;
}

const DAY_MS = 24 * 3600 * 1000;

/** Reads lists in time order. Items that were not returned are left out: nobody saw them. */
export function collectLogData(judged: Iterable<JudgedList>, settings: LogDataSettings = {}): LogData {
  const { listsPerUserDay = 500, repeatsPerDay = 3 } = settings;
  const rows = new RowCollector();
  const lists: LoggedList[] = [];
  const starts = [0];
  const caps = new DailyCaps();
  const left = { floods: 0, repeated: 0 };
  for (const list of judged) {
    const user = list.userId;
    if (user !== null && caps.over(list.at, user, listsPerUserDay)) left.floods++;
    else if (user !== null && list.queryPinIndex >= 0 && caps.over(list.at, `${list.queryPinIndex} ${user}`, repeatsPerDay))
      left.repeated++;
    else {
      rows.addList(list);
      starts.push(rows.count);
      lists.push(headOf(list));
    }
  }
  return { ...rows.finish(), names: FEATURE_COLUMNS, listStart: Int32Array.from(starts), lists, left };
}

function headOf(list: JudgedList): LoggedList {
  const { recommendationId, at, surface, queryPinIndex, userId, arm, modelVersion, shuffled } = list;
  return { recommendationId, at, surface, queryPinIndex, userId, arm, modelVersion, shuffled };
}

/** Counts per key and day; lists come in time order, so only one day is remembered. */
class DailyCaps {
  private day = -1;
  private readonly counts = new Map<string, number>();

  over(at: number, key: string, limit: number): boolean {
    const day = Math.floor(at / DAY_MS);
    if (day !== this.day) this.counts.clear();
    this.day = day;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    return count > limit;
  }
}

/** Growing columns of rows. */
class RowCollector {
  count = 0;
  private capacity = 4096;
  private readonly width = FEATURE_COLUMNS.length;
  private data = new Float32Array(this.capacity * this.width);
  private grades = new Float32Array(this.capacity);
  private pinIndexes = new Int32Array(this.capacity);
  private positions = new Uint16Array(this.capacity);
  private retrievedRanks = new Int32Array(this.capacity);
  private names: readonly string[] | null = null;
  private targets = new Int32Array(0);

  addList({ items, grades }: JudgedList): void {
    this.align(items.rows);
    while (this.count + items.count > this.capacity) this.grow();
    for (let item = 0; item < items.count; item++) {
      if (items.positions[item] === 0) continue;
      this.copyRow(items.rows, item);
      this.grades[this.count] = grades[item];
      this.pinIndexes[this.count] = items.pinIndexes[item];
      this.positions[this.count] = items.positions[item];
      this.retrievedRanks[this.count] = items.retrievedRanks[item];
      this.count++;
    }
  }

  /** Logged columns are found by name: a log of an older table lacks some, which stay 0. */
  private align({ names }: Matrix): void {
    if (names === this.names) return;
    this.targets = Int32Array.from(names, (name) => FEATURE_COLUMNS.indexOf(name));
    this.names = names;
  }

  private copyRow({ data, columns }: Matrix, item: number): void {
    const to = this.count * this.width;
    for (let column = 0; column < columns; column++) {
      if (this.targets[column] >= 0) this.data[to + this.targets[column]] = data[item * columns + column];
    }
  }

  private grow(): void {
    this.capacity *= 2;
    const grown = <T extends { set(from: T): void }>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.data = grown(this.data, new Float32Array(this.capacity * this.width));
    this.grades = grown(this.grades, new Float32Array(this.capacity));
    this.pinIndexes = grown(this.pinIndexes, new Int32Array(this.capacity));
    this.positions = grown(this.positions, new Uint16Array(this.capacity));
    this.retrievedRanks = grown(this.retrievedRanks, new Int32Array(this.capacity));
  }

  finish(): Pick<LogData, 'rows' | 'grades' | 'pinIndexes' | 'positions' | 'retrievedRanks'> {
    const data = sharedArray(Float32Array, this.count * this.width);
    data.set(this.data.subarray(0, data.length));
    const grades = sharedArray(Float32Array, this.count);
    grades.set(this.grades.subarray(0, this.count));
    return {
      rows: { kind: 'dense', data },
      grades,
      pinIndexes: this.pinIndexes.slice(0, this.count),
      positions: this.positions.slice(0, this.count),
      retrievedRanks: this.retrievedRanks.slice(0, this.count),
    };
  }
}

/** How many lists have an action on a row. */
export function actedLists({ grades, listStart, lists }: LogData): number {
  return lists.filter((_, list) => grades.subarray(listStart[list], listStart[list + 1]).some((grade) => grade !== 0)).length;
}

/** Earlier lists train, later ones judge. Replayed lists of one owner are never on both sides. */
export function splitLog(data: LogData, holdoutShare: number): TimeSplit {
  return splitLists(data.lists.length, (list) => Number(replayGroupOf(data.lists[list].recommendationId) ?? -1), holdoutShare);
}

/** The same for lists of which only the replay they belong to is known; -1: people saw it. */
export function splitLists(lists: number, groupAt: (list: number) => number, holdoutShare: number): TimeSplit {
  const split = timeSplit(lists, holdoutShare);
  const cutsGroup = (at: number): boolean => at > 0 && at < lists && groupAt(at) >= 0 && groupAt(at) === groupAt(at - 1);
  const { from: wanted, to } = split.holdout;
  let from = wanted;
  while (cutsGroup(from)) from++;
  if (from >= to) from = wanted;
  while (cutsGroup(from) && from > 1) from--;
  return { train: { from: 0, to: from }, holdout: { from, to } };
}

/** Lists `from` .. `to` (exclusive), rows over the same memory. Throws TypeError for sparse rows. */
export function sliceLog(data: LogData, from: number, to: number): LogData {
  const first = data.listStart[from];
  const last = data.listStart[to];
  if (data.rows.kind !== 'dense') throw new TypeError('rows of the log are dense');
  const width = data.names.length;
  return {
    ...data,
    rows: { kind: 'dense', data: data.rows.data.subarray(first * width, last * width) },
    grades: data.grades.subarray(first, last),
    listStart: data.listStart.slice(from, to + 1).map((start) => start - first),
    lists: data.lists.slice(from, to),
    pinIndexes: data.pinIndexes.subarray(first, last),
    positions: data.positions.subarray(first, last),
    retrievedRanks: data.retrievedRanks.subarray(first, last),
  };
}

/** Some lists, ascending, with copies of their rows. Throws TypeError for sparse rows. */
export function pickLists(data: LogData, lists: readonly number[]): LogData {
  if (data.rows.kind !== 'dense') throw new TypeError('rows of the log are dense');
  const listStart = new Int32Array(lists.length + 1);
  lists.forEach((list, at) => (listStart[at + 1] = listStart[at] + data.listStart[list + 1] - data.listStart[list]));
  const rows = listStart[lists.length];
  const width = data.names.length;
  const picked = {
    values: new Float32Array(rows * width),
    grades: new Float32Array(rows),
    pinIndexes: new Int32Array(rows),
    positions: new Uint16Array(rows),
    retrievedRanks: new Int32Array(rows),
  };
  for (const [at, list] of lists.entries()) {
    const [first, last, to] = [data.listStart[list], data.listStart[list + 1], listStart[at]];
    picked.values.set(data.rows.data.subarray(first * width, last * width), to * width);
    for (const column of ['grades', 'pinIndexes', 'positions', 'retrievedRanks'] as const)
      picked[column].set(data[column].subarray(first, last), to);
  }
  const { values, ...columns } = picked;
  return { ...data, ...columns, rows: { kind: 'dense', data: values }, listStart, lists: lists.map((list) => data.lists[list]) };
}

/**
 * Choice: people look a little beyond the last thing they act on; an item further down was likely not seen, and its being
 * left alone says nothing about it. Shown shuffled or not, five more positions count as seen.
 */
const SEEN_BEYOND_LAST_ACTION = 5;

/**
 * The rows that were likely seen, and only some columns: what the solver trains on. Of a list that nobody acted on,
 * positions up to `beyond` are kept; a column that the data lack is 0.
 */
export function trainingRows(data: LogData, columns: readonly string[], beyond = SEEN_BEYOND_LAST_ACTION): LogData {
  const kept = seenRows(data, beyond);
  const from = Int32Array.from(columns, (name) => data.names.indexOf(name));
  if (data.rows.kind !== 'dense') throw new TypeError('rows of the log are dense');
  const source = data.rows.data;
  const width = data.names.length;
  const out = sharedArray(Float32Array, kept.rows.length * columns.length);
  kept.rows.forEach((row, at) => {
    for (let c = 0; c < from.length; c++) if (from[c] >= 0) out[at * from.length + c] = source[row * width + from[c]];
  });
  const grades = sharedArray(Float32Array, kept.rows.length);
  kept.rows.forEach((row, at) => {
    grades[at] = data.grades[row];
  });
  return {
    ...data,
    names: columns,
    rows: { kind: 'dense', data: out },
    grades,
    listStart: kept.listStart,
    pinIndexes: kept.rows.map((row) => data.pinIndexes[row]),
    positions: Uint16Array.from(kept.rows, (row) => data.positions[row]),
    retrievedRanks: kept.rows.map((row) => data.retrievedRanks[row]),
  };
}

function seenRows(data: LogData, beyond: number): { readonly rows: Int32Array; readonly listStart: Int32Array } {
  const rows = new Int32Array(rowCount(data));
  const listStart = new Int32Array(data.listStart.length);
  let count = 0;
  for (let list = 0; list + 1 < data.listStart.length; list++) {
    let last = 0;
    for (let row = data.listStart[list]; row < data.listStart[list + 1]; row++)
      if (data.grades[row] !== 0) last = Math.max(last, data.positions[row]);
    for (let row = data.listStart[list]; row < data.listStart[list + 1]; row++)
      if (data.positions[row] <= last + beyond) rows[count++] = row;
    listStart[list + 1] = count;
  }
  return { rows: rows.slice(0, count), listStart };
}
