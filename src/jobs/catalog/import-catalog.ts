/** Pins, boards and saves from files into the catalogue. The files may come together or one at a time. */
import { SITE_CATEGORIES } from '../../config.ts';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { openDatabase } from '../../catalog/database.ts';
import { type FirstRow, ingestFile } from '../../catalog/pins/ingest.ts';
import { snapshotPins } from '../../catalog/pins/pin-snapshot.ts';
import { formatsAsText } from '../../catalog/pins/record-formats.ts';
import { cellText, nothingWentIn, type Receipt, totalOf } from '../../catalog/pins/receipt.ts';
import { BOARD_SHAPE, PIN_SHAPE, SAVE_SHAPE } from '../../catalog/pins/records.ts';
import type { CatalogKind } from '../../catalog/pins/source-row.ts';
import { ServiceError } from '../../errors.ts';
import { secretsOf } from '../../catalog/pins/user-pseudonym.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const KINDS = ['pins', 'boards', 'saves'] as const satisfies readonly CatalogKind[];

const FLAGS = flags([
  { flag: '--pins <file>', meaning: 'pins: .jsonl, .json, .csv, .tsv (also .gz, .zst) or .parquet' },
  { flag: '--boards <file>', meaning: 'boards' },
  { flag: '--saves <file>', meaning: 'saves' },
  { flag: '--images <folder>', meaning: 'what image paths are relative to (default: the folder of the pins file)' },
  { flag: '--map <theirs=ours>', meaning: 'a column of the files and the field it is', repeatable: true },
  { flag: '--replace', meaning: 'take away what the files no longer name; it may come back within a day' },
  { flag: '--dry-run', meaning: 'change nothing: say what would happen, and show the first rows as understood' },
  { flag: '--allow-empty', meaning: 'a file of which nothing goes in is no failure' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'import-catalog',
  summary: 'reads pins, boards and saves (JSON, CSV, Parquet) into the catalogue',
  examples: [
    'related-pins import-catalog --pins pins.jsonl --boards boards.jsonl --saves saves.jsonl --images photos',
    'related-pins import-catalog --saves saves-of-today.csv.gz --json',
    'related-pins import-catalog --pins export.csv --map sku=id --map photo=image --dry-run',
  ],
  options: FLAGS,
  help: formatsAsText(),
  alone: ({ dryRun }) => dryRun !== true,
  run: (input) => (input.options.dryRun === true ? dryRun(input) : importCatalog(input)),
  describe: (receipt) => KINDS.filter((kind) => receipt[kind]).flatMap((kind) => describeKind(kind, receipt[kind] as Receipt)),
  exitCode: ({ problems }) => ((problems as readonly string[]).length > 0 ? 1 : 0),
});

/** The same import into a copy of the catalogue, which is then thrown away: nobody waits for it and nothing is changed. */
async function dryRun(input: Input) {
  const copy = mkdtempSync(join(tmpdir(), 'related-pins-dry-run-'));
  try {
    const stored = join(input.dataFolder, 'catalog.sqlite');
    if (existsSync(stored)) {
      const database = openDatabase(stored, { readonly: true });
      await database.backup(join(copy, 'catalog.sqlite'));
      database.close();
    }
    return { dryRun: true, ...(await importCatalog(input, copy)) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function importCatalog(input: Input, catalogFolder = input.dataFolder) {
  const files = KINDS.flatMap((kind) => (typeof input.options[kind] === 'string' ? [[kind, input.options[kind]] as const] : []));
  if (files.length === 0) {
    throw new ServiceError('JOB_USAGE', { reason: 'Name at least one of --pins, --boards, --saves.' });
  }
  const startedAt = performance.now();
  const columns = mappedColumns(input.options.map);
  mkdirSync(catalogFolder, { recursive: true });
  const catalog = openCatalog(catalogFolder, { synchronous: input.config.synchronous, userKey: secretsOf(input.config) });
  try {
    const folders = { images: imagesFolder(input), data: resolve(input.dataFolder) };
    const receipts: Partial<Record<CatalogKind, Receipt & { readonly firstRows?: readonly FirstRow[] }>> = {};
    for (const [kind, file] of files) {
      const firstRows: FirstRow[] | undefined = input.options.dryRun === true ? [] : undefined;
      const receipt = await ingestFile(catalog, kind, file, {
        columns,
        replace: input.options.replace === true,
        firstRows,
        folders,
        categories: new Set(SITE_CATEGORIES),
        progress: input.progress,
        signal: input.signal,
      });
      receipts[kind] = firstRows ? { ...receipt, firstRows } : receipt;
    }
    input.progress.start('category vectors', 0);
    catalog.deriveCategories();
    input.progress.stop();
    snapshotPins(catalogFolder, catalog);
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    const problems = problemsOf(receipts, input.options.allowEmpty === true);
    const notes = unusedColumns(columns, Object.values(receipts));
    for (const line of [...notes, ...problems]) input.progress.note(line);
    return { ...totalOf(Object.values(receipts)), ...receipts, ...(notes.length > 0 ? { notes } : {}), problems, seconds };
  } finally {
    catalog.close();
  }
}

/** `--map theirs=ours`, for all files of the call. */
function mappedColumns(pairs: readonly string[] = []): ReadonlyMap<string, string> {
  const fields = [PIN_SHAPE, BOARD_SHAPE, SAVE_SHAPE].flatMap((shape) => Object.keys(shape.fields));
  return new Map(
    pairs.map((pair) => {
      const at = pair.lastIndexOf('=');
      const [theirs, ours] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (at < 1 || !fields.includes(ours)) {
        throw new ServiceError('JOB_USAGE', {
          reason: `--map ${pair}: expected theirs=ours, ours one of ${[...new Set(fields)].join(', ')}.`,
        });
      }
      return [theirs, ours] as const;
    }),
  );
}

/** A sentence for each `--map` that no file had a column for. */
function unusedColumns(columns: ReadonlyMap<string, string>, receipts: readonly Receipt[]): readonly string[] {
  const read = new Set(receipts.flatMap((receipt) => Object.keys(receipt.columns ?? {})));
  const unused = [...columns].filter(([theirs, ours]) => theirs !== ours && !read.has(theirs));
  return unused.map(([theirs, ours]) => `--map ${theirs}=${ours} did nothing: no file has a column "${theirs}" to read as ${ours}.`);
}

/** A sentence for each file that was not read to its end, or of which nothing went in. */
function problemsOf(receipts: Partial<Record<CatalogKind, Receipt>>, allowEmpty: boolean): readonly string[] {
  return KINDS.flatMap((kind) => {
    const receipt = receipts[kind];
    if (!receipt) return [];
    const empty = allowEmpty ? null : nothingWentIn(kind, receipt);
    const { stopped } = receipt;
    const kept = receipt.removed === null ? `Nothing of the ${kind} was taken away: not all rows could be read, or none was.` : null;
    const cut = stopped ? `Reading of the ${kind} stopped at line ${stopped.line}: ${stopped.reason}. What came before went in.` : null;
    return [empty, cut, kept].filter((problem) => problem !== null);
  });
}

function imagesFolder({ options, dataFolder }: Input): string {
  if (typeof options.images === 'string') return resolve(options.images);
  return typeof options.pins === 'string' ? dirname(resolve(options.pins)) : join(resolve(dataFolder), 'images');
}

function describeKind(kind: string, receipt: Receipt & { readonly firstRows?: readonly FirstRow[] }): string[] {
  const lines = [
    `${kind}: ${receipt.read} read, ${receipt.written} written, ${receipt.unchanged} unchanged${receipt.removed ? `, ${receipt.removed} taken away` : ''}`,
  ];
  for (const [reason, { count, cells }] of Object.entries(receipt.rejected)) {
    lines.push(`  ${count} rejected, ${reason}: ${cells.slice(0, 5).map(cellText).join('; ')}${count > 5 ? '; ...' : ''}`);
  }
  lines.push(...readingOf(receipt).map((line) => `  ${line}`));
  return receipt.firstRows ? [...lines, ...tableOf(receipt.firstRows)] : lines;
}

/** How the columns and values of a file were understood, line by line; nothing where all of it is by the book. */
export function readingOf(receipt: Receipt): string[] {
  const lines: string[] = [];
  const counted = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} (${count})`)
      .join(', ');
  const { unknownFields, unknownCategories = {}, notes = {}, columns = {} } = receipt;
  if (Object.keys(columns).length > 0) {
    const read = Object.entries(columns).map(([theirs, ours]) => `${theirs} as ${ours}`);
    lines.push(`columns read: ${read.join(', ')}`);
  }
  if (Object.keys(notes).length > 0) lines.push(`notes: ${counted(notes)}`);
  if (Object.keys(unknownFields).length > 0) lines.push(`fields left out: ${counted(unknownFields)}`);
  if (Object.keys(unknownCategories).length > 0) lines.push(`categories that are not the site's, kept: ${counted(unknownCategories)}`);
  return lines;
}

const CELL_WIDTH_MAX = 24;

/** The first rows as a table: a column per field that any of them has. */
function tableOf(rows: readonly FirstRow[]): string[] {
  const fields = [...new Set(rows.flatMap(({ record }) => Object.keys(record ?? {})))];
  const cells = rows.map(({ line, record, rejected }) => [
    String(line),
    ...fields.map((field) => shown(record?.[field], field)),
    rejected ?? '',
  ]);
  const all = [['line', ...fields, ''], ...cells];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map(
    (row) =>
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd()}`,
  );
}

function shown(value: unknown, field: string): string {
  if (value === undefined || value === null) return '-';
  const isTime = typeof value === 'number' && (field === 'at' || field === 'createdAt');
  const text = isTime ? new Date(value).toISOString() : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= CELL_WIDTH_MAX ? text : `${text.slice(0, CELL_WIDTH_MAX - 1)}…`;
}
