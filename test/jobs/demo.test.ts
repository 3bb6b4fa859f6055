import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { job } from '../../src/jobs/demo.ts';
import type { CategoryLift, Measurement } from '../../src/jobs/demo-measure.ts';
import { checksOf, type ProvedWorld, simultaneousFactor } from '../../src/jobs/demo-prove.ts';
import { SILENT } from '../../src/progress.ts';
import { CATEGORIES } from '../../src/world/latents.ts';
import { visualWeights } from '../../src/world/people.ts';

const folder = mkdtempSync(join(tmpdir(), 'demo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (options: Record<string, unknown>, signal = new AbortController().signal) =>
  job.run({
    options: { world: 'planted', pins: 240, boards: 60, users: 100, lists: 500, seed: 1, seeds: 1, serve: false, ...options },
    args: [],
    config: readConfig({}, { data: folder }),
    dataFolder: folder,
    progress: SILENT,
    signal,
  });

describe('demo', () => {
  it('stops by hand, goes on, ends with figures, and is instant the second time', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(run({}, stop.signal)).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    const receipt = (await run({})) as unknown as Measurement & { pins: number; seconds: { total: number } };
    expect(receipt.pins).toBe(240);
    expect(Object.keys(receipt.ndcg10)).toEqual(['asServed', 'asRetrieved', 'shuffled', 'control', 'trained']);
    expect(receipt.ndcg10.shuffled).toBeLessThan(receipt.ndcg10.asRetrieved);
    expect(receipt.ndcg10.trained).toBeGreaterThan(receipt.ndcg10.control);
    expect(receipt.liftByCategory).toHaveLength(CATEGORIES.length);
    const startedAt = performance.now();
    expect(await run({})).toEqual(receipt);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    const truth = JSON.parse(readFileSync(join(folder, 'world', 'truth.json'), 'utf8')) as { pins: unknown[]; people: object };
    expect(truth.pins).toHaveLength(240);
    expect(truth.people).toHaveProperty('thresholds');
  }, 240_000);

  it('refuses another world in the same folder', async () => {
    await expect(run({ seed: 2 })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  });
});

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
    expect(simultaneousFactor(1)).toBeCloseTo(1, 2);
    expect(simultaneousFactor(36)).toBeCloseTo(1.63, 1);
  });
});
