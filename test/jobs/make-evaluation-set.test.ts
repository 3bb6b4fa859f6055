import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { job } from '../../src/jobs/nets/make-evaluation-set.ts';
import { SILENT } from '../../src/progress.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

it('takes as many images of each frequent annotation, and says when there are too few', async () => {
  const dataFolder = await worldFolder();
  const out = join(temporaryFolder(), 'set');
  const run = (perTerm: number) =>
    job.run({
      options: { out, terms: 20, perTerm, seed: 1 },
      args: [],
      config: testConfig(dataFolder),
      dataFolder,
      progress: SILENT,
      signal: new AbortController().signal,
    });
  expect(await run(5)).toMatchObject({ terms: ['plant', 'tattoo'], images: 10, refused: {} });
  for (const taste of ['plant', 'tattoo']) {
    const files = readdirSync(join(out, taste));
    expect(files.length).toBe(5);
    for (const file of files) expect(file).toMatch(new RegExp(`^${taste}-\\d\\.png$`));
  }
  await expect(run(7)).rejects.toThrow(/lower --per-term/);
});
