/** One fold of choose-c.ts in a worker thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FoldTask } from './choose-c.ts';
import { foldCurve } from './fold-curve.ts';

parentPort?.postMessage(await foldCurve(workerData as FoldTask));
