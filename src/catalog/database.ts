/**
 * The one place where SQLite is opened: pragmas, durability, and the schema version of each store that lives in a file.
 *
 * Statements that SQLite has to plan (an order, groups, a join, a limit) have a plus before their parameters. Of a bare one it
 * looks at the value while it plans, and so plans again at each call, which takes longer than the answer. A plus is a no-op.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { reasonOf, ServiceError } from '../errors.ts';
import type { UserSecrets } from './pins/user-pseudonym.ts';

export type Database = Sqlite.Database;
export type Statement<P extends unknown[] = unknown[], R = unknown> = Sqlite.Statement<P, R>;

export interface DatabaseOptions {
  /** NORMAL survives a killed process, FULL also a power cut. */
  readonly synchronous?: string;
  readonly readonly?: boolean;
  /** Secrets of the names under which users are stored; empty or absent: their ids. Read by the stores that hold users. */
  readonly userKey?: UserSecrets;
  /** Page cache of the connection; absent: enough for an import. */
  readonly cacheKib?: number;
}

/** Page cache per connection, in KiB, where nothing else is said. */
const CACHE_KIB = 65_536;
/** Pages of the log (32 MiB of 4 KiB) before they go home: rows written at random meet in the same pages until then. */
const CHECKPOINT_PAGES = 8192;
/** Longest wait for another process that writes. */
export const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens (and makes, with its folder) a database file, or one in memory with `:memory:`. Write-ahead log, so readers
 * never wait for the writer; a file that is not SQLite is refused by name.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  if (path !== ':memory:' && !options.readonly) mkdirSync(dirname(path), { recursive: true });
  try {
    const database = new Sqlite(path, { readonly: options.readonly ?? false, timeout: BUSY_TIMEOUT_MS });
    if (!options.readonly) {
      database.pragma('journal_mode = WAL');
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      database.pragma(`synchronous = ${options.synchronous === 'FULL' ? 'FULL' : 'NORMAL'}`);
    }
    database.pragma(`cache_size = -${options.cacheKib ?? CACHE_KIB}`);
    database.pragma('foreign_keys = OFF');
    return database;
  } catch (error) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file: path, format: 'SQLite', reason: reasonOf(error) }, error);
  }
}

/**
 * Brings the tables of one store to its newest version. `steps[v]` leads from version v to v + 1; a step is never
 * changed once released, only added. A file from a newer program is refused, and one from an older program where nothing may be written.
 */
export function migrate(database: Database, store: string, steps: readonly string[]): void {
  if (!database.readonly) {
    database.exec('CREATE TABLE IF NOT EXISTS schema_version (store TEXT PRIMARY KEY, version INTEGER NOT NULL)');
  }
  const found = schemaVersion(database, store);
  if (found > steps.length) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', {
      file: database.name,
      format: `${store} tables of version ${steps.length}`,
      reason: `they are of version ${found}, made by a newer program`,
    });
  }
  if (found === steps.length) return;
  if (database.readonly) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', {
      file: database.name,
      format: `${store} tables of version ${steps.length}`,
      reason: `they are of version ${found}; the next start of the service, or any job that writes, brings them forward`,
    });
  }
  database
    .transaction(() => {
      for (const step of steps.slice(schemaVersion(database, store))) database.exec(step);
      database.prepare('INSERT OR REPLACE INTO schema_version VALUES (?, ?)').run(store, steps.length);
    })
    .immediate();
}

function schemaVersion(database: Database, store: string): number {
  const known = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").get();
  if (!known) return 0;
  const row = database.prepare('SELECT version FROM schema_version WHERE store = ?').get(store);
  return (row as { version: number } | undefined)?.version ?? 0;
}

/** What SQLite says when a page, the log or its index can not grow, and what the system says. */
const DISK_FULL = /^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)$/;

/** Turns SQLite's "disk full" into the error an operator can act on; anything else is passed on as it came. */
export function diskFullError(error: unknown, folder: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && DISK_FULL.test(code) ? new ServiceError('DATA_DISK_FULL', { folder }, error) : error;
}

/**
 * Tables and columns, as `table.column`, with a value that has one of the needles among its bytes and is what is looked for.
 * Indexes and full-text tables say the same as the tables they belong to.
 */
export function columnsHolding(database: Database, needles: readonly Buffer[], isIt: (value: Buffer) => boolean): string[] {
  const tables = database
    .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name <> 'sqlite_schema'")
    .pluck()
    .all() as string[];
  const places: string[] = [];
  for (const table of tables) {
    const columns = database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];
    for (const column of columns) {
      const value = quoted(column);
      const holds = needles.map(() => `instr(CAST(${value} AS BLOB), ?) > 0`).join(' OR ');
      const rows = database.prepare(`SELECT ${value} FROM ${quoted(table)} WHERE typeof(${value}) IN ('text', 'blob') AND (${holds})`);
      for (const found of rows.pluck().iterate(...needles)) {
        if (!isIt(Buffer.from(found as string | Buffer))) continue;
        places.push(`${table}.${column}`);
        break;
      }
    }
  }
  return places;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
