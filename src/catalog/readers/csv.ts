/**
 * CSV (RFC 4180) with a header line, as spreadsheets and databases write it: the delimiter is recognized by the header or by a
 * `sep=` line before it, and every line end counts. Read as bytes in Latin-1 and decoded cell by cell, so that one broken
 * cell costs its own row only. Resumes by counting rows, for a place inside quotes can't be jumped to.
 */
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { FieldKind } from '../pins/records.ts';
import type { SourceRow } from '../pins/source-row.ts';
import { decodedBytes, previewOf } from './decoded-bytes.ts';
import { commaColumns, numberWithComma } from './comma-numbers.ts';
import type { FieldNames } from './field-names.ts';
import { type RowReader, unreadable } from './row-reader.ts';

const ROWS_PER_CHUNK = 4096;
/** A record longer than this means an open quote; the file is then refused from there on. */
const RECORD_BYTES_MAX = 8 << 20;
const DELIMITERS = [',', ';', '\t', '|'] as const;

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Told from the first lines: the delimiter, and the line the header stands in (from 1). */
interface CsvDialect {
  readonly delimiter: string;
  readonly headerLine: number;
}

export const readCsv: RowReader = async function* (path, names, from) {
  let header: readonly string[] | null = null;
  let commas: ReadonlySet<number> = new Set();
  let count = 0;
  let line = 0;
  let rows: SourceRow[] = [];
  let problem: unknown = null;
  try {
    const head = (await previewOf(path)).toString('latin1');
    const dialect = dialectOf(head, names);
    for await (const { record, info } of parsedRecords(path, dialect)) {
      const start = line + 1;
      line = info.lines;
      if (header === null) {
        header = names.of(headerOf(record));
        commas = await commaColumns(othersOf(header, names), head, () => cellsOf(path, dialect));
      } else if (++count > from.rows) {
        rows.push(rowOf(header, record, names, start, commas));
        if (rows.length === ROWS_PER_CHUNK) {
          yield { rows, next: { byte: 0, rows: count, line } };
          rows = [];
        }
      }
    }
  } catch (error) {
    problem = error;
  }
  const openQuote = problem instanceof CsvError;
  if (openQuote && count + 1 > from.rows && header !== null) rows.push({ line: line + 1, reason: 'ROW_MALFORMED' });
  if (rows.length > 0) yield { rows, next: { byte: 0, rows: count + (openQuote ? 1 : 0), line } };
  if (problem !== null) throw unreadable(path, 'CSV', line + 1, openQuote ? new Error('a quote is opened here and never closed') : problem);
};

async function* parsedRecords(path: string, dialect: CsvDialect): AsyncGenerator<Parsed> {
  const parser = parse({
    delimiter: dialect.delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    from_line: dialect.headerLine,
    encoding: 'latin1',
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const source = Readable.from(decodedBytes(path), { objectMode: false });
  let damage: unknown = null;
  // What was read before a damage is parsed first.
  source.on('error', (error) => {
    damage = error;
    parser.end();
  });
  source.pipe(parser);
  try {
    yield* parser as AsyncIterable<Parsed>;
  } finally {
    source.destroy();
  }
  if (damage !== null) throw damage;
}

/**
 * The delimiter that makes most fields of the header, and then most cells. `head`: the beginning of the file.
 * A first line `sep=X`, as Excel writes it, says it.
 */
function dialectOf(head: string, names: FieldNames): CsvDialect {
  const said = /^"?sep=(.)"?[;,\t]*(?:\r\n|\n|\r)/i.exec(head);
  if (said) return { delimiter: said[1], headerLine: 2 };
  const headerLine = head.replace(/^[\r\n]+/, '').split(/[\r\n]/, 1)[0];
  let best: CsvDialect = { delimiter: ',', headerLine: 1 };
  let [bestFields, bestCells] = [-1, -1];
  for (const delimiter of DELIMITERS) {
    const cells = headerLine.replace(/"[^"]*"/g, (quoted) => quoted.slice(1, -1).replaceAll(delimiter, ' ')).split(delimiter);
    const fields = names.countFields(cells.map((cell) => cell.trim()));
    if (fields > bestFields || (fields === bestFields && cells.length > bestCells)) {
      best = { delimiter, headerLine: 1 };
      [bestFields, bestCells] = [fields, cells.length];
    }
  }
  return best;
}

function headerOf(cells: readonly string[]): readonly string[] {
  return cells.map((cell) => (decoded(cell) ?? cell).trim());
}

/** Columns that are the caller's own, by place. */
function othersOf(header: readonly string[], { shape }: FieldNames): readonly number[] {
  return shape.keepsOthers ? header.flatMap((name, i) => (Object.hasOwn(shape.fields, name) ? [] : [i])) : [];
}

/** The cells of each row, as far as the file can be read. */
async function* cellsOf(path: string, dialect: CsvDialect): AsyncGenerator<readonly string[]> {
  let isHeader = true;
  try {
    for await (const { record } of parsedRecords(path, dialect)) {
      if (!isHeader) yield record;
      isHeader = false;
    }
  } catch {
    // Told when the rows themselves are read.
  }
}

/** What databases write for "no value", and the kinds of fields in which it can't be a word. */
const NO_VALUE = new Set(['null', 'none', 'nan', 'nat']);
const NO_WORDS: ReadonlySet<FieldKind> = new Set(['map', 'flag', 'time', 'position']);

/** An empty cell is an absent field; a required id stays, for its row is to be rejected as empty. */
function rowOf(
  header: readonly string[],
  cells: readonly string[],
  { shape }: FieldNames,
  line: number,
  commas: ReadonlySet<number>,
): SourceRow {
  const surplus = cells.slice(header.length);
  if (cells.length < header.length || surplus.some((cell) => cell !== '')) {
    return { line, reason: 'ROW_MALFORMED', text: `${cells.length} cells under ${header.length} columns: ${cells.join(' | ')}` };
  }
  const value: Record<string, unknown> = {};
  for (let i = 0; i < header.length; i++) {
    const name = header[i];
    const text = decoded(cells[i]);
    if (text === null) return { line, reason: 'TEXT_NOT_UTF8', text: cells[i] };
    const kind = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    const isNothing =
      kind !== undefined && (text === '' || text === '\\N' || (NO_WORDS.has(kind) && NO_VALUE.has(text.trim().toLowerCase())));
    if (kind === undefined) value[name] = (commas.has(i) ? numberWithComma(text) : null) ?? callersValue(text);
    else if (!isNothing) value[name] = text;
    else if (kind === 'id' && shape.required.includes(name)) value[name] = '';
  }
  return { line, value };
}

/** A number as JSON writes it: codes such as 007 or +49 stay text. */
const PLAIN_NUMBER = /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/;

/** A cell of a column that is the caller's own: number, true or false where it reads as one, else text; empty is absent. */
function callersValue(text: string): unknown {
  if (text === '' || text === '\\N') return undefined;
  if (PLAIN_NUMBER.test(text)) return Number(text);
  return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Latin-1 text holds one byte per character; ASCII is itself. */
function decoded(latin1: string): string | null {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  try {
    return decoder.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return null;
  }
}
