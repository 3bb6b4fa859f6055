import { join } from 'node:path';
import { type ExclusiveLock, takeLock } from '../catalog/artifacts/exclusive-lock.ts';
import { ServiceError } from '../errors.ts';

/**
 * One run of a job at a time in a data folder, no matter who started it; a killed run leaves nothing behind.
 * @throws JOB_RUNNING naming the process of the other run.
 */
export function lockJob(dataFolder: string, job: string): ExclusiveLock {
  const lock = takeLock(join(dataFolder, 'locks'), job);
  if ('heldBy' in lock) throw new ServiceError('JOB_RUNNING', { job, pid: lock.heldBy });
  return lock;
}

/** How long a change of the keys waits for another one, and how often it looks. */
const KEYS_WAIT_MS = 5000;
const LOOK_MS = 50;

/** Changes the keys of a data folder while nobody else does: two changes at once would bring a revoked key back. */
export async function changeKeys<T>(dataFolder: string, change: () => T): Promise<T> {
  const until = Date.now() + KEYS_WAIT_MS;
  for (;;) {
    const lock = takeLock(join(dataFolder, 'locks'), 'keys');
    if (!('heldBy' in lock)) {
      try {
        return change();
      } finally {
        lock.release();
      }
    }
    if (Date.now() > until) throw new ServiceError('JOB_RUNNING', { job: 'that changes keys', pid: lock.heldBy });
    await new Promise((again) => setTimeout(again, LOOK_MS));
  }
}
