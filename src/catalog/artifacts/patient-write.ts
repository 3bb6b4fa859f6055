/**
 * Writing beside another process that writes the same file. SQLite waits for its lock by holding the thread; a server that
 * waits so answers nobody (seen: 45 s beside an import). So the lock is asked for without waiting, again and again, and
 * other requests are answered in between.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ServiceError } from '../../errors.ts';
import { BUSY_TIMEOUT_MS, type Database } from '../database.ts';

const AGAIN_MS = 10;

/**
 * Runs `write`, which begins with an immediate transaction, as soon as nobody else writes.
 *
 * @throws SERVER_OVERLOADED after `patienceMs`; AbortError when it had to wait and `signal` is aborted.
 */
export async function whenWritable<T>(database: Database, write: () => T, patienceMs = BUSY_TIMEOUT_MS, signal?: AbortSignal): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return withoutWaiting(database, write);
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code !== 'SQLITE_BUSY') throw error;
      if (performance.now() > until) throw new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 }, error);
    }
    await pause(AGAIN_MS, undefined, signal ? { signal } : undefined);
  }
}

function withoutWaiting<T>(database: Database, write: () => T): T {
  database.pragma('busy_timeout = 0');
  try {
    return write();
  } finally {
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}
