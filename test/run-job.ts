import type { Config } from '../src/config.ts';
import { flagDefaults, type Job } from '../src/jobs/job.ts';
import { SILENT } from '../src/progress.ts';
import { testConfig } from './world.ts';

/** A job as the command line would run it on a data folder, its defaults filled in; gives the receipt. */
export async function runJob(
  job: Job,
  folder: string,
  options: Record<string, unknown> = {},
  settings: Partial<Config> = {},
): Promise<Readonly<Record<string, unknown>>> {
  return job.run({
    args: [],
    options: { ...flagDefaults(job), ...options },
    config: testConfig(folder, settings),
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });
}
