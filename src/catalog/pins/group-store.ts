/** The near-duplicate group of every pin that is not alone. Pins that change their group change their sequence: every process takes them over. */
import type { Database, Statement } from 'better-sqlite3';
import type { Sequence } from '../log/sequence-store.ts';

export class GroupStore {
  private readonly database: Database;
  private readonly sequence: Sequence;
  private readonly find: Statement;
  private readonly put: Statement;
  private readonly remove: Statement;
  private readonly touch: Statement;

  constructor(database: Database, sequence: Sequence) {
    this.database = database;
    this.sequence = sequence;
    this.find = database.prepare('SELECT groupIndex FROM pin_groups WHERE pinIndex = ?').pluck();
    this.put = database.prepare('INSERT OR REPLACE INTO pin_groups VALUES (?, ?)');
    this.remove = database.prepare('DELETE FROM pin_groups WHERE pinIndex = ?');
    this.touch = database.prepare('UPDATE pins SET sequence = ? WHERE pinIndex = ?');
  }

  /** Pins that are not alone in their group: pinIndex and group. */
  all(): IterableIterator<[number, number]> {
    return this.database.prepare('SELECT pinIndex, groupIndex FROM pin_groups').raw().iterate() as IterableIterator<[number, number]>;
  }

  /** The group of a pin: its own index when it is alone. */
  of(pinIndex: number): number {
    return (this.find.get(pinIndex) as number | undefined) ?? pinIndex;
  }

  /** Puts pins into groups (or, with their own index, alone), all at once. */
  set(moves: Iterable<readonly [pinIndex: number, group: number]>): void {
    this.database
      .transaction(() => {
        const moved = [...moves].filter(([pinIndex, group]) => this.of(pinIndex) !== group);
        if (moved.length === 0) return;
        const sequence = this.sequence.next();
        for (const [pinIndex, group] of moved) {
          if (group === pinIndex) this.remove.run(pinIndex);
          else this.put.run(pinIndex, group);
          this.touch.run(sequence, pinIndex);
        }
      })
      .immediate();
  }
}
