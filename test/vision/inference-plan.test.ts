import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chooseInferencePlan, type InferencePlan, type PlanMeasure } from '../../src/vision/inference-plan.ts';
import { temporaryFolder } from '../world.ts';

const NET = fileURLToPath(new URL('../../data/nets/visual', import.meta.url));

/** Rates by a rule instead of a clock, and what was asked. */
function measured(rateOf: (plan: InferencePlan) => number) {
  const asked: InferencePlan[] = [];
  const measure: PlanMeasure = async (_, plans) => {
    asked.push(...plans);
    return plans.map(rateOf);
  };
  return { asked, measure };
}

const request = (dataFolder: string, given: Partial<InferencePlan> = {}, images = 5000) =>
  ({ netFolder: NET, dataFolder, provider: 'cpu', images, given }) as const;

describe('the plan of inference', () => {
  it('is the fastest of what was measured, and is measured once', async () => {
    const folder = temporaryFolder();
    const { asked, measure } = measured(({ batch }) => (batch === 16 ? 200 : 100));
    const plan = await chooseInferencePlan(request(folder), measure);
    expect(plan).toEqual({ workers: availableParallelism(), threads: 1, batch: 16, imagesPerSecond: 200, source: 'measured' });
    const count = asked.length;
    expect(count).toBeGreaterThanOrEqual(5);
    expect(await chooseInferencePlan(request(folder), measure)).toEqual({ ...plan, source: 'kept' });
    expect(asked.length).toBe(count);
    expect(Object.keys(JSON.parse(readFileSync(join(folder, 'nets', 'inference-plans.json'), 'utf8')) as object)).toHaveLength(1);
  });

  it('keeps to the simpler plan where another is hardly faster', async () => {
    const { measure } = measured(({ batch }) => (batch === 8 ? 100 : 102));
    expect((await chooseInferencePlan(request(temporaryFolder()), measure)).batch).toBe(8);
  });

  it('does what people have decided, and measures the rest around it', async () => {
    const { asked, measure } = measured(({ workers, batch }) => workers + batch);
    const all = { workers: 3, threads: 2, batch: 5 };
    expect(await chooseInferencePlan(request(temporaryFolder(), all), measure)).toMatchObject({ ...all, source: 'given' });
    expect(asked).toEqual([]);
    const plan = await chooseInferencePlan(request(temporaryFolder(), { batch: 5 }), measure);
    expect(plan.batch).toBe(5);
    expect(new Set(asked.map(({ batch }) => batch))).toEqual(new Set([5]));
  });

  it('does not measure for a few images, and measures again when what it kept is no JSON', async () => {
    const folder = temporaryFolder();
    const { asked, measure } = measured(() => 1);
    expect((await chooseInferencePlan(request(folder, {}, 20), measure)).source).toBe('usual');
    expect(asked).toEqual([]);
    await chooseInferencePlan(request(folder), measure);
    writeFileSync(join(folder, 'nets', 'inference-plans.json'), '{');
    expect((await chooseInferencePlan(request(folder), measure)).source).toBe('measured');
  });
});
