import { ServiceError } from '../../errors.ts';
import { type ExclusiveLock, takeLock } from './exclusive-lock.ts';

export type DataFolderLock = ExclusiveLock;

/**
 * One process serves (or writes the log of) a data folder at a time.
 * @throws DATA_FOLDER_LOCKED naming the process that holds it.
 */
export function lockDataFolder(folder: string): DataFolderLock {
  const lock = takeLock(folder, 'serving');
  if ('heldBy' in lock) throw new ServiceError('DATA_FOLDER_LOCKED', { folder, pid: lock.heldBy });
  return lock;
}
