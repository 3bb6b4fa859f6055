import type { Job } from '../src/jobs/job.ts';
import { SILENT } from '../src/progress.ts';
import { testConfig } from './world.ts';

/** A job as the command line would run it on a data folder, its defaults filled in; gives the receipt. */
export async function runJob(job: Job, folder: string, options: Record<string, unknown> = {}): Promise<Readonly<Record<string, unknown>>> {
  const defaults = job.options.filter((option) => option.default !== undefined).map((option) => [nameOf(option.flag), option.default]);
  const given = { ...Object.fromEntries(defaults), ...options };
  return job.run({
    args: [],
    options: given,
    config: testConfig(folder),
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });
}

function nameOf(flag: string): string {
  return flag
    .split(' ')[0]
    .slice(2)
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
