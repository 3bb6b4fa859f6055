/**
 * Old entries of the log go, what reports say stays: lists and their events are added up by day, surface, model and arm
 * before they are deleted, a few at a time so that a serving process gets its turn. The newest list always stays.
 *
 *   totals of a day = what was added up when its lists went + what is still in the log
 *
 * so a day's report is the same before and after. Only lists whose events were all taken into the pair engagement go.
 */
import type { Database, Statement } from '../database.ts';

/**
 * Version 4 of the log (a step of `migrate`). Row numbers of events are never given out again, also when the last event
 * was erased: cursors (roll-ups, experiments) stand at row numbers and would step over an event that got an old one.
 */
export const RETENTION_TABLES = `
CREATE TABLE event_kept (
  event_index INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  type INTEGER NOT NULL,
  list_index INTEGER NOT NULL,
  pin INTEGER NOT NULL,
  position INTEGER,
  person INTEGER,
  at INTEGER NOT NULL
) STRICT;
INSERT INTO event_kept SELECT event_index, event_id, type, list_index, pin, position, person, at FROM event ORDER BY event_index;
DROP TABLE event;
ALTER TABLE event_kept RENAME TO event;
CREATE INDEX event_by_list ON event (list_index, pin);
CREATE INDEX event_by_person ON event (person, at) WHERE person IS NOT NULL;
UPDATE sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(event_index), 0) FROM roll_up)) WHERE name = 'event';
INSERT INTO sqlite_sequence SELECT 'event', coalesce(max(event_index), 0) FROM roll_up WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'event');
CREATE TABLE log_day (
  day TEXT NOT NULL, surface INTEGER NOT NULL, model INTEGER NOT NULL, arm INTEGER NOT NULL,
  lists INTEGER NOT NULL, engaged INTEGER NOT NULL, degraded INTEGER NOT NULL,
  impressions INTEGER NOT NULL, closeups INTEGER NOT NULL, clicks INTEGER NOT NULL, long_clicks INTEGER NOT NULL, saves INTEGER NOT NULL,
  PRIMARY KEY (day, surface, model, arm)
) STRICT, WITHOUT ROWID;
CREATE TABLE retention (name TEXT PRIMARY KEY, through INTEGER NOT NULL) STRICT;
`;

const COUNTS = ['lists', 'engaged', 'degraded', 'impressions', 'closeups', 'clicks', 'long_clicks', 'saves', 'hides'] as const;
const ADDED = COUNTS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ');
const FORCED = 1;

/** Totals of the lists that `which` picks; lists of a forced treatment are nobody's traffic. */
const totalsOf = (which: string): string => `
  SELECT date(l.at / 1000, 'unixepoch') AS day, l.surface AS surface, l.model AS model, coalesce(l.arm, 0) AS arm,
    count(*) AS lists, coalesce(sum(e.engaged), 0) AS engaged, sum(d.text <> '[]') AS degraded,
    coalesce(sum(e.impressions), 0) AS impressions, coalesce(sum(e.closeups), 0) AS closeups, coalesce(sum(e.clicks), 0) AS clicks,
    coalesce(sum(e.long_clicks), 0) AS long_clicks, coalesce(sum(e.saves), 0) AS saves, coalesce(sum(e.hides), 0) AS hides
  FROM served_list l JOIN word d ON d.id = l.degraded
    LEFT JOIN (SELECT list_index, max(type BETWEEN 2 AND 4) AS engaged, sum(type = 0) AS impressions, sum(type = 1) AS closeups, sum(type = 2) AS clicks,
      sum(type = 3) AS long_clicks, sum(type = 4) AS saves,
      sum(type = 5) AS hides FROM event WHERE list_index IN (SELECT list_index FROM served_list WHERE ${which}) GROUP BY list_index) e
    ON e.list_index = l.list_index
  WHERE l.flags & ${FORCED} = 0 AND l.list_index IN (SELECT list_index FROM served_list WHERE ${which})
  GROUP BY 1, 2, 3, 4`;

interface DayTotals {
  /** ISO date, UTC. */
  readonly day: string;
  readonly surface: number;
  readonly model: string;
  readonly arm: string | null;
  readonly lists: number;
  /** Lists with a click, long click or save. */
  readonly engaged: number;
  readonly degraded: number;
  readonly impressions: number;
  readonly closeups: number;
  readonly clicks: number;
  readonly longClicks: number;
  readonly saves: number;
  readonly hides: number;
}

interface Pruned {
  readonly lists: number;
  readonly events: number;
}

export class RetentionLog {
  private readonly database: Database;
  private readonly horizon: Statement<[string], number>;

  constructor(database: Database) {
    this.database = database;
    this.horizon = database.prepare<[string], number>('SELECT through FROM retention WHERE name = ?').pluck();
  }

  /** Lists served before this time (epoch milliseconds) are gone; 0: none went. */
  get prunedBefore(): number {
    return this.horizon.get('lists') ?? 0;
  }

  /** Totals by day, surface, model and arm since a day (ISO date), of lists that are here and lists that went. */
  totals(since = ''): readonly DayTotals[] {
    const sums = COUNTS.map((name) => `sum(${name}) AS ${name === 'long_clicks' ? 'longClicks' : name}`).join(', ');
    return this.database
      .prepare<[string], DayTotals>(
        `SELECT day, surface, m.text AS model, a.text AS arm, ${sums}
         FROM (SELECT * FROM log_day UNION ALL ${totalsOf('1')}) t JOIN word m ON m.id = t.model LEFT JOIN word a ON a.id = t.arm
         WHERE day >= +? GROUP BY day, surface, t.model, t.arm ORDER BY day, surface, model, arm`,
      )
      .all(since);
  }

  /** Deletes at most `most` of the oldest lists served before `before`, with their events, after adding them up. */
  prune(before: number, most: number): Pruned {
    return this.database
      .transaction((): Pruned => {
        this.database.exec('CREATE TEMP TABLE IF NOT EXISTS going (list_index INTEGER PRIMARY KEY); DELETE FROM going');
        const through = this.database.prepare<[], number>("SELECT event_index FROM roll_up WHERE name = 'pairs'").pluck().get() ?? 0;
        const lists = this.database
          .prepare(
            `INSERT INTO going SELECT list_index FROM served_list s WHERE at < +? AND list_index < (SELECT max(list_index) FROM served_list)
             AND NOT EXISTS (SELECT 1 FROM event e WHERE e.list_index = s.list_index AND e.event_index > +?) ORDER BY at LIMIT +?`,
          )
          .run(before, through, most).changes;
        if (lists === 0) return { lists: 0, events: 0 };
        this.raise('lists', this.newestGoing() + 1);
        const which = 'list_index IN (SELECT list_index FROM going)';
        this.database.exec(`INSERT INTO log_day ${totalsOf(which)} ON CONFLICT DO UPDATE SET ${ADDED}`);
        const events = this.database.prepare(`DELETE FROM event WHERE ${which}`).run().changes;
        this.countPrune();
        this.database.exec(`DELETE FROM crop WHERE ${which}; DELETE FROM served_list WHERE ${which}`);
        return { lists, events };
      })
      .immediate();
  }

  private newestGoing(): number {
    return (
      this.database
        .prepare<[], number>('SELECT max(at) FROM served_list WHERE list_index IN (SELECT list_index FROM going)')
        .pluck()
        .get() ?? 0
    );
  }

  /** Empties the feature rows of at most `most` lists served before `before`: training no longer sees them, reports do. */
  dropRows(before: number, most: number): number {
    return this.database
      .transaction((): number => {
        const oldest = this.database
          .prepare<[number, number, number], number>(
            'SELECT list_index FROM served_list WHERE list_index > +? AND at < +? ORDER BY list_index LIMIT +?',
          )
          .pluck()
          .all(this.horizon.get('rows') ?? 0, before, most);
        const empty = this.database.prepare("UPDATE served_list SET feature_rows = x'' WHERE list_index = ?");
        for (const listIndex of oldest) empty.run(listIndex);
        if (oldest.length > 0) this.raise('rows', oldest[oldest.length - 1]);
        return oldest.length;
      })
      .immediate();
  }

  /** Lists served before a time that are still here. */
  countBefore(before: number): number {
    return this.database.prepare<[number], number>('SELECT count(*) FROM served_list WHERE at < ?').pluck().get(before) ?? 0;
  }

  /** Deletes events that were kept apart and whose list, so old, can no longer come. */
  pruneStrays(before: number): number {
    return this.database
      .transaction(() => {
        const strays = this.database.prepare('DELETE FROM stray_event WHERE at < ?').run(before).changes;
        if (strays > 0) this.countPrune();
        return strays;
      })
      .immediate();
  }

  /** By this number serving processes notice that events are gone, and read what people did again. */
  private countPrune(): void {
    this.database.prepare("INSERT INTO retention VALUES ('prunes', 1) ON CONFLICT DO UPDATE SET through = through + 1").run();
  }

  private raise(name: string, through: number): void {
    this.database
      .prepare('INSERT INTO retention VALUES (?, ?) ON CONFLICT DO UPDATE SET through = max(through, excluded.through)')
      .run(name, through);
  }
}
