import type { Config } from '../src/config.ts';
import { callJob, type Job } from '../src/jobs/job.ts';
import { SILENT } from '../src/progress.ts';
import { testConfig } from './world.ts';

/** A job as the command line would run it on a data folder, its defaults filled in; gives the receipt. */
export function runJob<Options, Receipt extends object>(
  job: Job<Options, Receipt>,
  folder: string,
  options: Partial<Options> = {},
  settings: Partial<Config> = {},
): Promise<Receipt> {
  const { signal } = new AbortController();
  return callJob(job, { config: testConfig(folder, settings), dataFolder: folder, progress: SILENT, signal }, options);
}
