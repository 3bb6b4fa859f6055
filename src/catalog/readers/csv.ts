/**
 * CSV (RFC 4180) with a header line; `.tsv` uses tabs. Read as bytes in Latin-1 and decoded cell by cell, so that one
 * broken cell costs its own row only. Resumes by counting rows, for a place inside quotes can't be jumped to.
 */
import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { RecordShape } from '../pins/records.ts';
import type { SourceRow } from '../pins/upsert.ts';
import { valueOfText } from './cell.ts';
import type { RowReader } from './row-reader.ts';

const ROWS_PER_CHUNK = 4096;
/** A record longer than this means an open quote; the file is then refused from there on. */
const RECORD_BYTES_MAX = 8 << 20;

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

export const readCsv: RowReader = async function* (path, shape, from) {
  const parser = parse({
    delimiter: path.toLowerCase().endsWith('.tsv') ? '\t' : ',',
    encoding: 'latin1',
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const source = createReadStream(path);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  let header: readonly string[] | null = null;
  let count = 0;
  let line = 0;
  let rows: SourceRow[] = [];
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      const start = line + 1;
      line = info.lines;
      if (header === null) header = headerOf(record);
      else if (++count > from.rows) {
        rows.push(rowOf(header, record, shape, start));
        if (rows.length === ROWS_PER_CHUNK) {
          yield { rows, next: { byte: 0, rows: count, line } };
          rows = [];
        }
      }
    }
  } catch (error) {
    const where = error instanceof CsvError ? ` after line ${line}` : '';
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file: path, format: 'CSV', reason: `${reasonOf(error)}${where}` }, error);
  } finally {
    source.destroy();
  }
  if (rows.length > 0) yield { rows, next: { byte: 0, rows: count, line } };
};

function headerOf(cells: readonly string[]): readonly string[] {
  return cells.map((cell, i) => (decoded(i === 0 ? cell.replace(/^\u00ef\u00bb\u00bf/, '') : cell) ?? cell).trim());
}

function rowOf(header: readonly string[], cells: readonly string[], shape: RecordShape, line: number): SourceRow {
  if (cells.length !== header.length) return { line, reason: 'ROW_MALFORMED' };
  const value: Record<string, unknown> = {};
  for (let i = 0; i < header.length; i++) {
    const text = decoded(cells[i]);
    if (text === null) return { line, reason: 'TEXT_NOT_UTF8' };
    const kind = Object.hasOwn(shape.fields, header[i]) ? shape.fields[header[i]] : undefined;
    const isOptionalId = kind === 'id' && text === '' && !shape.required.includes(header[i]);
    if (!isOptionalId) value[header[i]] = valueOfText(text, kind);
  }
  return { line, value };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Latin-1 text holds one byte per character; ASCII is itself. */
function decoded(latin1: string): string | null {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  try {
    return decoder.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return null;
  }
}
