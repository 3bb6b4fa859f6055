import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../worker-url.ts';
import type { Database } from '../database.ts';

const EVERY_MS = 1000;
/** 256 MiB of 4 KiB: so long a log is carried home by the writer after all. */
const LAST_RESORT_PAGES = 65_536;

/**
 * Keeps `fsync` and the copying of pages away from a thread that answers requests: a commit under NORMAL only writes to
 * the end of the log, and the log is carried home elsewhere. Measured as stalls of the event loop, docs/DECISIONS.md.
 */
export class Checkpointer {
  /** Pages that waited to be carried home at the last look. */
  waitingPages = 0;
  private readonly worker: Worker;
  private readonly gone: Promise<void>;

  /** Takes the checkpoints of this connection over. */
  constructor(database: Database) {
    database.pragma(`wal_autocheckpoint = ${LAST_RESORT_PAGES}`);
    this.worker = new Worker(workerUrl(import.meta.url, './checkpoint-worker.ts'), {
      workerData: { path: database.name, everyMs: EVERY_MS },
    });
    this.worker.unref();
    this.worker.on('message', (pages: number) => {
      this.waitingPages = pages;
    });
    // Without the thread the writer does it when the log has grown long: slower, never wrong.
    this.worker.on('error', () => database.open && database.pragma('wal_autocheckpoint = 8192'));
    this.gone = new Promise((gone) => this.worker.once('exit', () => gone()));
  }

  async close(): Promise<void> {
    // What is waited for must keep the process alive.
    this.worker.ref();
    this.worker.postMessage('close');
    await this.gone;
  }
}
