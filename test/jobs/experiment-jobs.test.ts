import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { ServiceError } from '../../src/errors.ts';
import { job as defineExperiment } from '../../src/jobs/experiments/define-experiment.ts';
import type { Job } from '../../src/jobs/job.ts';
import { paperDefinitions } from '../../lab/studies/paper/paper-experiments.ts';
import { job as replayPaper } from '../../lab/studies/paper/replay-paper.ts';
import { job as reportExperiment } from '../../src/jobs/experiments/report-experiment.ts';
import { job as simulateExperiments } from '../../lab/studies/simulate-experiments.ts';
import { job as startExperiment } from '../../src/jobs/experiments/start-experiment.ts';
import { job as stopExperiment } from '../../src/jobs/experiments/stop-experiment.ts';
import { SILENT } from '../../src/progress.ts';

const folder = mkdtempSync(join(tmpdir(), 'experiment-jobs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = <Options, Receipt extends object>(job: Job<Options, Receipt>, options: Partial<Options> = {}, args: string[] = []) =>
  job.run({
    options: options as Options,
    args,
    dataFolder: folder,
    config: readConfig({}, { data: folder }),
    progress: SILENT,
    signal: new AbortController().signal,
  });

function file(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

const DEFINITION = {
  key: 'c',
  unit: 'user',
  arms: [
    { key: 'control', weight: 0.5, treatment: {} },
    { key: 'C', weight: 0.5, treatment: 'variant C' },
  ],
  metrics: ['engagement-rate', 'save-propensity'],
};

async function refusal(work: Promise<unknown>): Promise<{ code: string; field: unknown }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, field: error.fields.field };
    throw error;
  }
  throw new Error('nothing was refused');
}

test('define, start, report, stop', async () => {
  expect(await run(defineExperiment, { file: file('c.json', DEFINITION), by: 'dana' })).toMatchObject({
    key: 'c',
    state: 'draft',
    version: 1,
  });
  expect(await refusal(run(stopExperiment, {}, ['c']))).toMatchObject({ code: 'EXPERIMENT_STATE' });
  expect(await run(startExperiment, {}, ['c'])).toMatchObject({ state: 'running' });
  const report = await run(reportExperiment, { rebuild: true }, ['c']);
  expect(report).toMatchObject({
    key: 'c',
    state: 'running',
    verdict: 'keep running',
    sampleRatio: { p: 1 },
    rebuildAgrees: true,
  });
  expect((report.rows as object[])[0]).toMatchObject({
    metric: 'engagement-rate',
    arm: 'C',
    segment: 'all',
    users: 0,
    lift: null,
  });
  expect(reportExperiment.describe!(report)[0]).toBe('c (running): KEEP RUNNING. engagement-rate has not been shown to move');
  expect(await run(stopExperiment, {}, ['c'])).toMatchObject({ state: 'stopped' });
});

test('an unknown model, unknown source, wrong weights: refused with the field named', async () => {
  const withTreatment = (treatment: unknown) => ({
    ...DEFINITION,
    key: 'd',
    arms: [DEFINITION.arms[0], { key: 'b', weight: 0.5, treatment }],
  });
  expect(await refusal(run(defineExperiment, { file: file('d.json', withTreatment({ model: 'gone' })) }))).toEqual({
    code: 'EXPERIMENT_INVALID',
    field: 'arms[1].treatment.model',
  });
  expect(await refusal(run(defineExperiment, { file: file('d.json', withTreatment({ sources: ['moon'] })) }))).toEqual({
    code: 'EXPERIMENT_INVALID',
    field: 'arms[1].treatment.sources',
  });
  const uneven = { ...DEFINITION, arms: [DEFINITION.arms[0], { ...DEFINITION.arms[1], weight: 0.6 }] };
  expect(await refusal(run(defineExperiment, { file: file('d.json', uneven) }))).toEqual({
    code: 'EXPERIMENT_INVALID',
    field: 'arms',
  });
  writeFileSync(join(folder, 'broken.json'), '{');
  expect((await refusal(run(defineExperiment, { file: join(folder, 'broken.json') }))).code).toBe('CATALOG_FILE_UNREADABLE');
});

test('simulate-experiments answers in the fixed shape', async () => {
  const receipt = await run(simulateExperiments, { suite: 'srm', runs: 5, seed: 1 });
  for (const check of receipt.checks)
    expect(check).toMatchObject({
      name: expect.any(String),
      count: expect.any(Number),
      trials: 5,
      nominal: expect.any(Number),
      p: expect.any(Number),
      passed: true,
    });
  expect(simulateExperiments.describe!(receipt).at(-1)).toMatch(/^srm: all promises kept/);
});

test("the paper's experiments share one layer without overlap and control by what came before", () => {
  const [visual, crosses, objects] = paperDefinitions(50_000, 300);
  expect([visual, crosses, objects].map((each) => each.layer.slots)).toEqual([
    [0, 0.2],
    [0.2, 0.4],
    [0.4, 1],
  ]);
  expect(crosses.arms[0].treatment).toEqual(visual.arms[1].treatment);
  expect(objects.arms[0].treatment).toEqual(crosses.arms[1].treatment);
  expect(objects.arms.map((arm) => arm.treatment.whenDominantObject?.visualWeightFactor)).toEqual([undefined, undefined, 5, 5]);
  expect(objects.eligibility).toMatchObject({ dominantObject: true });
  expect(replayPaper.examples.length).toBeGreaterThan(0);
});
