/**
 * JSON: an object a line (JSON Lines, resumed at a byte), or a list of objects (`json-values.ts`, resumed by counting rows).
 * UTF-8; blank lines are no rows.
 */
import type { SourceRow } from '../pins/source-row.ts';
import { decodedBytes, previewOf } from './decoded-bytes.ts';
import type { FieldNames } from './field-names.ts';
import { isListOfValues, JsonValueScanner } from './json-values.ts';
import { type Position, type RowChunk, type RowReader, unreadable } from './row-reader.ts';

/** A line longer than this is rejected, and skipped without being held. */
const LINE_BYTES_MAX = 8 << 20;
const NEWLINE = 0x0a;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON Lines, or a list of objects: recognized by how the file begins. */
export const readJson: RowReader = async function* (path, names, from) {
  const preview = await previewOf(path).catch((error: unknown) => {
    throw unreadable(path, 'JSON', 0, error);
  });
  const head = preview.toString('latin1');
  yield* isListOfValues(head) ? readJsonValues(path, names, from) : readJsonLines(path, names, from);
};

export const readJsonLines: RowReader = async function* (path, names, from): AsyncGenerator<RowChunk> {
  let position: Position = from;
  let rest: Buffer = Buffer.alloc(0);
  let skipped = 0;
  const take = function* (bytes: Buffer, end: number): Generator<RowChunk> {
    rest = bytes.subarray(end);
    if (end === 0) return;
    const { rows, lines } = rowsOf(bytes.subarray(0, end), position.line, skipped > 0, names);
    position = { byte: position.byte + skipped + end, rows: position.rows + rows.length, line: position.line + lines };
    skipped = 0;
    yield { rows, next: position };
  };
  try {
    for await (const chunk of decodedBytes(path, from.byte)) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      yield* take(bytes, bytes.lastIndexOf(NEWLINE) + 1);
      if (rest.length > LINE_BYTES_MAX || skipped > 0) {
        skipped += rest.length;
        rest = Buffer.alloc(0);
      }
    }
  } catch (error) {
    throw unreadable(path, 'JSON Lines', position.line + 1, error);
  }
  yield* take(rest, rest.length);
  if (skipped > 0) yield tooLong({ ...position, byte: position.byte + skipped });
};

const readJsonValues: RowReader = async function* (path, names, from): AsyncGenerator<RowChunk> {
  const scanner = new JsonValueScanner(LINE_BYTES_MAX);
  let opening: number | null = null;
  let count = 0;
  let line = 0;
  try {
    for await (const chunk of decodedBytes(path)) {
      opening ??= scanner.open(chunk.toString('latin1'));
      const rows: SourceRow[] = [];
      for (const value of scanner.scan(chunk.subarray(opening))) {
        line = value.line;
        if (++count > from.rows) rows.push(rowOfValue(value.line, value.bytes, names));
      }
      opening = 0;
      if (rows.length > 0) yield { rows, next: { byte: 0, rows: count, line } };
    }
    if (scanner.isOpen) throw new Error('a list or an object is opened and never closed');
  } catch (error) {
    throw unreadable(path, 'JSON', scanner.openSince, error);
  }
};

function rowOfValue(line: number, bytes: Buffer | null, names: FieldNames): SourceRow {
  if (bytes === null) return { line, reason: 'ROW_TOO_LONG' };
  const text = decoded(bytes);
  return text === null ? { line, reason: 'TEXT_NOT_UTF8' } : rowOf(line, text, names);
}

function tooLong(position: Position): RowChunk {
  const line = position.line + 1;
  return { rows: [{ line, reason: 'ROW_TOO_LONG' }], next: { ...position, rows: position.rows + 1, line } };
}

/** Rows of whole lines. `firstIsTail`: the first line is the end of one that was too long to hold. */
function rowsOf(bytes: Buffer, lineBefore: number, firstIsTail: boolean, names: FieldNames): { rows: SourceRow[]; lines: number } {
  const texts = linesOf(bytes);
  const rows: SourceRow[] = [];
  texts.forEach((text, i) => {
    const line = lineBefore + i + 1;
    if ((firstIsTail && i === 0) || isTooLong(text)) rows.push({ line, reason: 'ROW_TOO_LONG' });
    else if (text === null) rows.push({ line, reason: 'TEXT_NOT_UTF8' });
    else if (text.trim() !== '') rows.push(rowOf(line, text, names));
  });
  return { rows, lines: texts.length };
}

function isTooLong(text: string | null): boolean {
  return text !== null && text.length > LINE_BYTES_MAX / 4 && Buffer.byteLength(text) > LINE_BYTES_MAX;
}

/** The lines as text, null where the bytes are not UTF-8. The whole chunk is decoded at once unless one line is broken. */
function linesOf(bytes: Buffer): (string | null)[] {
  const whole = bytes[bytes.length - 1] === NEWLINE ? bytes.subarray(0, bytes.length - 1) : bytes;
  const text = decoded(whole);
  if (text !== null) return text.split('\n');
  const lines: (string | null)[] = [];
  for (let start = 0; start <= whole.length;) {
    const newline = whole.indexOf(NEWLINE, start);
    const end = newline < 0 ? whole.length : newline;
    lines.push(decoded(whole.subarray(start, end)));
    start = end + 1;
  }
  return lines;
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

function rowOf(line: number, text: string, names: FieldNames): SourceRow {
  try {
    return { line, value: names.renamed(JSON.parse(text)) };
  } catch {
    return { line, reason: 'ROW_MALFORMED', text: text.slice(0, 200) };
  }
}
