/**
 * Heads trained side by side in worker threads, one for each choice of tasks; the one that finds best what stopped it is kept.
 * A worker writes a checkpoint after every epoch.
 */
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../worker-url.ts';
import type { HeadEpoch, HeadSettings, HeadTask } from './projection-head.ts';
import type { Protocol } from '../retrieval-evaluation.ts';

/** What a worker is given; `rows` and `frame` lie in shared memory. */
export interface HeadWork {
  readonly name: string;
  readonly rows: Float32Array;
  readonly length: number;
  /** Turns W x' into what codes are made of: bits x length. */
  readonly frame: Float32Array;
  readonly tasks: readonly HeadTask[];
  readonly judges: readonly Protocol[];
  readonly settings: HeadSettings;
  readonly checkpoint: string;
  readonly key: string;
}

export interface TrainedHead {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly weights: Float32Array;
  readonly trace: readonly HeadEpoch[];
  readonly measure: number;
}

export type HeadMessage =
  | { readonly kind: 'epoch'; readonly epoch: HeadEpoch }
  | { readonly kind: 'done'; readonly weights: Float32Array; readonly trace: readonly HeadEpoch[] }
  | { readonly kind: 'failed'; readonly reason: string };

interface HeadRun {
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onEpoch: (name: string, epoch: HeadEpoch) => void;
}

/** All heads, in the order given, fewer when stopped; what was finished or begun is in the checkpoints. */
export async function trainHeads(works: readonly HeadWork[], run: HeadRun): Promise<TrainedHead[]> {
  const waiting = [...works.keys()];
  const done: (TrainedHead | null)[] = works.map(() => null);
  const thread = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !run.signal.aborted; next = waiting.shift())
      done[next] = await trainApart(works[next], run);
  };
  await Promise.all(Array.from({ length: Math.min(run.threads, works.length) }, thread));
  return done.filter((head) => head !== null);
}

/** A Float32Array that threads share. */
export function sharedFloats(values: Float32Array): Float32Array {
  const shared = new Float32Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return shared;
}

function trainApart(work: HeadWork, { signal, onEpoch }: HeadRun): Promise<TrainedHead | null> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl(import.meta.url, './head-worker.ts'), { workerData: work });
    const stop = (): void => worker.postMessage('stop');
    const end = (): void => {
      signal.removeEventListener('abort', stop);
      void worker.terminate();
    };
    signal.addEventListener('abort', stop, { once: true });
    worker.on('error', reject);
    worker.on('message', (message: HeadMessage) => {
      if (message.kind === 'epoch') return onEpoch(work.name, message.epoch);
      end();
      if (message.kind === 'failed') return reject(new RangeError(message.reason));
      const { weights, trace } = message;
      const measure = Math.max(...trace.map((epoch) => epoch.measure));
      resolve(signal.aborted ? null : { name: work.name, tasks: work.tasks.map(({ name }) => name), weights, trace, measure });
    });
  });
}
