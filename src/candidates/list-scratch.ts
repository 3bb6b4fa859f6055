import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { NeighborLists } from './cooccurrence/board-cooccurrence.ts';
import { replaceFile } from '../swapped-file.ts';

interface Progress {
  readonly key: string;
  readonly rows: number;
  readonly entries: number;
}

const PIECE_ENTRIES = 1 << 18;

/**
 * Lists of a build that is under way, kept on disk so that a stopped build goes on where it was: blocks of rows are
 * appended in order, and a progress file says how far they are whole. `key` names everything the lists depend on
 * (settings, data); another key begins again.
 */
export class ListScratch {
  private readonly folder: string;
  private readonly key: string;
  private readonly files: Record<'lengths' | 'pinIndexes' | 'scores', number>;
  private done: Progress;

  constructor(folder: string, key: string) {
    this.folder = folder;
    this.key = key;
    mkdirSync(folder, { recursive: true });
    this.done = this.readProgress();
    const open = (name: string, bytes: number): number => {
      const path = join(folder, `building.${name}`);
      const file = openSync(path, existsSync(path) ? 'r+' : 'w+');
      ftruncateSync(file, bytes);
      return file;
    };
    this.files = {
      lengths: open('lengths', this.done.rows * 4),
      pinIndexes: open('pinIndexes', this.done.entries * 4),
      scores: open('scores', this.done.entries * 4),
    };
  }

  /** Rows that are done; the next block must begin here. */
  get rows(): number {
    return this.done.rows;
  }

  get entries(): number {
    return this.done.entries;
  }

  append(block: NeighborLists): void {
    if (block.first !== this.done.rows) throw new RangeError(`block begins at row ${block.first}, ${this.done.rows} rows are done`);
    const lengths = new Uint32Array(block.rows);
    for (let r = 0; r < block.rows; r++) lengths[r] = block.start[r + 1] - block.start[r];
    write(this.files.lengths, lengths, this.done.rows * 4);
    write(this.files.pinIndexes, block.pinIndexes, this.done.entries * 4);
    write(this.files.scores, block.scores, this.done.entries * 4);
    this.done = {
      key: this.key,
      rows: this.done.rows + block.rows,
      entries: this.done.entries + block.pinIndexes.length,
    };
    const path = join(this.folder, 'building.json');
    replaceFile(path, JSON.stringify(this.done));
  }

  lengths(): Iterable<Uint32Array<ArrayBuffer>> {
    return pieces(this.files.lengths, this.done.rows, (length) => new Uint32Array(length));
  }

  pinIndexes(): Iterable<Int32Array<ArrayBuffer>> {
    return pieces(this.files.pinIndexes, this.done.entries, (length) => new Int32Array(length));
  }

  scores(): Iterable<Float32Array<ArrayBuffer>> {
    return pieces(this.files.scores, this.done.entries, (length) => new Float32Array(length));
  }

  close(): void {
    for (const file of Object.values(this.files)) closeSync(file);
  }

  /** Closes and removes everything: the build is done. */
  discard(): void {
    this.close();
    for (const name of ['json', 'lengths', 'pinIndexes', 'scores']) rmSync(join(this.folder, `building.${name}`), { force: true });
  }

  private readProgress(): Progress {
    const path = join(this.folder, 'building.json');
    const none: Progress = { key: this.key, rows: 0, entries: 0 };
    if (!existsSync(path)) return none;
    const found = JSON.parse(readFileSync(path, 'utf8')) as Progress;
    return found.key === this.key ? found : none;
  }
}

function write(file: number, array: Uint32Array | Int32Array | Float32Array, position: number): void {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

/** An array of one type in pieces; at least one, so that an empty array keeps its type. */
function* pieces<T extends Uint32Array | Int32Array | Float32Array>(
  file: number,
  length: number,
  make: (length: number) => T,
): Iterable<T> {
  for (let at = 0; at === 0 || at < length; at += PIECE_ENTRIES) {
    const piece = make(Math.min(PIECE_ENTRIES, length - at));
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let done = 0; done < bytes.length;) {
      const read = readSync(file, bytes, done, bytes.length - done, at * 4 + done);
      if (read === 0) throw new RangeError(`the scratch file ends ${bytes.length - done} bytes early`);
      done += read;
    }
    yield piece;
  }
}
