import { beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import { job as refresh } from '../../src/jobs/catalog/refresh.ts';
import type { Job } from '../../src/jobs/job.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { job as switchNet } from '../../src/jobs/nets/switch-net.ts';
import { job as doctor } from '../../src/jobs/operation/doctor.ts';
import { SILENT } from '../../src/progress.ts';
import { openContext } from '../../src/service/context.ts';
import { type StalePart, staleParts } from '../../src/service/stale-parts.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let folder: string;
beforeAll(async () => {
  folder = await worldFolder();
});

const jobsOf = (parts: readonly StalePart[]): string[] => parts.map(({ job }) => job);
const runWith = (job: Job, ...args: string[]) =>
  job.run({
    args,
    options: { why: 'a try' },
    config: testConfig(folder),
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });

// A switch said nothing of crops, objects, lists and thresholds that still belonged to the net before.
test('a switch of nets tells what still is of the net before, everywhere, until refresh has made it', async () => {
  expect(staleParts(folder)).toEqual([]);
  await runJob(refresh, folder);
  expect(staleParts(folder)).toEqual([]);
  await runJob(extract, folder, { net: 'visual-1' });
  const receipt = await runWith(switchNet, 'visual-1');
  const made = ['index-objects', 'build-candidates', 'fit-search'];
  expect(jobsOf(receipt.stale as StalePart[])).toEqual(expect.arrayContaining(made));
  const looked = await runJob(doctor, folder);
  expect(JSON.stringify(looked)).toContain('Run index-objects, or refresh for all.');
  const context = await openContext(testConfig(folder), folder, { lock: true });
  const app = await buildApp(context);
  const ready = (await app.inject('/health/ready')).json<{ status: string; stale: StalePart[] }>();
  await app.close();
  await context.close();
  expect([ready.status, jobsOf(ready.stale)]).toEqual(['ready', jobsOf(receipt.stale as StalePart[])]);
  await runJob(refresh, folder);
  expect(jobsOf(staleParts(folder))).toEqual(['fit-search']);
}, 180_000);
