/** Takes pins away, named by a file: out of every list at once, also beside a running service. */
import { readFileSync } from 'node:fs';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { cellText, type Receipt, ReceiptTally } from '../../catalog/pins/receipt.ts';
import { readPin } from '../../catalog/pins/records.ts';
import { Rejection } from '../../catalog/pins/rejection.ts';
import type { SourceRow } from '../../catalog/pins/source-row.ts';
import { FieldNames } from '../../catalog/readers/field-names.ts';
import { readerOf } from '../../catalog/readers/file-format.ts';
import { BEGINNING } from '../../catalog/readers/row-reader.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  {
    flag: '--file <file>',
    meaning: 'an id a line (.txt), a JSON list of ids, or a file of pins: JSON, CSV, Parquet with a column `id`',
    required: true,
  },
  { flag: '--undo', meaning: 'bring them back, within a day' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'remove-pins',
  summary: 'takes the pins of a file out of everything, at once; they may come back within a day',
  examples: ['related-pins remove-pins --file sold-out.txt', 'related-pins remove-pins --file takedown.csv --undo --json'],
  options: FLAGS,
  run: removePins,
  describe: (receipt) => describe(receipt),
  exitCode: (receipt) => (rejectedOf(receipt) > 0 || receipt.read === 0 ? 1 : 0),
});

function rejectedOf({ rejected }: Receipt): number {
  return Object.values(rejected).reduce((sum, { count }) => sum + count, 0);
}

function describe(receipt: Receipt): string[] {
  const { read, written, unchanged, rejected } = receipt;
  if (read === 0) return ['the file names no pin: nothing was changed'];
  const refused = Object.entries(rejected).map(
    ([reason, { count, cells }]) =>
      `  ${count} left out, ${reason}: ${cells.map(cellText).join('; ')}${count > cells.length ? '; ...' : ''}`,
  );
  return [`${read} read, ${written} changed, ${unchanged} were so already`, ...refused];
}

async function removePins({ options, dataFolder, config }: Input) {
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous, userKey: config.userKey });
  try {
    const tally = new ReceiptTally();
    for await (const rows of chunksOf(options.file)) take(catalog, rows, options.undo === true, tally);
    return { ...tally.receipt() };
  } finally {
    catalog.close();
  }
}

function take(catalog: CatalogStore, rows: readonly SourceRow[], undo: boolean, tally: ReceiptTally): void {
  const now = Date.now();
  const { pins, removals } = catalog;
  tally.read += rows.length;
  const known: number[] = [];
  for (const { line, value, reason, text } of rows) {
    const pin = reason ? new Rejection(reason, null, text) : readPin(value, now);
    const pinIndex = pin instanceof Rejection ? -1 : pins.indexOf(pin.id);
    if (pin instanceof Rejection) tally.reject(pin, line);
    else if (pinIndex < 0) tally.reject(new Rejection('PIN_UNKNOWN', 'id', pin.id), line);
    else known.push(pinIndex);
  }
  const changed = undo ? removals.restorePins(known, now) : removals.removePins(known, now);
  tally.written += changed;
  tally.unchanged += known.length - changed;
}

/** Rows with an id each. */
async function* chunksOf(file: string): AsyncGenerator<readonly SourceRow[]> {
  if (/\.(txt|list)$/i.test(file)) return yield idLines(file);
  const ids = idList(file);
  if (ids) return yield ids;
  const reader = await readerOf(file);
  for await (const { rows } of reader(file, new FieldNames('pins'), BEGINNING)) yield rows;
}

/** A JSON file that is a list of ids; null for every other file. */
function idList(file: string): readonly SourceRow[] | null {
  if (!/\.json$/i.test(file)) return null;
  try {
    const list = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    if (!Array.isArray(list) || !list.every((id) => typeof id === 'string')) return null;
    return list.map((id: string, i) => ({ line: i + 1, value: { id } }));
  } catch {
    return null;
  }
}

function idLines(file: string): readonly SourceRow[] {
  try {
    const lines = readFileSync(file, 'utf8')
      .replace(/^\ufeff/, '')
      .split(/\r\n|\n|\r/);
    return lines.map((text, i) => ({ line: i + 1, value: { id: text.trim() } })).filter(({ value }) => value.id !== '');
  } catch (error) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'text', reason: reasonOf(error) }, error);
  }
}
