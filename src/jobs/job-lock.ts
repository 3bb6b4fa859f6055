import { join } from 'node:path';
import { type ExclusiveLock, takeLock } from '../catalog/artifacts/exclusive-lock.ts';
import { ServiceError } from '../errors.ts';

/**
 * One run of a job at a time in a data folder, whoever started it; a killed run leaves nothing behind.
 * @throws JOB_RUNNING naming the process of the other run.
 */
export function lockJob(dataFolder: string, job: string): ExclusiveLock {
  const lock = takeLock(join(dataFolder, 'locks'), job);
  if ('heldBy' in lock) throw new ServiceError('JOB_RUNNING', { job, pid: lock.heldBy });
  return lock;
}
