/**
 * Which people were erased, by their numbers in the catalogue and in the log: copies of both number people alike, so nodes can be
 * told whom to erase although no name is left. A row says nothing about anybody.
 */
import type { Database, Statement } from '../database.ts';
import type { Sequence } from '../log/sequence-store.ts';

/** Version 7 of the tables of the catalogue. */
export const ERASURE_TABLES = `
  CREATE TABLE erasures (sequence INTEGER PRIMARY KEY, userIndex INTEGER, person INTEGER);
`;

export interface ErasedPeople {
  /** Ordinals of the catalogue (userIndex). */
  readonly users: readonly number[];
  /** Numbers of the log. */
  readonly people: readonly number[];
}

export class ErasureStore {
  private readonly sequence: Sequence;
  private readonly insert: Statement;
  private readonly after: Statement;

  constructor(database: Database, sequence: Sequence) {
    this.sequence = sequence;
    this.insert = database.prepare('INSERT INTO erasures VALUES (?, ?, ?)');
    this.after = database.prepare('SELECT userIndex, person FROM erasures WHERE sequence > ? AND sequence <= ?').raw();
  }

  /** Call inside a transaction. */
  note({ users, people }: ErasedPeople): void {
    for (const userIndex of users) this.insert.run(this.sequence.next(), userIndex, null);
    for (const person of people) this.insert.run(this.sequence.next(), null, person);
  }

  /** Who was erased after a change, up to the change `through`. */
  between(after: number, through: number): ErasedPeople {
    const rows = this.after.all(after, through) as [number | null, number | null][];
    const numbers = (column: 0 | 1): number[] => [...new Set(rows.flatMap((row) => row[column] ?? []))];
    return { users: numbers(0), people: numbers(1) };
  }
}
