/**
 * Raw rows into the store: checked, resolved, written in one transaction, and accounted for. The same for the lines of a
 * file and for the records of an HTTP batch; a bad row never stops a good one.
 */
import type { CatalogStore } from './catalog-store.ts';
import type { PresentRows } from './present-rows-store.ts';
import { type ImageFolders, imageReference } from './image-reference.ts';
import { type Receipt, ReceiptTally } from './receipt.ts';
import { type PinRecord, readBoard, readPin, readSave } from './records.ts';
import { Rejection } from './rejection.ts';
import type { CatalogKind, SourceRow } from './source-row.ts';
import type { SaveRow } from './save-store.ts';

interface UpsertOptions {
  /** Time of arrival, epoch milliseconds. */
  readonly now: number;
  readonly folders: ImageFolders;
  /** The site's categories; others are kept and counted. Absent: nothing is counted. */
  readonly categories?: ReadonlySet<string>;
  /** Ordinals met before, for a file of saves; absent: each is looked up. */
  readonly seen?: SeenOrdinals;
  /** Filled with what the rows name, for an import that takes away the rest. */
  readonly present?: PresentRows;
}

/** Most ids remembered of each kind; a full map starts again, so memory stays flat. */
const SEEN_MAX = 200_000;

/** What an import of saves remembers of pins, boards and users. Valid while only saves are written. */
export class SeenOrdinals {
  readonly pins = new Map<string, number>();
  readonly boards = new Map<string, readonly [number, number] | null>();
  readonly users = new Map<string, number>();
}

function remembered<T>(seen: Map<string, T> | undefined, id: string, find: (id: string) => T): T {
  const known = seen?.get(id);
  if (known !== undefined) return known;
  const found = find(id);
  if (seen && seen.size >= SEEN_MAX) seen.clear();
  if (found !== -1) seen?.set(id, found);
  return found;
}

/** Writes rows of one kind and counts them in `tally`. Returns the pinIndexes whose rows or saves changed. */
export function upsertRows(
  catalog: CatalogStore,
  kind: CatalogKind,
  rows: readonly SourceRow[],
  tally: ReceiptTally,
  options: UpsertOptions,
): readonly number[] {
  tally.read += rows.length;
  if (kind === 'pins') return upsertPinRows(catalog, rows, tally, options);
  if (kind === 'saves') return upsertSaveRows(catalog, rows, tally, options);
  const boards = accepted(rows, tally, options, (value) => readBoard(value, options.now, tally));
  for (const { category } of boards) if (category) countUnknown([category], tally, options);
  const upserted = catalog.boards.upsert(boards);
  options.present?.add(upserted.indexes);
  count(tally, upserted);
  return [];
}

function upsertPinRows(catalog: CatalogStore, rows: readonly SourceRow[], tally: ReceiptTally, options: UpsertOptions): readonly number[] {
  const pins = accepted(rows, tally, options, (value): PinRecord | Rejection => {
    const pin = readPin(value, options.now, tally);
    if (pin instanceof Rejection || !pin.image) return pin;
    const image = imageReference(pin.image, options.folders);
    return image instanceof Rejection ? new Rejection(image.reason, 'image', pin.image) : { ...pin, image };
  });
  for (const { categories } of pins) if (categories) countUnknown(categories.keys(), tally, options);
  const upserted = catalog.pins.upsert(pins);
  options.present?.add(upserted.indexes);
  count(tally, upserted);
  return upserted.changed;
}

function countUnknown(names: Iterable<string>, tally: ReceiptTally, { categories }: UpsertOptions): void {
  if (!categories) return;
  for (const name of names) if (!categories.has(name)) tally.unknownCategory(name);
}

function upsertSaveRows(catalog: CatalogStore, rows: readonly SourceRow[], tally: ReceiptTally, options: UpsertOptions): readonly number[] {
  return catalog.transaction(() => {
    const saves = accepted(rows, tally, options, (value) => saveRow(catalog, value, tally, options));
    const written = catalog.saves.upsert(saves, options.now);
    options.present?.addSaves(saves);
    count(tally, { written, unchanged: saves.length - written });
    return [...new Set(saves.map((save) => save.pinIndex))];
  });
}

function saveRow(catalog: CatalogStore, value: unknown, tally: ReceiptTally, { now, seen }: UpsertOptions): SaveRow | Rejection {
  const save = readSave(value, now, tally);
  if (save instanceof Rejection) return save;
  const pinIndex = remembered(seen?.pins, save.pinId, (id) => catalog.pins.indexOf(id));
  if (pinIndex < 0) return new Rejection('PIN_UNKNOWN', 'pinId', save.pinId);
  const board = remembered(seen?.boards, save.boardId, (id) => catalog.boards.keyOf(id));
  if (board === null) return new Rejection('BOARD_UNKNOWN', 'boardId', save.boardId);
  const userIndex = save.userId ? remembered(seen?.users, save.userId, (id) => catalog.users.ensure(id)) : board[1];
  return { boardIndex: board[0], pinIndex, userIndex, at: save.at ?? null };
}

function accepted<T>(
  rows: readonly SourceRow[],
  tally: ReceiptTally,
  { present }: UpsertOptions,
  read: (value: unknown) => T | Rejection,
): T[] {
  const kept: T[] = [];
  for (const row of rows) {
    const record = row.reason ? new Rejection(row.reason, null, row.text) : read(row.value);
    if (record instanceof Rejection) {
      tally.reject(record, row.line);
      present?.addRejected(row, record.reason);
    } else kept.push(record);
  }
  return kept;
}

function count(tally: ReceiptTally, { written, unchanged }: { written: number; unchanged: number }): void {
  tally.written += written;
  tally.unchanged += unchanged;
}

/** One batch (an HTTP body): `lines` of the receipt are its indexes. Category vectors of what it touches are derived at once. */
export function upsertBatch(
  catalog: CatalogStore,
  kind: CatalogKind,
  records: readonly unknown[],
  options: UpsertOptions,
): { receipt: Receipt; changedPins: readonly number[] } {
  const tally = new ReceiptTally();
  const changed = catalog.transaction(() => {
    const rows = records.map((value, line) => ({ line, value }));
    const before = catalog.lastChange();
    return [...upsertRows(catalog, kind, rows, tally, options), ...catalog.deriveCategories(before)];
  });
  return { receipt: tally.receipt(), changedPins: [...new Set(changed)] };
}
