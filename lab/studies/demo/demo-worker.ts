/** Parts of the demo in a thread of their own, while the demo's thread has other work. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../../../src/config.ts';
import { SILENT } from '../../../src/progress.ts';
import { fitDuplicates } from './demo-duplicates.ts';
import { job as indexObjects } from '../../../src/jobs/search/index-objects.ts';

interface Place {
  readonly config: Config;
  readonly dataFolder: string;
}

export type DemoTask =
  | (Place & { readonly kind: 'objects'; readonly options: Readonly<Record<string, unknown>> })
  /** Pin ids of each known group of near-duplicates. */
  | (Place & { readonly kind: 'duplicates'; readonly groups: readonly (readonly string[])[] });

const task = workerData as DemoTask;
const result =
  task.kind === 'duplicates'
    ? fitDuplicates(task, task.groups)
    : await indexObjects.run({ ...task, args: [], progress: SILENT, signal: new AbortController().signal });
parentPort?.postMessage(result);
