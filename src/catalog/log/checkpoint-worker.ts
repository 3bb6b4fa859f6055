/**
 * Carries pages of the write-ahead log home, on a thread of its own and through a connection of its own: the disk is waited
 * for here. PASSIVE waits for nobody and makes nobody wait; a second pass right after the first takes what came meanwhile,
 * so that the log is empty for a moment and its file is used again from the beginning.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../database.ts';

const { path, everyMs } = workerData as { readonly path: string; readonly everyMs: number };
const database = openDatabase(path);
const PASSES = 4;

interface Pass {
  readonly log: number;
  readonly checkpointed: number;
}

function carryHome(): void {
  let waiting = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const [{ log, checkpointed }] = database.pragma('wal_checkpoint(PASSIVE)') as [Pass];
    waiting = Math.max(0, log - checkpointed);
    if (waiting === 0) break;
  }
  parentPort?.postMessage(waiting);
}

const timer = setInterval(() => {
  try {
    carryHome();
  } catch {
    // A full disk or a busy file: the next time, or the writer itself when the log has grown too long.
  }
}, everyMs);

parentPort?.once('message', () => {
  clearInterval(timer);
  database.close();
  parentPort?.close();
});
