import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ServiceError } from '../../errors.ts';

/** `pairs`: a line is user, tab, item. `lists`: a line is user item item ... . `negatives`: user, positive, negatives. */
export type InteractionForm = 'pairs' | 'lists';

/** Names met so far and the ordinal of each, in order of first sight. */
export class Names {
  readonly list: string[] = [];
  private readonly ordinals = new Map<string, number>();

  ordinalOf(name: string): number {
    const known = this.ordinals.get(name);
    if (known !== undefined) return known;
    this.ordinals.set(name, this.list.length);
    this.list.push(name);
    return this.list.length - 1;
  }

  /** Position of each ordinal when names stand in order: as numbers if all are whole numbers, else as text. */
  ranks(): Uint32Array {
    const numbers = this.list.every((name) => /^\d{1,15}$/.test(name));
    const order = Array.from(this.list, (_, ordinal) => ordinal);
    const { list } = this;
    if (numbers) order.sort((a, b) => Number(list[a]) - Number(list[b]) || a - b);
    else order.sort((a, b) => (list[a] < list[b] ? -1 : list[a] > list[b] ? 1 : 0));
    const ranks = new Uint32Array(order.length);
    order.forEach((ordinal, rank) => {
      ranks[ordinal] = rank;
    });
    return ranks;
  }
}

/** A growing column of whole numbers. */
export class Column {
  length = 0;
  private values = new Uint32Array(1024);

  push(value: number): void {
    if (this.length === this.values.length) {
      const longer = new Uint32Array(this.length * 2);
      longer.set(this.values);
      this.values = longer;
    }
    this.values[this.length++] = value;
  }

  view(): Uint32Array {
    return this.values.subarray(0, this.length);
  }
}

/** Parallel columns, one entry per (user, item) as read. */
export interface Interactions {
  readonly users: Column;
  readonly items: Column;
}

/** One test line of sampled negatives: row r holds the positive and its negatives at `start[r] .. start[r + 1]`. */
export interface SampledLines {
  readonly users: Column;
  readonly start: Column;
  readonly items: Column;
}

/**
 * Reads (user, item) pairs line by line; empty lines are passed over.
 * Throws CATALOG_FILE_UNREADABLE naming the line that has no item, or the file that cannot be read.
 */
export async function readInteractions(file: string, form: InteractionForm, users: Names, items: Names): Promise<Interactions> {
  const read: Interactions = { users: new Column(), items: new Column() };
  await eachLine(file, (fields, line) => {
    if (fields.length < 2 && form === 'pairs') refuse(file, line, 'expected user, tab, item');
    const user = users.ordinalOf(fields[0]);
    const last = form === 'pairs' ? 2 : fields.length;
    for (let f = 1; f < last; f++) {
      read.users.push(user);
      read.items.push(items.ordinalOf(fields[f]));
    }
  });
  return read;
}

/** Reads test lines of user, positive, negatives. Throws as `readInteractions`. */
export async function readSampledLines(file: string, users: Names, items: Names): Promise<SampledLines> {
  const read: SampledLines = { users: new Column(), start: new Column(), items: new Column() };
  read.start.push(0);
  await eachLine(file, (fields, line) => {
    if (fields.length < 3) refuse(file, line, 'expected user, positive and at least one negative');
    read.users.push(users.ordinalOf(fields[0]));
    for (let f = 1; f < fields.length; f++) read.items.push(items.ordinalOf(fields[f]));
    read.start.push(read.items.length);
  });
  return read;
}

async function eachLine(file: string, take: (fields: string[], line: number) => void): Promise<void> {
  const stream = createReadStream(file, 'utf8');
  let line = 0;
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      const trimmed = text.trim();
      if (trimmed !== '') take(trimmed.split(trimmed.includes('\t') ? /\t+/ : /\s+/), line);
    }
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'lines', reason: (error as Error).message }, error);
  } finally {
    stream.destroy();
  }
}

function refuse(file: string, line: number, reason: string): never {
  throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'lines', reason: `line ${line}: ${reason}` });
}
