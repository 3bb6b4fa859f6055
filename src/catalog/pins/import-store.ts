/** How far each import of a file came, written with the rows themselves, so that a stopped import goes on exactly there. */
import type { Database } from '../database.ts';

export const IMPORT_TABLES = `
  CREATE TABLE imports (file TEXT PRIMARY KEY, progress TEXT NOT NULL) WITHOUT ROWID;
`;

export class ImportStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** What was noted for a file (its key is made of kind, size and digest), or null. */
  progressOf(file: string): unknown {
    const text = this.database.prepare('SELECT progress FROM imports WHERE file = ?').pluck().get(file);
    return text === undefined ? null : JSON.parse(text as string);
  }

  note(file: string, progress: unknown): void {
    this.database.prepare('INSERT OR REPLACE INTO imports VALUES (?, ?)').run(file, JSON.stringify(progress));
  }

  forget(file: string): void {
    this.database.prepare('DELETE FROM imports WHERE file = ?').run(file);
  }
}
