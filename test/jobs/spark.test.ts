import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
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

it('flags that say how Spark works are refused without it, and a folder that nobody can write to is named', async () => {
  const folder = topicFolder();
  for (const given of [{ master: 'local[2]' }, { shared: folder }, { parts: 3 }] as const)
    await expect(runJob(buildCandidates, folder, given)).rejects.toMatchObject({ code: 'JOB_USAGE' });
  const running = runJob(buildCandidates, folder, { on: 'spark', shared: join(folder, 'catalog.sqlite') });
  await expect(running).rejects.toMatchObject({ code: 'JOB_USAGE', message: expect.stringContaining('--shared names a folder') });
});

/** A program that stands in for what is missing on a machine: it says its words and ends. */
function program(folder: string, name: string, lines: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

it('a job names the last words of a spark-submit that cannot start or ends early', async () => {
  const folder = topicFolder();
  const running = (sparkSubmit: string) => runJob(buildCandidates, folder, { on: 'spark' }, { sparkSubmit });
  const noJava = program(folder, 'no-java', 'echo "26/11/29 12:00:00 INFO starting" >&2\necho "JAVA_HOME is not set" >&2\nexit 1');
  await expect(running(noJava)).rejects.toMatchObject({
    code: 'SPARK_FAILED',
    message: expect.stringContaining('spark-submit ended with 1 and said: JAVA_HOME is not set. Look at'),
  });
  await expect(running(folder)).rejects.toMatchObject({ code: 'SPARK_UNAVAILABLE', message: expect.stringContaining('Permission denied') });
});

it('a job that is stopped while it waits for Spark says so and ends', { timeout: 60_000 }, async () => {
  const folder = topicFolder();
  // It connects as the driver does, and never answers.
  const silent = program(folder, 'silent', 'for about; do :; done\nexec python3 -c "$CODE" "$about"');
  const code =
    'import json, socket, sys, time; s = socket.socket(socket.AF_UNIX); s.connect(json.loads(sys.argv[1])["address"]); time.sleep(60)';
  const env = { ...process.env, RELATED_PINS_SPARK_SUBMIT: silent, CODE: code };
  const args = ['build-candidates', '--only', 'cooccurrence', '--on', 'spark', '--data', folder, '--json'];
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
  await expect.poll(() => said, { timeout: 30_000 }).toContain('its log');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  child.kill('SIGTERM');
  const [exit] = await once(child, 'exit');
  expect(exit).toBe(130);
  expect(said).toContain('"code":"JOB_STOPPED"');
});

it('a piece on a machine that lacks the folder says what to do', () => {
  const missing = spawnSync(process.execPath, [CLI, 'shard', 'count', '--folder', '/nowhere/counting', '--part', '0', '--json'], {
    encoding: 'utf8',
  });
  expect(missing.status).toBe(2);
  expect(missing.stdout).toContain('there is no /nowhere/counting on ');
});

it.skipIf(!HAS_SPARK)(
  `Spark counts the lists of one machine, and a piece that fails is told in its own words${HAS_SPARK ? '' : ' (skipped: no spark-submit here)'}`,
  { timeout: 400_000 },
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

it.skipIf(!HAS_SPARK)(
  `a master and a program that are not there are named${HAS_SPARK ? '' : ' (skipped: no spark-submit here)'}`,
  { timeout: 400_000 },
  async () => {
    const folder = topicFolder();
    const running = (master: string, sparkProgram: string[]) =>
      runJob(buildCandidates, folder, { on: 'spark', only: 'cooccurrence', master, parts: 1 }, { sparkSubmit: SUBMIT, sparkProgram });
    await expect(running('sparkk://head:7077', [])).rejects.toMatchObject({
      message: expect.stringMatching(/Spark at sparkk:\/\/head:7077 does not run.*Master URL/),
    });
    await expect(running('local[2]', ['/nowhere/related-pins'])).rejects.toMatchObject({
      message: expect.stringMatching(/nowhere.related-pins cannot be started on .*SPARK_PROGRAM/),
    });
  },
);
