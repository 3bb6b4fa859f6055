/** What a file named, so that an import with --replace can take away what it no longer names. Lives as long as the connection. */
import type { CatalogStore } from './catalog-store.ts';
import type { RejectionReason } from './rejection.ts';
import type { SaveRow } from './save-store.ts';
import type { CatalogKind, SourceRow } from './source-row.ts';

const TABLES = `
  CREATE TEMP TABLE IF NOT EXISTS present_rows (rowIndex INTEGER PRIMARY KEY);
  CREATE TEMP TABLE IF NOT EXISTS present_saves (boardIndex INTEGER, pinIndex INTEGER, userIndex INTEGER,
    PRIMARY KEY (boardIndex, pinIndex, userIndex)) WITHOUT ROWID;
  DELETE FROM present_rows; DELETE FROM present_saves;`;

/** Rows that hide which record they are about. */
const HIDING: ReadonlySet<RejectionReason> = new Set(['ROW_MALFORMED', 'ROW_TOO_LONG', 'TEXT_NOT_UTF8']);

export class PresentRows {
  private readonly catalog: CatalogStore;
  private readonly kind: CatalogKind;
  private hidden = 0;

  constructor(catalog: CatalogStore, kind: CatalogKind) {
    catalog.database.exec(TABLES);
    this.catalog = catalog;
    this.kind = kind;
  }

  /** Pins or boards that the file named. */
  add(indexes: Iterable<number>): void {
    const insert = this.catalog.database.prepare('INSERT OR IGNORE INTO present_rows VALUES (?)');
    for (const index of indexes) insert.run(index);
  }

  addSaves(saves: Iterable<SaveRow>): void {
    const insert = this.catalog.database.prepare('INSERT OR IGNORE INTO present_saves VALUES (?, ?, ?)');
    for (const { boardIndex, pinIndex, userIndex } of saves) insert.run(boardIndex, pinIndex, userIndex);
  }

  /** A row that was rejected still names its record, which stays as it is. */
  addRejected({ value }: SourceRow, reason: RejectionReason): void {
    if (HIDING.has(reason)) this.hidden++;
    if (this.kind === 'saves' || typeof value !== 'object' || value === null) return;
    const { id } = value as { id?: unknown };
    if (typeof id !== 'string' && typeof id !== 'number') return;
    const index = this.kind === 'pins' ? this.catalog.pins.indexOf(String(id)) : this.catalog.boards.indexOf(String(id));
    if (index >= 0) this.add([index]);
  }

  /** Takes away what the file did not name. Null: nothing was, because rows could not be read, or none was. */
  removeOthers(now: number): number | null {
    const { database, removals } = this.catalog;
    const named = database
      .prepare(`SELECT count(*) FROM ${this.kind === 'saves' ? 'present_saves' : 'present_rows'}`)
      .pluck()
      .get() as number;
    if (this.hidden > 0 || named === 0) return null;
    if (this.kind === 'pins') {
      const others = database.prepare(
        'SELECT pinIndex FROM pins WHERE removed = 0 AND pinIndex NOT IN (SELECT rowIndex FROM present_rows)',
      );
      return removals.removePins(others.pluck().all() as number[], now);
    }
    if (this.kind === 'boards') {
      const others = database.prepare(
        'SELECT boardIndex FROM boards WHERE removedAt IS NULL AND boardIndex NOT IN (SELECT rowIndex FROM present_rows)',
      );
      return (others.pluck().all() as number[]).filter((boardIndex) => removals.removeBoard(boardIndex, now)).length;
    }
    const others = database.prepare('SELECT boardIndex, pinIndex, userIndex FROM saves EXCEPT SELECT * FROM present_saves');
    let count = 0;
    for (const save of others.all() as SaveRow[]) count += removals.removeSaves(save, now);
    return count;
  }
}
