/**
 * Reads LETOR / SVMlight `qid:` files, or files with group sizes in FILE.query, of any length: the file is streamed twice,
 * once to count and check, once to fill arrays of exactly the right size. Nothing else is held.
 */
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { reasonOf, ServiceError } from '../../errors.ts';
import { LetorLine } from './letor-line.ts';
import { type RankingData, sharedArray } from '../training/ranking-data.ts';

interface LetorSettings {
  /** Rows of one query that lie apart: `refuse` the file, or `group` them where the query was met first. */
  readonly apart?: 'refuse' | 'group';
  readonly signal?: AbortSignal;
}

/** Ranking data with the ids of its queries, one per list. */
export interface LetorData extends RankingData {
  readonly queryIds: readonly string[];
}

/** From here on whole numbers are not exact in 32 bits. */
const LARGE = 2 ** 24;
/** A column needs so many different values to rank by. */
const STEPS_LEAST = 1000;
/** Above this share of non-zero values dense rows are smaller than sparse ones. */
const DENSE_SHARE = 0.5;

/**
 * Columns are all indexes from 1 (0, if the file uses it) to the highest, named by their number. Throws LETOR_REFUSED with
 * file, line and reason, CATALOG_FILE_UNREADABLE, JOB_STOPPED when the signal says so.
 */
export async function readLetor(path: string, settings: LetorSettings = {}): Promise<LetorData> {
  const sizes = existsSync(`${path}.query`) ? await groupSizes(`${path}.query`) : null;
  const census = new Census(path, sizes, settings.apart ?? 'refuse');
  await eachLine(path, settings.signal, (line, number) => census.add(line, number));
  census.close();
  const shape = census.shape();
  const filler = new Filler(census, shape);
  await eachLine(path, settings.signal, (line) => filler.add(line));
  return filler.data();
}

async function groupSizes(path: string): Promise<readonly number[]> {
  const words = (await readFile(path, 'utf8')).split(/\s+/).filter((word) => word !== '');
  return words.map((word, at) => {
    const size = Number(word);
    if (!Number.isInteger(size) || size < 0)
      throw new ServiceError('LETOR_REFUSED', { file: path, line: at + 1, reason: `the group size is "${word}"` });
    return size;
  });
}

async function eachLine(path: string, signal: AbortSignal | undefined, take: (line: LetorLine, number: number) => void): Promise<void> {
  const line = new LetorLine();
  let number = 0;
  const each = (bytes: Uint8Array, from: number, to: number): void => {
    number++;
    try {
      if (line.read(bytes, from, to)) take(line, number);
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      throw new ServiceError('LETOR_REFUSED', { file: path, line: number, reason: reasonOf(error) }, error);
    }
  };
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
      const bytes: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
      let from = 0;
      for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
        each(bytes, from, to);
        from = to + 1;
      }
      rest = bytes.subarray(from);
    }
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file: path, format: 'LETOR', reason: reasonOf(error) }, error);
  }
  if (rest.length > 0) each(rest, 0, rest.length);
}

/** The first reading: how many rows, values, columns and lists there are, and which list each row belongs to. */
class Census {
  readonly queryIds: string[] = [];
  readonly listLengths: number[] = [];
  /** List of each row, in file order. */
  lists = new Uint32Array(1024);
  /** Values of each row, in file order. */
  lengths = new Uint32Array(1024);
  rows = 0;
  values = 0;
  lowest = 1;
  highest = 0;
  private readonly path: string;
  private readonly sizes: readonly number[] | null;
  private readonly apart: 'refuse' | 'group';
  private readonly known = new Map<string, number>();
  private left = 0;
  private readonly large = new Map<number, { low: number; high: number }>();

  constructor(path: string, sizes: readonly number[] | null, apart: 'refuse' | 'group') {
    this.path = path;
    this.sizes = sizes;
    this.apart = apart;
  }

  add(line: LetorLine, number: number): void {
    if (this.rows === this.lists.length) this.grow();
    const list = line.queryId === '' ? this.nextOfGroup(number) : this.listOf(line.queryId, number);
    this.lists[this.rows] = list;
    this.lengths[this.rows++] = line.length;
    this.listLengths[list]++;
    this.values += line.length;
    for (let k = 0; k < line.length; k++) this.spread(line.indexes[k], line.values[k]);
    if (line.length === 0) return;
    this.lowest = Math.min(this.lowest, line.indexes[0]);
    this.highest = Math.max(this.highest, line.indexes[line.length - 1]);
  }

  /** Lowest and highest of the large values: 32-bit floats keep seven digits, and a time in milliseconds has thirteen. */
  private spread(column: number, value: number): void {
    if (Math.abs(value) < LARGE) return;
    const known = this.large.get(column);
    if (!known) this.large.set(column, { low: value, high: value });
    else if (value < known.low) known.low = value;
    else if (value > known.high) known.high = value;
  }

  /** A column whose values differ by less than their last digit in 32 bits says something else than the file. */
  private refuseBlurred(): void {
    for (const [column, { low, high }] of this.large) {
      const step = Math.max(Math.abs(low), Math.abs(high)) * 2 ** -23;
      if (high === low || high - low >= STEPS_LEAST * step) continue;
      this.refuse(
        this.rows,
        `column ${column} has values from ${low} to ${high}, which 32-bit floats hold in steps of ${Math.round(step)}; subtract the smallest or normalize the column (a time: use days)`,
      );
    }
  }

  close(): void {
    this.refuseBlurred();
    const missing = this.left + (this.sizes && this.known.size === 0 ? sum(this.sizes.slice(this.queryIds.length)) : 0);
    if (this.rows === 0) this.refuse(1, 'there is no row');
    if (missing > 0) this.refuse(this.rows, `the group sizes of ${this.path}.query ask for ${missing} more rows`);
  }

  /** Rows of a list come one after the other. */
  private listOf(queryId: string, number: number): number {
    const last = this.queryIds.length - 1;
    if (last >= 0 && this.queryIds[last] === queryId) return last;
    const known = this.known.get(queryId);
    if (known !== undefined) {
      if (this.apart === 'group') return known;
      this.refuse(number, `query ${queryId} was met before, with another one between; sort the file or group its queries`);
    }
    this.known.set(queryId, this.queryIds.length);
    this.listLengths.push(0);
    return this.queryIds.push(queryId) - 1;
  }

  private nextOfGroup(number: number): number {
    if (!this.sizes) this.refuse(number, `the row has no qid, and there is no ${this.path}.query with group sizes`);
    const sizes = this.sizes as readonly number[];
    while (this.left === 0) {
      if (this.queryIds.length === sizes.length) this.refuse(number, `${this.path}.query has no group for this row`);
      this.left = sizes[this.queryIds.length];
      this.listLengths.push(0);
      this.queryIds.push(String(this.queryIds.length + 1));
    }
    this.left--;
    return this.queryIds.length - 1;
  }

  private refuse(line: number, reason: string): never {
    throw new ServiceError('LETOR_REFUSED', { file: this.path, line, reason });
  }

  private grow(): void {
    const lists = new Uint32Array(this.lists.length * 2);
    const lengths = new Uint32Array(this.lists.length * 2);
    lists.set(this.lists);
    lengths.set(this.lengths);
    this.lists = lists;
    this.lengths = lengths;
  }

  shape(): { readonly columns: number; readonly dense: boolean } {
    const columns = this.highest - this.lowest + 1;
    return { columns, dense: this.values > DENSE_SHARE * this.rows * columns };
  }
}

/** The second reading: every row goes straight to its place. */
class Filler {
  private readonly census: Census;
  private readonly columns: number;
  private readonly listStart: Int32Array;
  private readonly grades: Float32Array;
  private readonly next: Int32Array;
  private readonly data32: Float32Array | null = null;
  private readonly start: Float64Array | null = null;
  private readonly indexes: Uint32Array | null = null;
  private readonly values: Float32Array | null = null;
  private read = 0;

  constructor(census: Census, shape: { readonly columns: number; readonly dense: boolean }) {
    this.census = census;
    this.columns = shape.columns;
    this.grades = sharedArray(Float32Array, census.rows);
    this.listStart = sharedArray(Int32Array, census.queryIds.length + 1);
    census.listLengths.forEach((length, list) => {
      this.listStart[list + 1] = this.listStart[list] + length;
    });
    this.next = this.listStart.slice(0, -1);
    if (shape.dense) {
      this.data32 = sharedArray(Float32Array, census.rows * shape.columns);
      return;
    }
    this.start = rowStarts(census, this.listStart);
    this.indexes = sharedArray(Uint32Array, census.values);
    this.values = sharedArray(Float32Array, census.values);
  }

  add(line: LetorLine): void {
    const row = this.next[this.census.lists[this.read++]]++;
    this.grades[row] = line.label;
    const { lowest } = this.census;
    const { data32, start, indexes, values } = this;
    for (let k = 0; k < line.length; k++) {
      if (data32) data32[row * this.columns + line.indexes[k] - lowest] = line.values[k];
      else if (start && indexes && values) {
        indexes[start[row] + k] = line.indexes[k] - lowest;
        values[start[row] + k] = line.values[k];
      }
    }
  }

  data(): LetorData {
    const { data32, start, indexes, values, census } = this;
    const names = Array.from({ length: this.columns }, (_, column) => String(census.lowest + column));
    const rows: RankingData['rows'] | null = data32
      ? { kind: 'dense', data: data32 }
      : start && indexes && values
        ? { kind: 'sparse', start, indexes, values }
        : null;
    if (!rows) throw new RangeError('rows were not read');
    return { names, rows, grades: this.grades, listStart: this.listStart, queryIds: census.queryIds };
  }
}

/** Where each row's values begin, when rows are laid out list by list. */
function rowStarts(census: Census, listStart: Int32Array): Float64Array {
  const start = sharedArray(Float64Array, census.rows + 1);
  const next = listStart.slice(0, -1);
  for (let read = 0; read < census.rows; read++) start[next[census.lists[read]]++ + 1] = census.lengths[read];
  for (let row = 0; row < census.rows; row++) start[row + 1] += start[row];
  return start;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
