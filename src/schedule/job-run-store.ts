/** The history of runs that the service started: `jobs.sqlite`, the last thousand of them. */
import { join } from 'node:path';
import { type Database, migrate, openDatabase } from '../catalog/database.ts';

/** Running, how it ended, or lost: the service was killed meanwhile, and nobody saw the end. */
export type RunState = 'running' | 'done' | 'failed' | 'refused' | 'stopped' | 'killed' | 'lost';

export interface JobRun {
  readonly id: number;
  readonly job: string;
  readonly flags: readonly string[];
  /** The cron expression, or null: somebody asked for it. */
  readonly cron: string | null;
  /** Who asked; null: the schedule. */
  readonly who: string | null;
  readonly state: RunState;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly pid: number | null;
  /** When the process began, by the system's book: a process number may be given to another process later. */
  readonly born: string | null;
  /** The job's receipt, or `{error}`. */
  readonly receipt: unknown;
  /** The end of what it wrote to standard error. */
  readonly said: string;
}

const STEPS = [
  `CREATE TABLE job_run (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, flags TEXT NOT NULL, cron TEXT, who TEXT, state TEXT NOT NULL,
    started_at REAL NOT NULL, ended_at REAL, pid INTEGER, born TEXT, receipt TEXT, said TEXT NOT NULL DEFAULT '');
   CREATE INDEX job_run_by_job ON job_run (job, id);`,
];
const KEPT = 1000;
const RECEIPT_MAX = 262_144;

const COLUMNS = 'id, job, flags, cron, who, state, started_at AS startedAt, ended_at AS endedAt, pid, born, receipt, said';

type Row = Omit<JobRun, 'flags' | 'receipt'> & { readonly flags: string; readonly receipt: string | null };

export class JobRunStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
    migrate(database, 'jobs', STEPS);
  }

  /** Adds a run that has just begun; returns its id. What is older than the last thousand is dropped. */
  begin(run: Pick<JobRun, 'job' | 'flags' | 'cron' | 'who' | 'startedAt' | 'pid' | 'born'>): number {
    const { job, flags, cron, who, startedAt, pid, born } = run;
    const { lastInsertRowid } = this.database
      .prepare("INSERT INTO job_run (job, flags, cron, who, state, started_at, pid, born) VALUES (?, ?, ?, ?, 'running', ?, ?, ?)")
      .run(job, JSON.stringify(flags), cron, who, startedAt, pid, born);
    this.database.prepare('DELETE FROM job_run WHERE id <= ?').run(Number(lastInsertRowid) - KEPT);
    return Number(lastInsertRowid);
  }

  /** Closes a run; in place of a receipt of more than 262,144 characters its length is kept. */
  end(id: number, end: Pick<JobRun, 'state' | 'receipt' | 'said'> & { readonly endedAt: number }): void {
    const text = JSON.stringify(end.receipt ?? null);
    const receipt = text.length > RECEIPT_MAX ? JSON.stringify({ receipt: 'too long to keep', characters: text.length }) : text;
    this.database
      .prepare('UPDATE job_run SET state = ?, ended_at = ?, receipt = ?, said = ? WHERE id = ?')
      .run(end.state, end.endedAt, receipt, end.said, id);
  }

  /** At most `limit` runs, newest first; `job` null: of all jobs. */
  runs(limit: number, job: string | null = null): readonly JobRun[] {
    const where = job === null ? '' : 'WHERE job = ?';
    const rows = this.database.prepare(`SELECT ${COLUMNS} FROM job_run ${where} ORDER BY id DESC LIMIT +?`);
    return (rows.all(...(job === null ? [limit] : [job, limit])) as Row[]).map(runOf);
  }

  /** Runs that nobody has closed, oldest first: also those that a killed service left. */
  running(): readonly JobRun[] {
    const rows = this.database.prepare(`SELECT ${COLUMNS} FROM job_run WHERE state = 'running' ORDER BY id`);
    return (rows.all() as Row[]).map(runOf);
  }

  /** How many runs of each job ended in each state, of those kept. */
  counts(): readonly { readonly job: string; readonly state: RunState; readonly count: number }[] {
    const rows = this.database.prepare('SELECT job, state, count(*) AS count FROM job_run GROUP BY job, state');
    return rows.all() as { job: string; state: RunState; count: number }[];
  }

  close(): void {
    this.database.close();
  }
}

function runOf(row: Row): JobRun {
  return {
    ...row,
    flags: JSON.parse(row.flags) as string[],
    receipt: row.receipt === null ? null : JSON.parse(row.receipt),
  };
}

/** Opens (and makes) `jobs.sqlite` of a data folder. */
export function openJobRuns(dataFolder: string): JobRunStore {
  return new JobRunStore(openDatabase(join(dataFolder, 'jobs.sqlite')));
}
