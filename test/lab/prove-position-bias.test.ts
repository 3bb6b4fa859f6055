import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { job as build } from '../../src/jobs/candidates/build-candidates.ts';
import { job as climb } from '../../lab/studies/climb-ladder.ts';
import { job as importCatalog } from '../../src/jobs/catalog/import-catalog.ts';
import { job as prove } from '../../lab/studies/prove-position-bias.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { makeRecipe } from '../../lab/world/recipe.ts';
import { picturesOf, writeTruth } from '../../lab/world/write-world.ts';
import { modelOf } from '../ranker/models.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder } from '../world.ts';

/** A small world without its pictures: boards and words alone say what people like. */
describe('position bias in the world', () => {
  const folder = temporaryFolder();

  beforeAll(async () => {
    const size = { kind: 'planted', seed: 1, pins: 300, boards: 60, users: 80 } as const;
    const recipe = makeRecipe(size);
    const world = join(folder, 'world');
    mkdirSync(world, { recursive: true });
    writeTruth(recipe, picturesOf(recipe), world);
    writeFileSync(join(world, 'steps.json'), JSON.stringify({ size, seconds: {}, results: {} }));
    const file = (name: string): string => join(world, `${name}.jsonl`);
    await runJob(importCatalog, folder, {
      pins: file('pins'),
      boards: file('boards'),
      saves: file('saves'),
      images: world,
    });
    await runJob(build, folder, {});
    const feature = (name: string, weight: number) => ({ name, weight, normalization: { kind: 'none' } as const });
    new ModelRegistry(join(folder, 'models')).add(modelOf('by-popularity', [feature('log-saves', 1), feature('freshness', 3)]));
  }, 60_000);

  // That the weighted model also orders closer to the truth shows where pictures count: on the whole demo world (the job
  // itself), and on made-up lists in test/ranker/log-training.test.ts.
  it(
    'is measured: both estimated curves cover the planted one, and every model is set beside the truth',
    {
      timeout: 120_000,
    },
    async () => {
      const receipt = await runJob(prove, folder, {
        lists: 1500,
        queries: 60,
        second: 'by-popularity',
        clip: 10,
        c: 0.01,
        seed: 1,
      });
      const { models, checks } = receipt as {
        models: Record<string, { ndcg10: { mean: number } }>;
        checks: { name: string; passed: boolean }[];
      };
      expect(checks.slice(0, 2).map(({ name, passed }) => [name, passed])).toEqual([
        ['the curve from shuffled lists covers the planted one', true],
        ['the curve from interventions covers the planted one', true],
      ]);
      expect(Object.keys(models)).toEqual(['naive', 'randomized', 'harvested', 'planted']);
      for (const { ndcg10 } of Object.values(models)) expect(ndcg10.mean).toBeGreaterThan(0.5);
    },
  );

  it('is told apart from a folder that holds no world', async () => {
    await expect(runJob(prove, temporaryFolder(), { lists: 10 })).rejects.toThrow('holds no demo world');
    await expect(runJob(climb, temporaryFolder(), {})).rejects.toMatchObject({ code: 'RANKER_NO_PAIRS' });
  });
});
