import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diffModels } from '../../src/ranker/measures/model-difference.ts';
import { promoteModel, rollBackModel, setCanary, setDark } from '../../src/ranker/registry/model-promotion.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { ServingModels } from '../../src/ranker/registry/serving-models.ts';
import { modelOf } from './models.ts';

const decision = { who: 'ada', why: 'better on the holdout' };
let folder: string;
let registry: ModelRegistry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'models-'));
  registry = new ModelRegistry(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('model registry', () => {
  it('never overwrites', () => {
    registry.add(modelOf('m-1'));
    expect(() => registry.add(modelOf('m-1'))).toThrow('A model named m-1 exists');
    expect(registry.names()).toEqual(['m-1']);
  });

  it('says which models there are when one is unknown, and takes no path for a name', () => {
    registry.add(modelOf('m-1'));
    expect(() => registry.read('m-2')).toThrow('There is no model m-2; there are: as-retrieved, starter, m-1.');
    expect(() => registry.read('../m-1')).toThrow('There is no model');
    expect(() => registry.add(modelOf('../x'))).toThrow('refused');
  });

  it('serves the starter until a promotion, takes promotions back one by one, and remembers who and why', () => {
    registry.add(modelOf('m-1'));
    registry.add(modelOf('m-2'));
    expect(registry.roles().serving).toBe('starter');
    promoteModel(registry, 'm-1', decision);
    promoteModel(registry, null, decision);
    expect(registry.roles().serving).toBe('m-2');
    expect(rollBackModel(registry, decision).model).toBe('m-1');
    expect(rollBackModel(registry, decision).model).toBe('starter');
    expect(() => rollBackModel(registry, decision)).toThrow('no promotion to take back');
    promoteModel(registry, 'm-2', decision);
    expect(rollBackModel(registry, decision).model).toBe('starter');
    expect(registry.history().map(({ action, model }) => `${action} ${model}`)).toEqual([
      'promote m-1',
      'promote m-2',
      'roll-back m-1',
      'roll-back starter',
      'promote m-2',
      'roll-back starter',
    ]);
    expect(registry.history()[0]).toMatchObject({
      who: 'ada',
      why: 'better on the holdout',
      previous: 'starter',
      forced: false,
    });
  });

  it('shows what changed between two models', () => {
    const before = modelOf('a', [
      { name: 'log-saves', weight: 1, normalization: { kind: 'none' } },
      { name: 'freshness', weight: 2, normalization: { kind: 'none' } },
    ]);
    const after = modelOf('b', [
      { name: 'log-saves', weight: 1, normalization: { kind: 'none' } },
      { name: 'fc6-similarity', weight: 3, normalization: { kind: 'none' } },
    ]);
    expect(diffModels(before, after)).toEqual([
      { feature: 'fc6-similarity', before: null, after: 3, change: 3, normalizationChanged: true },
      { feature: 'freshness', before: 2, after: null, change: -2, normalizationChanged: true },
    ]);
  });
});

describe('serving models', () => {
  it('takes a promotion up, keeps the old model when the new file is bad, and goes on when it is mended', async () => {
    registry.add(modelOf('m-1'));
    registry.add(modelOf('m-2'));
    const models = new ServingModels(registry);
    expect(await models.refresh()).toEqual({ changed: false, serving: 'starter', problem: null });
    promoteModel(registry, 'm-1', decision);
    expect(await models.refresh()).toEqual({ changed: true, serving: 'm-1', problem: null });
    promoteModel(registry, 'm-2', decision);
    const good = readFileSync(registry.pathOf('m-2'));
    writeFileSync(registry.pathOf('m-2'), good.subarray(0, 100));
    const bad = await models.refresh();
    expect(bad.serving).toBe('m-1');
    expect(bad.problem).toMatch(/The model m-2 is refused/);
    expect(models.current().name).toBe('m-1');
    writeFileSync(registry.pathOf('m-2'), good);
    promoteModel(registry, 'm-2', decision);
    expect((await models.refresh()).serving).toBe('m-2');
  });

  it('refuses a model trained on the features of another net, and unknown features', async () => {
    const lineage = { ...modelOf('x').lineage, netDigest: 'old' };
    registry.add({ ...modelOf('other-net'), lineage });
    registry.add(modelOf('odd', [{ name: 'moon phase', weight: 1, normalization: { kind: 'none' } }]));
    const models = new ServingModels(registry, () => 'new');
    await expect(models.byName('other-net')).rejects.toThrow('features of the net old');
    await expect(models.byName('odd')).rejects.toThrow('unknown ranking feature "moon phase"');
  });

  it('orders the lists of a surface by a model that was made for it, else by the starter', async () => {
    registry.add({ ...modelOf('near'), surface: 'closeup' });
    registry.add({ ...modelOf('feed'), surface: 'home-feed' });
    registry.add(modelOf('all'));
    const models = new ServingModels(registry);
    const serving = async (): Promise<string[]> => {
      await models.refresh();
      return (['closeup', 'home-feed', 'rank'] as const).map((surface) => models.currentFor(null, surface).name);
    };
    promoteModel(registry, 'near', decision);
    expect(await serving()).toEqual(['near', 'starter', 'starter']);
    expect(registry.servingOn('home-feed')).toBe('starter');
    promoteModel(registry, 'feed', decision);
    expect(await serving()).toEqual(['near', 'feed', 'starter']);
    expect((await models.named('feed', null, 'closeup')).name).toBe('near');
    expect(rollBackModel(registry, decision)).toMatchObject({ model: 'starter', surface: 'home-feed' });
    expect(await serving()).toEqual(['near', 'starter', 'starter']);
    promoteModel(registry, 'all', decision);
    expect(await serving()).toEqual(['all', 'starter', 'all']);
  });

  it('gives the canary its share of units, always the same ones', async () => {
    registry.add(modelOf('m-1'));
    setCanary(registry, { model: 'm-1', share: 0.2 }, decision);
    setDark(registry, { model: 'm-1', share: 0.5 }, decision);
    const models = new ServingModels(registry);
    await models.refresh();
    const of = (user: number): string => models.currentFor(`user-${user}`).name;
    const chosen = Array.from({ length: 5000 }, (_, user) => of(user));
    const share = chosen.filter((name) => name === 'm-1').length / chosen.length;
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.22);
    expect(chosen).toEqual(Array.from({ length: 5000 }, (_, user) => of(user)));
    expect(models.dark()).toMatchObject({ ranker: { name: 'm-1' }, share: 0.5 });
    setCanary(registry, null, decision);
    await models.refresh();
    expect(models.currentFor('user-1').name).toBe('starter');
  });
});
