import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { job } from '../../lab/studies/demo/demo.ts';
import { job as judgeComposition } from '../../lab/studies/composition/judge-composition.ts';
import { VISITS } from '../../lab/studies/composition/tiring-visitors.ts';
import { TIRING } from '../../lab/world/tiring.ts';
import type { CategoryLift, Measurement } from '../../lab/studies/demo/demo-measure.ts';
import { type Check, checksOf, type ProvedWorld, simultaneousFactor } from '../../lab/studies/demo/demo-prove.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { SILENT } from '../../src/progress.ts';
import { CATEGORIES } from '../../lab/world/latents.ts';
import { visualWeights } from '../../lab/world/people.ts';
import { makeRecipe } from '../../lab/world/recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'demo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (options: Record<string, unknown>, signal = new AbortController().signal, dataFolder = folder) =>
  job.run({
    options: { world: 'planted', pins: 200, boards: 50, users: 80, lists: 400, seed: 1, seeds: 1, serve: false, ...options },
    args: [],
    config: readConfig({}, { data: dataFolder }),
    dataFolder,
    progress: SILENT,
    signal,
  });

describe('demo', () => {
  it('stops by hand, goes on, ends with figures, and is instant the second time', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(run({}, stop.signal)).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    const receipt = (await run({})) as unknown as Measurement & { pins: number; seconds: { total: number } };
    expect(receipt.pins).toBe(200);
    expect(Object.keys(receipt.ndcg10)).toEqual(['asServed', 'asRetrieved', 'shuffled', 'control', 'trained']);
    expect(receipt.ndcg10.shuffled).toBeLessThan(receipt.ndcg10.asRetrieved);
    expect(receipt.ndcg10.trained).toBeGreaterThan(receipt.ndcg10.control);
    expect(receipt.liftByCategory).toHaveLength(CATEGORIES.length);
    expect(await run({}), 'with the seconds of the first run').toEqual(receipt);
    const truth = JSON.parse(readFileSync(join(folder, 'world', 'truth.json'), 'utf8')) as { pins: unknown[]; people: object };
    expect(truth.pins).toHaveLength(200);
    expect(truth.people).toHaveProperty('thresholds');
  }, 240_000);

  it(
    'people who tire of sameness use its lists for two weeks of a moved clock, and the report counts them by age',
    { timeout: 240_000 },
    async () => {
      const options = { people: 60, light: 3, strong: 8, seed: 1 };
      const config = readConfig({}, { data: folder });
      const given = { args: [], config, dataFolder: folder, progress: SILENT, signal: new AbortController().signal };
      const { costs, experiments, lists, weariness, plot, truth } = await judgeComposition.run({ ...given, options });
      expect(truth).toMatchObject({ on: true, ...TIRING });
      expect(costs[0].loss.mean).toBe(0);
      const strong = costs.find(({ composition }) => composition.method === 'ssd' && composition.weight === 8);
      expect(strong?.loss.mean).toBeGreaterThan(0);
      expect(strong?.sameness).toBeLessThan(costs[0].sameness);
      expect(lists).toBe(60 * VISITS.reduce((sum, [, each]) => sum + each, 0));
      const days = VISITS.map(([day]) => day);
      for (const { byAge } of experiments) expect(byAge.map(({ daysSinceFirst }) => daysSinceFirst)).toEqual(days);
      expect(Object.keys(weariness ?? {})).toContain('strong-composition/by score');
      expect(readFileSync(plot ?? '', 'utf8')).toContain('days since the first list');
      expect(Math.abs(Date.now() - performance.timeOrigin - performance.now()), 'the clock is back').toBeLessThan(600_000);
    },
  );

  it('refuses another world in the same folder', async () => {
    await expect(run({ seed: 2 })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  });
});

describe('proof, reduced', () => {
  it('makes the three worlds of a seed from one set of pictures, gains more where looks are planted than where not, and is instant the second time', async () => {
    const data = join(folder, 'proof');
    const proof = { prove: true, pins: 140, boards: 40, users: 60, lists: 250 };
    const receipt = (await run(proof, undefined, data)) as { worlds: readonly ProvedWorld[]; checks: readonly Check[] };
    expect(receipt.worlds.map(({ world, seed }) => [world, seed])).toEqual([
      ['planted', 1],
      ['null', 1],
      ['reversed', 1],
    ]);
    // Two or three queries a category: too few for the checks, which are made at full size (`demo --prove`).
    expect(receipt.checks.map(({ name }) => name)).toEqual([
      'planted: the visual third of the categories leads',
      'null: simultaneous 95 % intervals cover zero',
      'reversed: the visual third of the categories leads',
    ]);
    for (const { ndcg10 } of receipt.worlds) expect(ndcg10.asRetrieved).toBeGreaterThan(ndcg10.shuffled);
    const [planted, none, reversed] = receipt.worlds.map(({ ndcg10 }) => ndcg10.trained / ndcg10.control);
    expect(planted).toBeGreaterThan(1.05);
    expect(none).toBeLessThan(1.03);
    expect(reversed).toBeGreaterThan(1.05);
    expect(looksOf(data, 'reversed')).toEqual(looksOf(data, 'planted'));
    const shown = makeRecipe({ kind: 'null', seed: 1, pins: 140, boards: 40, users: 60 }).pins.map(
      ({ picture }) => looksOf(data, 'planted')[picture],
    );
    expect(looksOf(data, 'null')).toEqual(shown);
    expect(await run(proof, undefined, data)).toEqual(receipt);
  }, 240_000);
});

/** Code and dominant object of every pin of a proved world. */
function looksOf(data: string, kind: string): unknown[] {
  const store = openFeatureStore(join(data, 'proof', `${kind}-1`), { readonly: true });
  const { netId } = store.nets()[0];
  const rows = [...store.rows(netId, 'image')].map(({ pinIndex, code, phash }) => [
    code,
    phash,
    store.get(netId, 'object', pinIndex)?.box ?? null,
  ]);
  store.close();
  return rows;
}

describe('proof', () => {
  const world = (kind: ProvedWorld['world'], liftOf: (weight: number) => number): ProvedWorld => ({
    world: kind,
    seed: 1,
    ndcg10: { asServed: 0, asRetrieved: 0, shuffled: 0, control: 0, trained: 0 },
    liftByCategory: CATEGORIES.map(({ name }, i) => {
      const lift = liftOf(visualWeights(kind)[i]);
      const row: CategoryLift = { category: name, lift, low: lift - 0.02, high: lift + 0.02, queries: 30 };
      return { ...row, simultaneous: { low: lift - 0.03, high: lift + 0.03 } };
    }),
  });

  it('holds when gains follow the planted weights and nothing gains in the null world', () => {
    const worlds = [world('planted', (w) => w / 10), world('null', () => 0.01), world('reversed', (w) => w / 10)];
    expect(checksOf(worlds).map(({ passed }) => passed)).toEqual([true, true, true]);
  });

  it('fails when the order is turned around or a null gain is clear', () => {
    const worlds = [world('planted', (w) => -w / 10), world('null', () => 0.05), world('reversed', (w) => -w / 10)];
    expect(checksOf(worlds).map(({ passed }) => passed)).toEqual([false, false, false]);
  });

  it('widens intervals so that many hold together: 36 of them by 1.63', () => {
    expect(simultaneousFactor(1)).toBe(1);
    expect(simultaneousFactor(36)).toBeCloseTo(1.631, 3);
  });
});
