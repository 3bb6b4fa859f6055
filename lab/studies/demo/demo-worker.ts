/** Parts of the demo in a thread of their own, while the demo's thread has other work. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '../../../src/config.ts';
import { SILENT } from '../../../src/progress.ts';
import { fitDuplicates } from './demo-duplicates.ts';
import { callJob } from '../../../src/jobs/job.ts';
import { JOBS } from '../../../src/jobs/table.ts';

interface Place {
  readonly config: Config;
  readonly dataFolder: string;
}

export type DemoTask =
  | (Place & { readonly kind: 'job'; readonly name: string; readonly options: Readonly<Record<string, unknown>> })
  /** Pin ids of each known group of near-duplicates. */
  | (Place & { readonly kind: 'duplicates'; readonly groups: readonly (readonly string[])[] });

const task = workerData as DemoTask;
const result = task.kind === 'duplicates' ? fitDuplicates(task, task.groups) : await runJob(task.name, task.options);
parentPort?.postMessage(result);

async function runJob(name: string, options: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const row = JOBS.find(([each]) => each === name);
  if (!row) throw new Error(`there is no job ${name}`);
  const { job } = await row[2]();
  const { config, dataFolder } = task;
  const { signal } = new AbortController();
  return callJob(job, { config, dataFolder, signal, progress: SILENT }, options);
}
