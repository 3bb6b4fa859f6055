/**
 * Derives category vectors: the normalized mix of the categories of the boards that hold a pin; weights under 0.1 are
 * zero. Three boards of "art" and one of "design" give art 0.75, design 0.25. Given vectors are left alone.
 */
import type { Database } from '../database.ts';
import { CATEGORY_WEIGHT_MIN } from './pin-store.ts';
import type { Sequence } from '../log/sequence-store.ts';

const DERIVED_THROUGH = 'categoriesDerivedThrough';

/**
 * Brings the vectors of all pins touched since the last call up to date; with `own`, of those alone that were touched after
 * that number, when others have written before it and not derived yet: an import that goes on beside it derives its rows
 * itself, and they may be very many. Returns the pins whose vector changed.
 */
export function deriveCategories(database: Database, sequence: Sequence, own = 0): number[] {
  return database
    .transaction(() => {
      const derived = sequence.number(DERIVED_THROUGH);
      const since = Math.max(derived, own);
      const changed: number[] = [];
      if (since === sequence.current()) return changed;
      database.exec('CREATE TEMP TABLE IF NOT EXISTS touched (pinIndex INTEGER PRIMARY KEY); DELETE FROM touched');
      for (const pins of TOUCHED) database.prepare(`INSERT OR IGNORE INTO touched ${pins}`).run(since);
      const read = database.prepare(MIXES).raw();
      const write = database.prepare('UPDATE pins SET categoryVector = ?, sequence = ? WHERE pinIndex = ?');
      const updates: [number, string | null][] = [];
      for (const [pinIndex, before, mix] of read.iterate() as IterableIterator<[number, string | null, string | null]>) {
        const after = mix === null ? null : normalizedMix(JSON.parse(mix) as Record<string, number>);
        if (after !== before) updates.push([pinIndex, after]);
      }
      for (const [pinIndex, vector] of updates) {
        write.run(vector, sequence.next(), pinIndex);
        changed.push(pinIndex);
      }
      database.exec('DELETE FROM touched');
      if (since === derived) sequence.setNumber(DERIVED_THROUGH, sequence.current());
      return changed;
    })
    .immediate();
}

const TOUCHED = [
  'SELECT pinIndex FROM saves WHERE sequence > ?',
  'SELECT s.pinIndex FROM boards b JOIN saves s USING (boardIndex) WHERE b.sequence > +?',
  'SELECT pinIndex FROM pins WHERE sequence > ?',
];

const MIXES = `SELECT p.pinIndex, p.categoryVector,
    (SELECT json_group_object(category, boards) FROM (
      SELECT category, count(DISTINCT s.boardIndex) AS boards FROM saves s JOIN boards b USING (boardIndex)
      WHERE s.pinIndex = p.pinIndex AND category IS NOT NULL GROUP BY category))
  FROM touched t JOIN pins p USING (pinIndex) WHERE p.categories IS NULL`;

/** Shares of the counts, without those under a tenth. */
export function strongCategories(counts: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return Object.entries(counts)
    .map(([name, count]) => [name, count / total] as const)
    .filter(([, weight]) => weight >= CATEGORY_WEIGHT_MIN);
}

function normalizedMix(counts: Readonly<Record<string, number>>): string | null {
  const strong = strongCategories(counts);
  return strong.length > 0 ? JSON.stringify(Object.fromEntries(strong)) : null;
}
