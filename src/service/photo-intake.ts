/**
 * A folder of photos into the catalog: every photo a pin, every subfolder a board. File names become titles, EXIF dates
 * become times. `pins.csv`, `boards.csv`, `saves.csv` (or .tsv, .json, .jsonl, .parquet) at the top of the folder are
 * read as `import-catalog` reads them, and `NAME.json` beside `NAME.jpg` holds further fields of that pin. The next call
 * takes in only what was added, changed or removed since.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import { ingestFile } from '../catalog/pins/ingest.ts';
import { type ImageFolders, imageReference } from '../catalog/pins/image-reference.ts';
import { titleOfFile, titleOfFolder } from '../catalog/pins/file-title.ts';
import { termOf } from '../catalog/pins/weight-map.ts';
import type { CatalogKind } from '../catalog/pins/source-row.ts';
import { upsertBatch } from '../catalog/pins/upsert.ts';
import type { Receipt } from '../catalog/pins/receipt.ts';
import { type PhotoFile, type PhotoFolder, photosIn, type TableKind } from '../catalog/readers/photo-files.ts';
import { ServiceError } from '../errors.ts';
import { type Progress, SILENT } from '../progress.ts';
import { photoTime } from '../vision/photo-time.ts';

interface IntakeOptions {
  readonly dataFolder: string;
  /** The site's categories: a folder of such a name is a board of that category. */
  readonly categories: ReadonlySet<string>;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What became of the photos of a folder. */
export interface IntakeReceipt {
  readonly photos: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly boards: number;
  /** What the tables of the folder gave, where one was read. */
  readonly tables?: Readonly<Partial<Record<TableKind, Receipt>>>;
  /** Rows and files that stayed out, by reason, with the files they came from (a hundred at most). */
  readonly rejected: Readonly<Record<string, { readonly count: number; readonly files: readonly string[] }>>;
}

/** What is remembered of a photo: its stamps, its pin, and whether a table named the pin. */
type Known = readonly [stamp: string, imageStamp: string, pinId: string, named: boolean];

interface Remembered {
  readonly photos: Readonly<Record<string, Known>>;
  readonly tables: Readonly<Record<string, string>>;
}

/** Photos whose records are read and written together. */
const AT_ONCE = 200;
const FILES_NAMED = 100;

interface Intake {
  readonly catalog: CatalogStore;
  readonly folder: string;
  readonly folders: ImageFolders;
  readonly options: IntakeOptions;
  readonly rejected: Record<string, { count: number; files: string[] }>;
  readonly receipts: Partial<Record<TableKind, Receipt>>;
}

/** @throws JOB_STOPPED when aborted. */
export async function takeInPhotos(catalog: CatalogStore, folder: string, options: IntakeOptions): Promise<IntakeReceipt> {
  const root = resolve(folder);
  const intake: Intake = {
    catalog,
    folder: root,
    folders: { images: root, data: resolve(options.dataFolder) },
    options,
    rejected: {},
    receipts: {},
  };
  const key = `photos ${root}`;
  const before = (catalog.imports.progressOf(key) as Remembered | null) ?? { photos: {}, tables: {} };
  const found = await photosIn(root, intake.folders.data);
  if (found.unreadable.length > 0) reject(intake.rejected, 'CATALOG_FILE_UNREADABLE', found.unreadable.length, found.unreadable);
  const tables = Object.fromEntries([...found.tables].map(([kind, { stamp }]) => [kind, stamp]));
  const readTables = Object.entries(tables).some(([kind, stamp]) => before.tables[kind] !== stamp);
  if (readTables) await importTable(intake, found, 'pins');
  const fresh = found.photos.filter(({ path, stamp }) => before.photos[path]?.[0] !== stamp);
  const known = await writePhotos(intake, readTables ? found.photos : fresh, before, found.tables.has('pins'));
  if (readTables) for (const kind of ['boards', 'saves'] as const) await importTable(intake, found, kind);
  const added = fresh.filter(({ path }) => before.photos[path] === undefined).length;
  const removed = removeGone(intake, found, before);
  const hidden = Object.entries(before.photos).filter(([path]) => liesIn(found.unreadable, path));
  const listed = found.photos.map(({ path }) => [path, known.get(path) ?? before.photos[path]] as const);
  const photos = Object.fromEntries([...hidden, ...listed]);
  if (readTables || fresh.length + removed > 0) catalog.imports.note(key, { photos, tables } satisfies Remembered);
  const boards = new Set(found.photos.map(({ path }) => dirname(path)).filter((path) => path !== '.')).size;
  const counts = { photos: found.photos.length, added, changed: fresh.length - added, removed };
  const read = Object.keys(intake.receipts).length > 0 ? { tables: intake.receipts } : {};
  return { ...counts, unchanged: found.photos.length - fresh.length, boards, ...read, rejected: intake.rejected };
}

/** A table that cannot be read, as one of another program's, is counted and stops nothing. */
async function importTable(
  { catalog, folder, folders, options, rejected, receipts }: Intake,
  { tables }: PhotoFolder,
  kind: TableKind,
): Promise<void> {
  const table = tables.get(kind);
  if (!table) return;
  try {
    const receipt = await ingestFile(catalog, kind, join(folder, table.path), { folders, ...options });
    receipts[kind] = receipt;
    for (const [reason, { count, lines }] of Object.entries(receipt.rejected))
      reject(
        rejected,
        reason,
        count,
        lines.map((line) => `${table.path}, line ${line}`),
      );
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'CATALOG_FILE_UNREADABLE') throw error;
    reject(rejected, error.code, 1, [table.path]);
  }
}

/** Writes pins, boards and saves of photos. Returns what to remember of each. */
async function writePhotos(
  intake: Intake,
  photos: readonly PhotoFile[],
  before: Remembered,
  hasTable: boolean,
): Promise<ReadonlyMap<string, Known>> {
  const { catalog, options } = intake;
  const { progress = SILENT, signal } = options;
  const named = hasTable ? pinsByImage(catalog) : new Map<string, string>();
  const known = new Map<string, Known>();
  progress.start('photos', photos.length);
  for (let from = 0; from < photos.length; from += AT_ONCE) {
    if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
    const some = photos.slice(from, from + AT_ONCE);
    const described = await Promise.all(some.map((photo) => describePhoto(intake, photo, named)));
    catalog.transaction(() => writeDescribed(intake, some, described, before));
    some.forEach(({ path, stamp, imageStamp }, i) => known.set(path, [stamp, imageStamp, described[i].id, described[i].named]));
    progress.update(from + some.length);
  }
  progress.stop();
  return known;
}

/** Ids of the pins that tables gave to images, by stored reference. */
function pinsByImage({ pins }: CatalogStore): Map<string, string> {
  const found = new Map<string, string>();
  for (const { pinIndex, image } of pins.images()) found.set(image, pins.idOf(pinIndex));
  return found;
}

interface Described {
  readonly id: string;
  /** A table of the folder has a row for this photo, which says more than the file's name. */
  readonly named: boolean;
  readonly pin: Readonly<Record<string, unknown>>;
  readonly takenAt: number | null;
}

async function describePhoto(intake: Intake, { path, record }: PhotoFile, named: ReadonlyMap<string, string>): Promise<Described> {
  const reference = imageReference(path, intake.folders);
  const given = typeof reference === 'string' ? named.get(reference) : undefined;
  const own = record === null ? {} : await recordOf(intake, record);
  const takenAt = await photoTime(join(intake.folder, path));
  const id = given ?? (typeof own.id === 'string' ? own.id : path);
  const stem = basename(path, extname(path));
  const derived = { title: titleOfFile(stem) ?? undefined, createdAt: takenAt ?? undefined };
  const isNamed = given !== undefined && given !== path;
  return { id, named: isNamed, pin: { ...(isNamed ? {} : derived), ...own, id, image: path }, takenAt };
}

/** The fields in the JSON file of a photo. One that is no object is counted and says nothing. */
async function recordOf({ folder, rejected }: Intake, path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, path), 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Counted below, as a row that cannot be read is.
  }
  reject(rejected, 'ROW_MALFORMED', 1, [path]);
  return {};
}

function writeDescribed(intake: Intake, photos: readonly PhotoFile[], described: readonly Described[], before: Remembered): void {
  const { catalog, options } = intake;
  const paths = photos.map(({ path }) => path);
  write(
    intake,
    'pins',
    described.map(({ pin }) => pin),
    paths,
  );
  const repainted = photos.flatMap(({ path, imageStamp }, i) => {
    const known = before.photos[path];
    const pinIndex = catalog.pins.indexOf(described[i].id);
    return known && known[1] !== imageStamp && pinIndex >= 0 ? [pinIndex] : [];
  });
  catalog.pins.renewImages(repainted);
  const boardOf = paths.map((path) => dirname(path));
  const boards = [...new Set(boardOf)].filter((path) => path !== '.');
  write(
    intake,
    'boards',
    boards.map((id) => ({ id, title: titleOfFolder(id), ...categoryOf(id, options.categories) })),
    boards,
  );
  const saved = described.map(({ id, takenAt }, i) => ({ pinId: id, boardId: boardOf[i], at: takenAt ?? undefined }));
  const saves = saved.filter(({ boardId }) => boardId !== '.');
  write(
    intake,
    'saves',
    saves,
    paths.filter((path) => dirname(path) !== '.'),
  );
}

function categoryOf(path: string, categories: ReadonlySet<string>): { category?: string } {
  const name = termOf(basename(path).replace(/[-_]+/g, ' '));
  return categories.has(name) ? { category: name } : {};
}

function write({ catalog, folders, rejected }: Intake, kind: CatalogKind, rows: readonly unknown[], files: readonly string[]): void {
  const { receipt } = upsertBatch(catalog, kind, rows, { now: Date.now(), folders });
  for (const [reason, { count, lines }] of Object.entries(receipt.rejected))
    reject(
      rejected,
      reason,
      count,
      lines.map((line) => files[line]),
    );
}

function reject(rejected: Intake['rejected'], reason: string, count: number, files: readonly string[]): void {
  rejected[reason] ??= { count: 0, files: [] };
  const entry = rejected[reason];
  entry.count += count;
  entry.files.push(...files.slice(0, FILES_NAMED - entry.files.length));
}

function liesIn(folders: readonly string[], path: string): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** Takes out pins whose photo is gone; one that a table names keeps its row, one in a folder that cannot be read stays. Returns how many. */
function removeGone({ catalog }: Intake, { photos, unreadable }: PhotoFolder, before: Remembered): number {
  const there = new Set(photos.map(({ path }) => path));
  const gone = Object.entries(before.photos).filter(([path, [, , , named]]) => !there.has(path) && !named && !liesIn(unreadable, path));
  const pinIndexes = gone.map(([, [, , id]]) => catalog.pins.indexOf(id)).filter((pinIndex) => pinIndex >= 0);
  return catalog.removals.removePins(pinIndexes, Date.now());
}
