/** Pins, boards and saves from files into the catalogue. The files may come together or one at a time. */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { ingestFile } from '../../catalog/pins/ingest.ts';
import { siteCategories } from '../../catalog/pins/pin-columns.ts';
import { snapshotPins } from '../../catalog/pins/pin-snapshot.ts';
import { formatsAsText } from '../../catalog/pins/record-formats.ts';
import { type Receipt, totalOf } from '../../catalog/pins/receipt.ts';
import type { CatalogKind } from '../../catalog/pins/upsert.ts';
import { ServiceError } from '../../errors.ts';
import type { Job, JobInput } from '../job.ts';

const KINDS = ['pins', 'boards', 'saves'] as const satisfies readonly CatalogKind[];

export const job: Job = {
  name: 'import-catalog',
  summary: 'reads pins, boards and saves (JSON Lines, CSV, Parquet) into the catalogue',
  examples: [
    'related-pins import-catalog --pins pins.jsonl --boards boards.jsonl --saves saves.jsonl --images photos',
    'related-pins import-catalog --saves saves-of-today.csv --json',
  ],
  options: [
    { flag: '--pins <file>', meaning: 'pins: .jsonl, .csv, .tsv or .parquet' },
    { flag: '--boards <file>', meaning: 'boards' },
    { flag: '--saves <file>', meaning: 'saves' },
    { flag: '--images <folder>', meaning: 'what image paths are relative to (default: the folder of the pins file)' },
  ],
  help: formatsAsText(),
  alone: () => true,
  run: importCatalog,
  describe: (receipt) => KINDS.filter((kind) => receipt[kind]).flatMap((kind) => describeKind(kind, receipt[kind] as Receipt)),
};

async function importCatalog(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const files = KINDS.flatMap((kind) => (typeof input.options[kind] === 'string' ? [[kind, input.options[kind]] as const] : []));
  if (files.length === 0) {
    throw new ServiceError('JOB_USAGE', { reason: 'Name at least one of --pins, --boards, --saves.' });
  }
  const startedAt = performance.now();
  mkdirSync(input.dataFolder, { recursive: true });
  const catalog = openCatalog(input.dataFolder, { synchronous: input.config.synchronous, userKey: input.config.userKey });
  try {
    const folders = { images: imagesFolder(input), data: resolve(input.dataFolder) };
    const receipts: Partial<Record<CatalogKind, Receipt>> = {};
    for (const [kind, file] of files) {
      receipts[kind] = await ingestFile(catalog, kind, file, {
        folders,
        categories: new Set(siteCategories(input.config.categories)),
        progress: input.progress,
        signal: input.signal,
      });
    }
    input.progress.start('category vectors', 0);
    catalog.deriveCategories();
    input.progress.stop();
    snapshotPins(input.dataFolder, catalog, siteCategories(input.config.categories));
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return { ...totalOf(Object.values(receipts)), ...receipts, seconds };
  } finally {
    catalog.close();
  }
}

function imagesFolder({ options, dataFolder }: JobInput): string {
  if (typeof options.images === 'string') return resolve(options.images);
  return typeof options.pins === 'string' ? dirname(resolve(options.pins)) : join(resolve(dataFolder), 'images');
}

function describeKind(kind: string, receipt: Receipt): string[] {
  const lines = [`${kind}: ${receipt.read} read, ${receipt.written} written, ${receipt.unchanged} unchanged`];
  for (const [reason, { count, lines: at }] of Object.entries(receipt.rejected)) {
    lines.push(`  ${count} rejected, ${reason}, line ${at.slice(0, 5).join(', ')}${count > 5 ? ', ...' : ''}`);
  }
  const unknown = Object.entries(receipt.unknownFields);
  if (unknown.length > 0) lines.push(`  fields left out: ${unknown.map(([field, count]) => `${field} (${count})`).join(', ')}`);
  const foreign = Object.entries(receipt.unknownCategories ?? {});
  if (foreign.length > 0)
    lines.push(`  categories that are not the site's, kept: ${foreign.map(([category, count]) => `${category} (${count})`).join(', ')}`);
  return lines;
}
