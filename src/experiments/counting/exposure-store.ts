/** Tables of exposed lists and of the cells they add up to, one pair of cursors per experiment. */
import type { Database, Statement } from '../../catalog/database.ts';
import { migrate } from '../../catalog/database.ts';
import type { ExposedList } from './exposed-list.ts';
import type { Cells } from './unit-contribution.ts';

/** One table in order of unit and time: a rebuild reads it straight through, a unit is one range. */
const SCHEMA = `
CREATE TABLE exposure_experiment (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
  list_cursor INTEGER NOT NULL, event_cursor INTEGER NOT NULL, counterfactual_cursor INTEGER NOT NULL,
  crossed INTEGER NOT NULL, model_missing INTEGER NOT NULL) STRICT;
CREATE TABLE exposed_list (
  experiment INTEGER NOT NULL, unit TEXT NOT NULL, at INTEGER NOT NULL, list_index INTEGER NOT NULL,
  arm INTEGER NOT NULL, surface TEXT NOT NULL, category TEXT NOT NULL, flags INTEGER NOT NULL,
  shown INTEGER NOT NULL, impressions INTEGER NOT NULL, closeups INTEGER NOT NULL, clicks INTEGER NOT NULL,
  long_clicks INTEGER NOT NULL, saves INTEGER NOT NULL, engaged INTEGER NOT NULL, first_save_seconds INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  PRIMARY KEY (experiment, unit, at, list_index)) STRICT, WITHOUT ROWID;
CREATE INDEX exposed_list_by_list ON exposed_list (list_index);
CREATE TABLE exposure_cell (experiment INTEGER NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (experiment, key)) STRICT, WITHOUT ROWID;
CREATE TABLE counterfactual (number INTEGER PRIMARY KEY AUTOINCREMENT, recommendation_id TEXT NOT NULL UNIQUE,
  same INTEGER NOT NULL) STRICT;
`;

/** Version 2: lists that named no unit; the counterfactual of one list for each of its experiments. */
const SECOND = `
ALTER TABLE exposure_experiment ADD COLUMN without_unit INTEGER NOT NULL DEFAULT 0;
DROP TABLE counterfactual;
CREATE TABLE counterfactual (number INTEGER PRIMARY KEY AUTOINCREMENT, recommendation_id TEXT NOT NULL,
  experiment TEXT NOT NULL, same INTEGER NOT NULL, UNIQUE (recommendation_id, experiment)) STRICT;
`;

/** Version 3: hides, and items shown to get to know them. Cells hold every metric: they are added up again from the rows. */
const THIRD = `
ALTER TABLE exposed_list ADD COLUMN hides INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exposed_list ADD COLUMN explored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exposed_list ADD COLUMN explored_engaged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exposure_experiment ADD COLUMN added_up INTEGER NOT NULL DEFAULT 1;
UPDATE exposure_experiment SET added_up = 0;
DELETE FROM exposure_cell;
`;

/** Version 4: labels of the caller, and what events add to metrics of one's own. */
const FOURTH = `
ALTER TABLE exposed_list ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE exposed_list ADD COLUMN own_values TEXT NOT NULL DEFAULT '';
`;

const COLUMNS = `unit, at, list_index, arm, surface, category, flags, shown, impressions, closeups, clicks, long_clicks,
  saves, engaged, first_save_seconds, latency_ms, hides, explored,
  explored_engaged, labels, own_values`;

type RawRow = [string, number, number, number, string, string, ...(number | string)[]];

/** Where the counting of an experiment stands: its number in these tables, the last rows read, and what was left out. */
export interface ExposureProgress {
  readonly number: number;
  readonly listCursor: number;
  readonly eventCursor: number;
  readonly counterfactualCursor: number;
  /** Lists of units that had met another arm before. */
  readonly crossed: number;
  /** Lists served by the control because the arm's model was gone. */
  readonly modelMissing: number;
  /** Eligible lists that named no unit of the experiment's kind. */
  readonly withoutUnit: number;
  /** 0: the cells are to be added up from the rows, because the metrics became more. */
  readonly addedUp: number;
}

/** `experiment` is the number that `progressOf` gives; counterfactuals go by the key. */
export class ExposureStore {
  private readonly database: Database;
  private readonly insert: Statement<unknown[]>;
  private readonly byUnit: Statement<unknown[], RawRow>;
  private readonly byList: Statement<unknown[], RawRow>;

  constructor(database: Database) {
    this.database = database;
    migrate(database, 'exposures', [SCHEMA, SECOND, THIRD, FOURTH]);
    this.insert = database.prepare(
      `INSERT OR REPLACE INTO exposed_list (experiment, ${COLUMNS}) VALUES (${Array(22).fill('?').join(', ')})`,
    );
    this.byUnit = database
      .prepare<unknown[], RawRow>(`SELECT ${COLUMNS} FROM exposed_list WHERE experiment = +? AND unit = +? ORDER BY at, list_index`)
      .raw() as unknown as Statement<unknown[], RawRow>;
    this.byList = database
      .prepare<unknown[], RawRow>(`SELECT ${COLUMNS} FROM exposed_list WHERE list_index = ? AND experiment = ?`)
      .raw() as unknown as Statement<unknown[], RawRow>;
  }

  /** Rows, cells and cursors that `work` writes are kept together or not at all. */
  transaction<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }

  /** Where the counting of an experiment stands; made on first use. */
  progressOf(key: string): ExposureProgress {
    const known = this.findProgress(key);
    if (known) return known;
    this.database.prepare('INSERT OR IGNORE INTO exposure_experiment VALUES (NULL, ?, 0, 0, 0, 0, 0, 0, 1)').run(key);
    return this.findProgress(key) as ExposureProgress;
  }

  private findProgress(key: string): ExposureProgress | undefined {
    return this.database
      .prepare(
        `SELECT number, list_cursor AS listCursor, event_cursor AS eventCursor,
         counterfactual_cursor AS counterfactualCursor, crossed, model_missing AS modelMissing,
         without_unit AS withoutUnit, added_up AS addedUp FROM exposure_experiment WHERE key = ?`,
      )
      .get(key) as ExposureProgress | undefined;
  }

  saveProgress(progress: ExposureProgress): void {
    this.database
      .prepare(
        `UPDATE exposure_experiment SET list_cursor = @listCursor, event_cursor = @eventCursor,
         counterfactual_cursor = @counterfactualCursor, crossed = @crossed,
         model_missing = @modelMissing, without_unit = @withoutUnit, added_up = @addedUp WHERE number = @number`,
      )
      .run(progress);
  }

  /** Inserts a list's row, or replaces the one of the same unit, time and list. */
  put(experiment: number, list: ExposedList): void {
    this.insert.run(
      ...[experiment, list.unit, list.at, list.listIndex, list.arm, list.surface, list.category, list.flags, list.shown],
      ...[list.impressions, list.closeups, list.clicks, list.longClicks, list.saves, list.engaged],
      ...[list.firstSaveSeconds, list.latencyMs, list.hides, list.explored, list.exploredEngaged, list.labels, list.values],
    );
  }

  /** All rows of a unit, by time. */
  unitLists(experiment: number, unit: string): ExposedList[] {
    return this.byUnit.all(experiment, unit).map(listOf);
  }

  /** The oldest list that was counted; null without any. */
  firstListIndex(experiment: number): number | null {
    return this.database.prepare('SELECT min(list_index) FROM exposed_list WHERE experiment = ?').pluck().get(experiment) as number | null;
  }

  /** At most `limit` units after one in order of their ids, of those that met an arm. */
  unitsAfter(experiment: number, unit: string, limit: number): readonly string[] {
    return this.database
      .prepare('SELECT DISTINCT unit FROM exposed_list WHERE experiment = +? AND unit > +? AND arm >= 0 ORDER BY unit LIMIT +?')
      .pluck()
      .all(experiment, unit, limit) as string[];
  }

  /** The row of one served list; null when it is not of this experiment. */
  listRow(experiment: number, listIndex: number): ExposedList | null {
    const row = this.byList.get(listIndex, experiment);
    return row ? listOf(row) : null;
  }

  /** The rows of every unit in turn, a unit in memory at a time. */
  *units(experiment: number): Generator<ExposedList[]> {
    const rows = this.database
      .prepare(`SELECT ${COLUMNS} FROM exposed_list WHERE experiment = +? ORDER BY unit, at, list_index`)
      .raw()
      .iterate(experiment) as IterableIterator<RawRow>;
    let unit: ExposedList[] = [];
    for (const row of rows) {
      if (unit.length > 0 && unit[0].unit !== row[0]) {
        yield unit;
        unit = [];
      }
      unit.push(listOf(row));
    }
    if (unit.length > 0) yield unit;
  }

  /** All cells of an experiment, copies; empty before the first list. */
  readCells(experiment: number): Cells {
    const rows = this.database.prepare('SELECT key, data FROM exposure_cell WHERE experiment = ?').all(experiment);
    return new Map((rows as { key: string; data: Buffer }[]).map((row) => [row.key, numbersOf(row.data)]));
  }

  /** Writes the given cells; one that is all zero is removed. */
  writeCells(experiment: number, cells: Cells): void {
    const put = this.database.prepare('INSERT OR REPLACE INTO exposure_cell VALUES (?, ?, ?)');
    const remove = this.database.prepare('DELETE FROM exposure_cell WHERE experiment = ? AND key = ?');
    for (const [key, cell] of cells) {
      if (cell.every((value) => value === 0)) remove.run(experiment, key);
      else put.run(experiment, key, Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength));
    }
  }

  /** Forgets everything that was derived: the next sync counts from the raw log. */
  clear(experiment: number): void {
    this.database.prepare('DELETE FROM exposed_list WHERE experiment = ?').run(experiment);
    this.database.prepare('DELETE FROM exposure_cell WHERE experiment = ?').run(experiment);
    this.saveProgress({
      number: experiment,
      listCursor: 0,
      eventCursor: 0,
      counterfactualCursor: 0,
      crossed: 0,
      modelMissing: 0,
      withoutUnit: 0,
      addedUp: 1,
    });
  }

  /** Notes whether all arms of an experiment would have given this list. */
  noteCounterfactual(recommendationId: string, experiment: string, same: boolean): void {
    this.database.prepare('INSERT OR IGNORE INTO counterfactual VALUES (NULL, ?, ?, ?)').run(recommendationId, experiment, same ? 1 : 0);
  }

  /** null: it was not computed. */
  counterfactualOf(recommendationId: string, experiment: string): boolean | null {
    const row = this.database
      .prepare('SELECT same FROM counterfactual WHERE recommendation_id = ? AND experiment = ?')
      .get(recommendationId, experiment);
    return row ? (row as { same: number }).same === 1 : null;
  }

  /** The newest lists of an experiment on which its arms differ: recommendation ids. */
  differingLists(experiment: string, limit: number): readonly string[] {
    return this.database
      .prepare('SELECT recommendation_id FROM counterfactual WHERE experiment = +? AND same = 0 ORDER BY number DESC LIMIT +?')
      .pluck()
      .all(experiment, limit) as string[];
  }

  /** Marks noted after a row number, in order. */
  counterfactualsAfter(number: number, limit: number): readonly { number: number; recommendationId: string; experiment: string }[] {
    return this.database
      .prepare(
        `SELECT number, recommendation_id AS recommendationId, experiment FROM counterfactual WHERE number > +? ORDER BY number LIMIT +?`,
      )
      .all(number, limit) as { number: number; recommendationId: string; experiment: string }[];
  }

  /** Puts a nameless unit in the place of a person who asked to be forgotten; the counts stay. Returns the rows changed. */
  forgetUnit(unit: string, nameless: string): number {
    return this.database.prepare('UPDATE exposed_list SET unit = ? WHERE unit = ?').run(nameless, unit).changes;
  }

  /** Renames units by the SQL function `name_user` of the connection. Returns how many lists that were. */
  renameUnits(): number {
    return this.database.prepare('UPDATE OR REPLACE exposed_list SET unit = name_user(unit) WHERE unit <> name_user(unit)').run().changes;
  }
}

function listOf(row: RawRow): ExposedList {
  return {
    unit: row[0],
    at: row[1],
    listIndex: row[2],
    arm: row[3],
    surface: row[4],
    category: row[5],
    flags: row[6] as number,
    shown: row[7] as number,
    impressions: row[8] as number,
    closeups: row[9] as number,
    clicks: row[10] as number,
    longClicks: row[11] as number,
    saves: row[12] as number,
    engaged: row[13] as number,
    firstSaveSeconds: row[14] as number,
    latencyMs: row[15] as number,
    hides: row[16] as number,
    explored: row[17] as number,
    exploredEngaged: row[18] as number,
    labels: row[19] as string,
    values: row[20] as string,
  };
}

function numbersOf(data: Buffer): Float64Array {
  return new Float64Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}
