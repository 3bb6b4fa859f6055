/** JSON Lines: an object a line, UTF-8, blank lines are no rows. Reads in chunks of four mebibytes and resumes at a byte. */
import { open } from 'node:fs/promises';
import type { SourceRow } from '../pins/upsert.ts';
import type { Position, RowChunk, RowReader } from './row-reader.ts';

/** A chunk is a transaction: the larger it is, the more rows share the pages that each commit must write. */
const CHUNK_BYTES = 4 << 20;
/** A line longer than this is rejected, and skipped without being held. */
export const LINE_BYTES_MAX = 8 << 20;
const NEWLINE = 0x0a;

const decoder = new TextDecoder('utf-8', { fatal: true });

export const readJsonLines: RowReader = async function* (path, _shape, from): AsyncGenerator<RowChunk> {
  const file = await open(path, 'r');
  try {
    let position: Position = from;
    let rest: Buffer = Buffer.alloc(0);
    let skipped = 0;
    for (let at = from.byte; ;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
      at += bytesRead;
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, bytesRead)]) : chunk.subarray(0, bytesRead);
      const end = bytesRead === 0 ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
      rest = bytes.subarray(end);
      if (end > 0) {
        const { rows, lines } = rowsOf(bytes.subarray(0, end), position.line, skipped > 0);
        position = {
          byte: position.byte + skipped + end,
          rows: position.rows + rows.length,
          line: position.line + lines,
        };
        skipped = 0;
        yield { rows, next: position };
      }
      if (bytesRead === 0) {
        if (skipped > 0) yield tooLong({ ...position, byte: position.byte + skipped });
        return;
      }
      if (rest.length > LINE_BYTES_MAX || skipped > 0) {
        skipped += rest.length;
        rest = Buffer.alloc(0);
      }
    }
  } finally {
    await file.close();
  }
};

function tooLong(position: Position): RowChunk {
  const line = position.line + 1;
  return { rows: [{ line, reason: 'ROW_TOO_LONG' }], next: { ...position, rows: position.rows + 1, line } };
}

/** Rows of whole lines. `firstIsTail`: the first line is the end of one that was too long to hold. */
function rowsOf(bytes: Buffer, lineBefore: number, firstIsTail: boolean): { rows: SourceRow[]; lines: number } {
  const texts = linesOf(bytes);
  const rows: SourceRow[] = [];
  texts.forEach((text, i) => {
    const line = lineBefore + i + 1;
    if ((firstIsTail && i === 0) || isTooLong(text)) rows.push({ line, reason: 'ROW_TOO_LONG' });
    else if (text === null) rows.push({ line, reason: 'TEXT_NOT_UTF8' });
    else if (text.trim() !== '') rows.push(rowOf(line, line === 1 ? text.replace(/^\ufeff/, '') : text));
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

function rowOf(line: number, text: string): SourceRow {
  try {
    return { line, value: JSON.parse(text) as unknown };
  } catch {
    return { line, reason: 'ROW_MALFORMED' };
  }
}
