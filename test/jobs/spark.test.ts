import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NeighborListFile, neighborListFolder } from '../../src/candidates/neighbor-list-file.ts';
import { boardPinsOfCatalog } from '../../src/candidates/list-builds.ts';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { writeCountingPlan } from '../../src/candidates/cooccurrence/counting-plan.ts';
import { countedLists } from '../../src/candidates/cooccurrence/counting-shards.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { job as buildCandidates } from '../../src/jobs/candidates/build-candidates.ts';
import { runJob } from '../run-job.ts';
import { HAS_SPARK, SUBMIT } from './spark-here.ts';
import { topicFolder } from './topic-folder.ts';

const CLI = join(import.meta.dirname, '../../dist/src/cli.js');

/** Every list of the current build of a data folder, and what it says of itself but for the time. */
function builtIn(folder: string) {
  const file = NeighborListFile.open(neighborListFolder(join(folder, 'artifacts'), 'cooccurrence'));
  if (!file) throw new Error('there are no lists');
  const { builtAt, ...about } = file.about<Record<string, unknown>>();
  const lists = Array.from({ length: file.rows }, (_, row) => file.read(row, 1000));
  const norms = file.besides('norms');
  file.close();
  return { about, norms, lists };
}

/** One piece, by a process of its own. */
const shard = (folder: string, step: string, part: number) =>
  JSON.parse(
    execFileSync(process.execPath, [CLI, 'shard', step, '--folder', folder, '--part', String(part), '--json'], { encoding: 'utf8' }),
  );

/** All pieces by one process: its answers, then its receipt. */
const each = (folder: string, pieces: readonly string[]): Record<string, unknown>[] =>
  execFileSync(process.execPath, [CLI, 'shard', 'each', '--folder', folder, '--json'], {
    input: `${pieces.join('\n')}\n`,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

it('a plain loop over the shard command gives the lists of one machine', async () => {
  const folder = topicFolder();
  await runJob(buildCandidates, folder);
  const { lists, norms } = builtIn(folder);
  const catalog = openCatalog(folder);
  const { pins, boards } = boardPinsOfCatalog(catalog);
  const shared = join(folder, 'by-hand');
  const plan = writeCountingPlan(shared, catalog.saves.memberships(), { pins, boards }, DEFAULT_COOCCURRENCE, 2);
  catalog.close();
  expect(shard(shared, 'split', 0)).toMatchObject({ step: 'split', part: 0, written: true });
  expect(shard(shared, 'count', 1)).toMatchObject({ written: true });
  // Another process does the rest, and what is refused there is answered.
  expect(each(shared, ['count 0', 'count 2', 'count 1', 'moon 0'])).toMatchObject([
    { step: 'count', part: 0, written: true },
    { step: 'count', part: 2, error: { code: 'JOB_USAGE', message: 'There are 2 parts; --part 2 is none of them.' } },
    { step: 'count', part: 1, written: false },
    { step: 'moon', part: 0, error: { code: 'JOB_USAGE' } },
    { step: 'each', pieces: 4 },
  ]);
  expect(plan.norms).toEqual(norms);
  const counted = [];
  for await (const { rows, start, pinIndexes, scores } of countedLists(shared, plan))
    for (let r = 0; r < rows; r++)
      counted.push({ pinIndexes: pinIndexes.slice(start[r], start[r + 1]), scores: scores.slice(start[r], start[r + 1]) });
  expect(counted).toEqual(lists);
  const refused = spawnSync(process.execPath, [CLI, 'shard', 'count', '--folder', shared, '--part', '2', '--json'], { encoding: 'utf8' });
  expect(refused.status).toBe(2);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { code: 'JOB_USAGE', message: 'There are 2 parts; --part 2 is none of them.' },
  });
});

it('a spark-submit that is not there is named, and nothing else happens', async () => {
  const folder = topicFolder();
  const running = runJob(buildCandidates, folder, { on: 'spark' }, { sparkSubmit: '/nowhere/spark-submit' });
  await expect(running).rejects.toMatchObject({ code: 'SPARK_UNAVAILABLE' });
});

it.skipIf(!HAS_SPARK)(
  `Spark counts the lists of one machine, and a piece that fails is told in its own words${HAS_SPARK ? '' : ' (skipped: no spark-submit here)'}`,
  { timeout: 240_000 },
  async () => {
    const folder = topicFolder();
    await runJob(buildCandidates, folder, { method: 'cosine', weighting: 'tfidf' });
    const local = builtIn(folder);
    const settings = { sparkSubmit: SUBMIT };
    const options = { method: 'cosine', weighting: 'tfidf', on: 'spark', master: 'local[2]', only: 'cooccurrence' } as const;
    const failing = runJob(buildCandidates, folder, { ...options, parts: 3 }, { ...settings, sparkProgram: ['false'] });
    await expect(failing).rejects.toMatchObject({
      code: 'SPARK_FAILED',
      message: expect.stringContaining('shard split --part 0 ended with 1'),
    });
    expect(existsSync(join(folder, 'spark', 'counting', 'spark.log'))).toBe(true);
    const receipt = await runJob(buildCandidates, folder, { ...options, parts: 3 }, settings);
    expect(receipt).toMatchObject({ cooccurrence: { version: '000002' } });
    expect(builtIn(folder)).toEqual(local);
    expect(existsSync(join(folder, 'spark', 'counting'))).toBe(false);
  },
);
