/** From a folder of photos to a page: import, features, lists, serve; objects follow while the page is there. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { counted } from '../../counted.ts';
import { checkAddress } from '../../api/shell/listen.ts';
import { lockDataFolder } from '../../catalog/artifacts/data-folder-lock.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { SITE_CATEGORIES, PORTS } from '../../config.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { type IntakeReceipt, takeInPhotos } from '../../service/photo-intake.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { serveUntilStopped } from '../operation/serve.ts';
import { readingOf } from './import-catalog.ts';
import { refresh } from './refresh.ts';

/** Where the state of a folder lies in it, unless --data says otherwise. */
const STATE = '.related-pins';
/** Least time between two looks at a folder that is watched, and the share of the time that goes into looking. */
const WATCH_MS = 2000;
const WATCH_SHARE = 0.05;

const FLAGS = flags([
  {
    flag: '--port <n>',
    meaning: 'port to listen on (default: RELATED_PINS_PORT, then 8080, or a free one when that is taken)',
    kind: 'integer',
    range: PORTS,
  },
  { flag: '--no-browser', meaning: 'leave the page to you' },
  { flag: '--watch', meaning: 'go on taking in what changes in the folder' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
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
  options: FLAGS,
  dataDefault: `${STATE} in the folder`,
  run: open,
  describe: () => ['stopped'],
});

async function open(given: Input) {
  const folder = folderOf(given.args[0]);
  const input = withState(given, folder);
  const { config, dataFolder, progress, signal } = input;
  const startedAt = performance.now();
  const port = await portFor(input);
  lockDataFolder(dataFolder).release();
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous, userKey: config.userKey });
  try {
    const intake = await takeIn(input, catalog, folder);
    if (intake.photos === 0) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no photo in ${folder} or a folder below it.` });
    tell(input, intake);
    await refresh(input, { objects: false });
    const { shown, refused } = picturesOf(catalog);
    let background: Promise<void> = Promise.resolve();
    const served = await serveUntilStopped({ ...input, options: { port } }, (address) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      progress.note(`${counted(shown, 'photo')} on the page after ${seconds} s: ${address}/  (Ctrl-C stops)`);
      if (refused.length > 0) progress.note(`${counted(refused.length, 'photo')} without a picture: ${firstOf(refused)}`);
      if (input.options.browser !== false) showPage(`${address}/`);
      background = inTheBackground(input, catalog, folder).catch((error: unknown) => {
        if (!signal.aborted) progress.note(`the page goes on without this: ${reasonOf(error)}`);
      });
    });
    await background;
    return { ...served, folder, ...intake, shown, refused };
  } finally {
    catalog.close();
  }
}

function folderOf(given: string | undefined): string {
  const folder = resolve(given ?? '');
  if (given === undefined || !existsSync(folder) || !statSync(folder).isDirectory())
    throw new ServiceError('JOB_USAGE', { reason: given === undefined ? 'Name a folder of photos.' : `${folder} is no folder.` });
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw new ServiceError('JOB_USAGE', { reason: `${folder} cannot be read (${reasonOf(error)}).` }, error);
  }
  return folder;
}

/** The same input with the state of this folder. */
function withState(input: Input, folder: string): Input {
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

function takeIn({ config, dataFolder, progress, signal }: Input, catalog: CatalogStore, folder: string): Promise<IntakeReceipt> {
  const categories = new Set(SITE_CATEGORIES);
  return takeInPhotos(catalog, folder, { dataFolder, categories, progress, signal });
}

/** Says what became of the folder, and how its tables were read. */
function tell({ progress }: Input, { photos, added, changed, removed, boards, rejected, tables = {} }: IntakeReceipt): void {
  const parts = [`${counted(photos, 'photo')} on ${counted(boards, 'board')}: ${added} added, ${changed} changed, ${removed} removed`];
  for (const [reason, { count, files }] of Object.entries(rejected)) parts.push(`${count} left out, ${reason}: ${firstOf(files, count)}`);
  progress.note(parts.join('; '));
  for (const [kind, receipt] of Object.entries(tables)) {
    for (const line of readingOf(receipt)) progress.note(`${kind}: ${line}`);
  }
}

/** How many pictures can be shown, and each that cannot, by its pin and the code of the reason. */
function picturesOf({ pins }: CatalogStore): { readonly shown: number; readonly refused: readonly string[] } {
  const refused = pins.refusedImages().map(({ pinIndex, failure }) => `${pins.idOf(pinIndex)} (${failure})`);
  return { shown: [...pins.images()].length - refused.length, refused };
}

const NAMED = 5;

/** The first five, and how many more there are. */
function firstOf(names: readonly string[], count = names.length): string {
  const more = count - Math.min(names.length, NAMED);
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Objects, and with --watch what changes in the folder, until the job is stopped. */
async function inTheBackground(input: Input, catalog: CatalogStore, folder: string): Promise<void> {
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
    tell(input, intake);
    await refresh(input, { objects: true });
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    progress.note(
      `the page has what changed, ${seconds} s after it was seen: ${counted(picturesOf(catalog).shown, 'photo')} with a picture`,
    );
  }
}

/** The port asked for, which must be free; else that of the settings, or 0 (any free one) when something listens there. */
async function portFor({ options, config: { host, port: usual } }: Input): Promise<number> {
  const asked = options.port;
  const port = asked ?? usual;
  try {
    await checkAddress({ host, port });
    return port;
  } catch (error) {
    if (asked !== undefined) throw error;
    return 0;
  }
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
