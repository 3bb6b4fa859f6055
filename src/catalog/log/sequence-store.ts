/**
 * The change sequence: one number that grows with every written row, so that code which keeps something derived (columns,
 * counts, category mixes) asks only for what came after the number it last saw. Also other named numbers.
 */
import type { Database, Statement } from '../database.ts';

export const SEQUENCE_TABLES = `
  CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO numbers VALUES ('sequence', 0);
`;

export class Sequence {
  private readonly read: Statement;
  private readonly put: Statement;
  private readonly advance: Statement;
  /** Grows with every write of this connection that takes numbers, also with those that are undone. */
  taken = 0;

  constructor(database: Database) {
    this.read = database.prepare('SELECT value FROM numbers WHERE name = ?').pluck();
    this.put = database.prepare('INSERT OR REPLACE INTO numbers VALUES (?, ?)');
    this.advance = database.prepare("UPDATE numbers SET value = value + ? WHERE name = 'sequence' RETURNING value").pluck();
  }

  /** The last number given out. */
  current(): number {
    return this.number('sequence');
  }

  /** The next number; call inside the transaction that writes the row. */
  next(): number {
    return this.reserve(1);
  }

  /** Reserves `count` numbers; returns the first. */
  reserve(count: number): number {
    this.taken++;
    return (this.advance.get(count) as number) - count + 1;
  }

  number(name: string): number {
    return (this.read.get(name) as number | undefined) ?? 0;
  }

  setNumber(name: string, value: number): void {
    this.put.run(name, value);
  }
}
