/** index-objects in a thread of its own: for a job that has work for this one meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { SILENT } from '../progress.ts';
import { job } from './index-objects.ts';

export interface IndexObjectsTask {
  readonly config: Config;
  readonly dataFolder: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const task = workerData as IndexObjectsTask;
parentPort?.postMessage(await job.run({ ...task, args: [], progress: SILENT, signal: new AbortController().signal }));
