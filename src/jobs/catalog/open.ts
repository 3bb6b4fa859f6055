/** From a folder of photos to a page: import, features, lists, serve; objects follow while the page is there. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { siteCategories } from '../../catalog/pins/pin-columns.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { type IntakeReceipt, takeInPhotos } from '../../service/photo-intake.ts';
import type { Job, JobInput } from '../job.ts';
import { serveUntilStopped } from '../operation/serve.ts';
import { refresh } from './refresh.ts';

/** Where the state of a folder lies in it, unless --data says otherwise. */
const STATE = '.related-pins';
/** Least time between two looks at a folder that is watched, and the share of the time that goes into looking. */
const WATCH_MS = 2000;
const WATCH_SHARE = 0.05;

export const job: Job = {
  name: 'open',
  summary: 'from a folder of photos to a page: imports, reads the pictures, builds the lists, serves, opens the page',
  args: [{ form: '<folder>', meaning: 'a folder of photos; its subfolders are boards' }],
  examples: [
    'related-pins open ~/Pictures/furniture',
    'related-pins open photos --port 8090 --no-browser',
    'related-pins open photos --watch --data var',
  ],
  help: [
    'Every photo is a pin, every subfolder a board. File names become titles, EXIF dates become times.',
    'Read as well, where they are there:',
    '  pins.csv, boards.csv, saves.csv (or .tsv, .json, .jsonl, .parquet) at the top of the folder, as import-catalog reads them;',
    '    image paths are relative to the folder, and a row with the path of a photo is that photo',
    '  NAME.json beside NAME.jpg: fields of that photo (title, link, price, ...)',
    `State is kept in ${STATE} inside the folder, or in --data. The next call takes in what was added, changed or removed.`,
  ].join('\n'),
  options: [
    {
      flag: '--port <n>',
      meaning: 'port to listen on (default: RELATED_PINS_PORT, then 8080, or a free one when that is taken)',
      kind: 'integer',
    },
    { flag: '--no-browser', meaning: 'leave the page to you' },
    { flag: '--watch', meaning: 'go on taking in what changes in the folder' },
  ],
  run: open,
  describe: () => ['stopped'],
};

async function open(given: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const folder = folderOf(given.args[0]);
  const input = withState(given, folder);
  const { config, dataFolder, progress, signal } = input;
  const startedAt = performance.now();
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous, userKey: config.userKey });
  try {
    const intake = await takeIn(input, catalog, folder);
    if (intake.photos === 0) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no photo in ${folder} or a folder below it.` });
    progress.note(told(intake));
    await refresh(input, { objects: false });
    let background: Promise<void> = Promise.resolve();
    const port = (input.options.port as number | undefined) ?? (await freePort(config.port));
    const served = await serveUntilStopped({ ...input, options: { port } }, (address) => {
      progress.note(
        `${intake.photos} photos are on the page after ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${address}/  (Ctrl-C stops)`,
      );
      if (input.options.browser !== false) showPage(`${address}/`);
      background = inTheBackground(input, catalog, folder).catch((error: unknown) => {
        if (!signal.aborted) progress.note(`the page goes on without this: ${reasonOf(error)}`);
      });
    });
    await background;
    return { ...served, folder, ...intake };
  } finally {
    catalog.close();
  }
}

function folderOf(given: string | undefined): string {
  const folder = resolve(given ?? '');
  if (given === undefined || !existsSync(folder) || !statSync(folder).isDirectory())
    throw new ServiceError('JOB_USAGE', { reason: given === undefined ? 'Name a folder of photos.' : `${folder} is no folder.` });
  return folder;
}

/** The same input with the state of this folder. */
function withState(input: JobInput, folder: string): JobInput {
  const dataFolder = typeof input.options.data === 'string' ? resolve(input.options.data) : join(folder, STATE);
  try {
    mkdirSync(dataFolder, { recursive: true });
  } catch (error) {
    const reason = `${dataFolder} cannot be made (${reasonOf(error)}); name another folder for the state with --data.`;
    throw new ServiceError('JOB_USAGE', { reason }, error);
  }
  // A person watches, not a collector of logs.
  const logLevel = input.config.logLevel === 'info' ? 'warn' : input.config.logLevel;
  return { ...input, dataFolder, config: { ...input.config, data: dataFolder, logLevel } };
}

function takeIn({ config, dataFolder, progress, signal }: JobInput, catalog: CatalogStore, folder: string): Promise<IntakeReceipt> {
  const categories = new Set(siteCategories(config.categories));
  return takeInPhotos(catalog, folder, { dataFolder, categories, progress, signal });
}

function told({ photos, added, changed, removed, boards, rejected }: IntakeReceipt): string {
  const parts = [`${photos} photos on ${boards} boards: ${added} added, ${changed} changed, ${removed} removed`];
  for (const [reason, { count, files }] of Object.entries(rejected))
    parts.push(`${count} left out, ${reason}: ${files.slice(0, 3).join(', ')}`);
  return parts.join('; ');
}

/** Objects, and with --watch what changes in the folder, until the job is stopped. */
async function inTheBackground(input: JobInput, catalog: CatalogStore, folder: string): Promise<void> {
  const { progress, signal, options } = input;
  await refresh(input, { objects: true });
  progress.note('objects are found and indexed');
  let lookedMs = 0;
  while (options.watch === true && !signal.aborted) {
    await sleep(Math.max(WATCH_MS, lookedMs / WATCH_SHARE), undefined, { signal });
    const startedAt = performance.now();
    const intake = await takeIn(input, catalog, folder);
    lookedMs = performance.now() - startedAt;
    if (intake.added + intake.changed + intake.removed === 0) continue;
    progress.note(told(intake));
    await refresh(input, { objects: true });
  }
}

/** The wanted port, or 0 (any free one) when something listens there. */
function freePort(wanted: number): Promise<number> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(0));
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => done(wanted)));
  });
}

const OPENERS: Readonly<Record<string, readonly string[]>> = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''], linux: ['xdg-open'] };

/** Shows the page in the person's browser. Where there is none the address was printed. */
function showPage(address: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? [];
  if (command === undefined) return;
  spawn(command, [...args, address], { stdio: 'ignore', detached: true })
    .once('error', () => undefined)
    .unref();
}
