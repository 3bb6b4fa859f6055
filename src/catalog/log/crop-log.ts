/**
 * The region of a picture that each visual search of a pin was about, beside its served list: what people crop again and
 * again becomes a dot, and what they then choose is known for that dot.
 */
import type { Database, Statement } from '../database.ts';
import { EVENT_TYPES } from '../pins/records.ts';
import type { LoggedRegion } from './served-list.ts';
import type { ServedListLog } from './served-list-log.ts';

/** Version 3 of the log (a step of `migrate`). Boxes are in fractions of the image. */
export const CROP_TABLES = `
CREATE TABLE crop (
  list_index INTEGER PRIMARY KEY,
  query_pin INTEGER NOT NULL,
  x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
  by_hand INTEGER NOT NULL
) STRICT;
CREATE INDEX crop_by_pin ON crop (query_pin);
`;

/** A region that was searched, and by whom; null: nobody said. */
export interface SearchedRegion extends LoggedRegion {
  readonly listIndex: number;
  readonly person: number | null;
}

/** Searches of one pin that are looked at, newest first. */
const NEWEST = 500;
const FIRST_CLICK = EVENT_TYPES.indexOf('click');
const SAVE = EVENT_TYPES.indexOf('save');

interface CropRow {
  list_index: number;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  by_hand: number;
  person: number | null;
}

export class CropLog {
  private readonly insert: Statement<unknown[]>;
  private readonly ofPin: Statement<[number, number], CropRow>;
  private readonly engaged: Statement<[number, number, string], { pin: number; people: number }>;

  constructor(database: Database, lists: ServedListLog) {
    this.insert = database.prepare('INSERT OR IGNORE INTO crop VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.ofPin = database.prepare(`SELECT c.list_index, x1, y1, x2, y2, by_hand, person FROM crop c
      JOIN served_list s USING (list_index) WHERE c.query_pin = +? ORDER BY c.list_index DESC LIMIT +?`);
    this.engaged = database.prepare(`SELECT pin, count(DISTINCT coalesce(person, -1)) AS people FROM event
      WHERE type BETWEEN ? AND ? AND list_index IN (SELECT value FROM json_each(?)) GROUP BY pin`);
    lists.onWritten((list, listIndex) => {
      if (list.region) this.insert.run(listIndex, list.queryPinIndex, ...list.region.box, list.region.byHand ? 1 : 0);
    });
  }

  /** The newest searched regions of a pin, newest first. */
  regionsOf(pinIndex: number): readonly SearchedRegion[] {
    return this.ofPin.all(pinIndex, NEWEST).map(({ list_index, x1, y1, x2, y2, by_hand, person }) => ({
      listIndex: list_index,
      box: [x1, y1, x2, y2],
      byHand: by_hand === 1,
      person,
    }));
  }

  /** How many people clicked or saved each pin of these lists; people without a name count as one. */
  engagedPeople(listIndexes: readonly number[]): ReadonlyMap<number, number> {
    if (listIndexes.length === 0) return new Map();
    const rows = this.engaged.all(FIRST_CLICK, SAVE, JSON.stringify(listIndexes));
    return new Map(rows.map(({ pin, people }) => [pin, people]));
  }
}
