/** Vectors as files hold them: `.npy` with a file of ids, Parquet or JSON Lines with an id and a list of numbers. */
import { existsSync, readFileSync } from 'node:fs';
import { FieldNames } from '../../catalog/readers/field-names.ts';
import { readerOf } from '../../catalog/readers/file-format.ts';
import { BEGINNING, unreadable } from '../../catalog/readers/row-reader.ts';
import type { ServiceError } from '../../errors.ts';
import { npyRows } from './npy.ts';

export interface VectorRow {
  /** From 1. */
  readonly line: number;
  readonly id: string;
  readonly vector: ArrayLike<number>;
}

/** The refusal of a file of vectors from `line` on (0: as a whole). */
export function vectorsUnreadable(file: string, line: number, reason: string): ServiceError {
  return unreadable(file, 'vectors', line, new Error(reason));
}

/** The rows of a file; `ids` is asked for by `.npy` alone (default: beside it, with the ending .ids, .ids.txt or .ids.json). */
export async function* vectorRows(file: string, ids: string | undefined): AsyncGenerator<VectorRow> {
  if (!existsSync(file)) throw vectorsUnreadable(file, 0, 'there is no such file');
  if (/\.npy$/i.test(file)) yield* rowsOfNpy(file, ids ?? idsBeside(file));
  else if (/\.(parquet|jsonl|ndjson|json)(\.(gz|zst))?$/i.test(file)) yield* rowsOfRecords(file);
  else throw vectorsUnreadable(file, 0, 'its name must end in .npy, .parquet, .jsonl or .json');
}

function idsBeside(file: string): string {
  const stem = file.replace(/\.npy$/i, '');
  const found = ['.ids', '.ids.txt', '.ids.json'].map((ending) => stem + ending).find((path) => existsSync(path));
  if (found) return found;
  throw vectorsUnreadable(file, 0, `which pins its rows are is not known: give --ids FILE, a pin id a line, or put ${stem}.ids beside it`);
}

function* rowsOfNpy(file: string, idsFile: string): Generator<VectorRow> {
  const ids = readIds(idsFile);
  let line = 0;
  try {
    for (const vector of npyRows(file)) {
      if (line >= ids.length) throw new Error(`it has more rows than ${idsFile} has ids (${ids.length})`);
      yield { line: line + 1, id: ids[line++], vector };
    }
    if (line !== ids.length) throw new Error(`it has ${line} rows, ${idsFile} has ${ids.length} ids`);
  } catch (error) {
    throw unreadable(file, 'vectors', 0, error);
  }
}

/** An id a line, or a JSON list. */
function readIds(file: string): readonly string[] {
  try {
    const text = readFileSync(file, 'utf8');
    if (/^\s*\[/.test(text)) return (JSON.parse(text) as readonly unknown[]).map(String);
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  } catch (error) {
    throw unreadable(file, 'ids', 0, error);
  }
}

async function* rowsOfRecords(file: string): AsyncGenerator<VectorRow> {
  const read = await readerOf(file);
  for await (const { rows } of read(file, new FieldNames('pins'), BEGINNING)) {
    for (const { line, value, reason } of rows) {
      if (reason !== undefined) throw vectorsUnreadable(file, line, `a row cannot be read (${reason})`);
      const { id, vector, embedding } = (value ?? {}) as { id?: unknown; vector?: unknown; embedding?: unknown };
      const numbers = vector ?? embedding;
      if (typeof id !== 'string' && typeof id !== 'number') throw vectorsUnreadable(file, line, 'a row has no id');
      if (!Array.isArray(numbers) && !ArrayBuffer.isView(numbers))
        throw vectorsUnreadable(file, line, `pin ${String(id).slice(0, 80)} has no list of numbers under vector (or embedding)`);
      yield { line, id: String(id), vector: numbers as unknown as ArrayLike<number> };
    }
  }
}
