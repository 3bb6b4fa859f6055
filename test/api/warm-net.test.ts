import { afterAll, expect, it } from 'vitest';
import { warmNet } from '../../src/api/shell/warm-up.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { SILENT } from '../../src/progress.ts';
import { testConfig, worldFolder } from '../world.ts';

const opened: Context[] = [];
afterAll(async () => {
  for (const context of opened) await context.close();
});

it('loads the net before the first request where there are features, and says where it runs', { timeout: 120_000 }, async () => {
  const folder = await worldFolder();
  const config = testConfig(folder, { executionProvider: 'cpu' });
  const before = await openContext(config, folder);
  opened.push(before);
  expect(await warmNet(before)).toEqual({ provider: null, netProblem: null });
  const run = {
    options: { workers: 1, threads: 1, batch: 4 },
    args: [],
    config,
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  };
  await extractFeatures.run(run);
  await before.refresh();
  expect(await warmNet(before)).toEqual({ provider: 'cpu', netProblem: null });
});
