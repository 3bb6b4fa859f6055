/** Dark reads of live traffic: `dark-reads.sqlite`, the last of them, committed together and within a second. */
import { join } from 'node:path';
import { type Database, migrate, openDatabase } from '../../catalog/database.ts';
import { GroupCommit } from '../../catalog/log/group-commit.ts';
import type { DarkRead, TopItems } from './dark-reads.ts';

const STEPS = [
  `CREATE TABLE dark_read (
    id INTEGER PRIMARY KEY AUTOINCREMENT, recommendation_id TEXT NOT NULL, at REAL NOT NULL, surface TEXT NOT NULL,
    query_pin INTEGER NOT NULL, serving_model TEXT NOT NULL, dark_model TEXT NOT NULL, candidates INTEGER NOT NULL,
    serving_ms REAL NOT NULL, dark_ms REAL NOT NULL, tau REAL, serving_pins BLOB NOT NULL, serving_scores BLOB NOT NULL,
    dark_pins BLOB NOT NULL, dark_scores BLOB NOT NULL, problem TEXT);
   CREATE INDEX dark_read_by_model ON dark_read (dark_model, id);`,
];
/** Nobody waits for a dark read: many share a commit. */
const COMMIT_MS = 500;
/** Between two looks at what is too much. */
const PRUNE_EVERY = 500;
/** Some 600 bytes each. */
const READS_KEPT = 50_000;

/** Which reads; absent fields ask nothing. `model` as it is kept, a net with NET_MARK. */
interface DarkReadRange {
  readonly model?: string | null;
  /** Epoch milliseconds, inclusive. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  /** The last so many of them. */
  readonly last?: number;
}

/** Models score the same rows again; nets make the list again. Both are kept here, nets with NET_MARK before their names. */
export type DarkKind = 'models' | 'nets';
export const NET_MARK = 'net:';

interface Row {
  readonly recommendation_id: string;
  readonly at: number;
  readonly surface: string;
  readonly query_pin: number;
  readonly serving_model: string;
  readonly dark_model: string;
  readonly candidates: number;
  readonly serving_ms: number;
  readonly dark_ms: number;
  readonly tau: number | null;
  readonly serving_pins: Buffer;
  readonly serving_scores: Buffer;
  readonly dark_pins: Buffer;
  readonly dark_scores: Buffer;
  readonly problem: string | null;
}

/** Holds the last `kept` reads and some more: once in 500 writes it drops what is too much. */
export class DarkReadStore {
  private readonly database: Database;
  private readonly commit: GroupCommit;
  private readonly kept: number;
  private untilPrune = PRUNE_EVERY;

  constructor(database: Database, kept = READS_KEPT) {
    this.database = database;
    this.kept = kept;
    migrate(database, 'dark reads', STEPS);
    this.commit = new GroupCommit(database, COMMIT_MS);
  }

  /** Settles when the read is durable. */
  add(read: DarkRead): Promise<void> {
    return this.commit.write(() => {
      const { recommendationId, at, surface, queryPinIndex, servingModel, darkModel, candidates } = read;
      const { servingMs, darkMs, kendallTau, serving, dark, problem } = read;
      const values = [recommendationId, at, surface, queryPinIndex, servingModel, darkModel, candidates, servingMs, darkMs];
      const tops = [bytesOf(serving.pinIndexes), bytesOf(serving.scores), bytesOf(dark.pinIndexes), bytesOf(dark.scores)];
      this.database
        .prepare(`INSERT INTO dark_read VALUES (NULL, ${Array.from({ length: 15 }, () => '?').join(', ')})`)
        .run(...values, kendallTau, ...tops, problem);
      if (--this.untilPrune > 0) return;
      this.untilPrune = PRUNE_EVERY;
      this.database.prepare('DELETE FROM dark_read WHERE id <= (SELECT max(id) FROM dark_read) - ?').run(this.kept);
    });
  }

  /** In the order in which they were made. */
  reads({ model = null, from = 0, to = Number.MAX_SAFE_INTEGER, last = -1 }: DarkReadRange = {}): readonly DarkRead[] {
    const rows = this.database
      .prepare('SELECT * FROM dark_read WHERE at >= +? AND at < +? AND dark_model = coalesce(?, dark_model) ORDER BY id DESC LIMIT +?')
      .all(from, to, model, last) as Row[];
    return rows.reverse().map(readOf);
  }

  /** The model, or the net with its model, of the last read; null before the first. `net`: of this one only. */
  lastModel(of: DarkKind = 'models', net = ''): string | null {
    const begin = of === 'nets' ? `${NET_MARK}${net === '' ? '' : `${net} `}` : NET_MARK;
    const row = this.database
      .prepare(
        `SELECT dark_model AS model FROM dark_read
        WHERE (substr(dark_model, 1, ?) = +?) = +? ORDER BY id DESC LIMIT 1`,
      )
      .get(begin.length, begin, of === 'nets' ? 1 : 0);
    return (row as { model: string } | undefined)?.model ?? null;
  }

  /** Commits what is waiting and closes the file. */
  close(): void {
    this.commit.close();
    this.database.close();
  }
}

function readOf(row: Row): DarkRead {
  return {
    recommendationId: row.recommendation_id,
    at: row.at,
    surface: row.surface,
    queryPinIndex: row.query_pin,
    servingModel: row.serving_model,
    darkModel: row.dark_model,
    candidates: row.candidates,
    servingMs: row.serving_ms,
    darkMs: row.dark_ms,
    kendallTau: row.tau,
    problem: row.problem,
    serving: topOf(row.serving_pins, row.serving_scores),
    dark: topOf(row.dark_pins, row.dark_scores),
  };
}

function bytesOf(values: Int32Array | Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function topOf(pins: Buffer, scores: Buffer): TopItems {
  return {
    pinIndexes: new Int32Array(Uint8Array.from(pins).buffer),
    scores: new Float64Array(Uint8Array.from(scores).buffer),
  };
}

/** Opens (and makes) `dark-reads.sqlite` of a data folder. */
export function openDarkReads(dataFolder: string): DarkReadStore {
  return new DarkReadStore(openDatabase(join(dataFolder, 'dark-reads.sqlite')));
}
