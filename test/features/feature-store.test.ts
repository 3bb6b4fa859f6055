import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FeatureNet } from '../../src/features/convnet.ts';
import { featureArtifacts, packFeatures } from '../../src/features/feature-artifact.ts';
import { type FeatureRow, openFeatureStore } from '../../src/features/feature-store.ts';
import { openFeatures } from '../../src/features/resident-features.ts';
import { cosine } from '../../src/math/vector.ts';
import { COLOUR_BYTES } from '../../src/vision/fingerprint.ts';

const folder = mkdtempSync(join(tmpdir(), 'features-'));
afterAll(() => rmSync(folder, { recursive: true }));

const net: FeatureNet = {
  digest: 'a'.repeat(64),
  name: 'one',
  preprocessing: '1-x',
  rule: 'activation > 0',
  fc6Length: 40,
  fc8Length: 3,
};
const other: FeatureNet = { ...net, digest: 'b'.repeat(64), name: 'two' };
const row = (pinIndex: number, seed = pinIndex): FeatureRow => ({
  pinIndex,
  imageVersion: 1,
  code: Uint32Array.from([seed * 7, seed]),
  scores: Float32Array.from([seed, 1, -1]),
  signature: `s${seed}`,
  phash: '00',
  colours: new Uint8Array(COLOUR_BYTES),
});
const failed = (pinIndex: number): FeatureRow => ({
  pinIndex,
  imageVersion: 1,
  code: null,
  scores: null,
  failure: 'IMAGE_REFUSED',
  reason: 'the file is empty',
});

describe('feature rows', () => {
  it('keep codes, scores, provenance and the reason of a failure', () => {
    const store = openFeatureStore(':memory:');
    const id = store.netIdOf(net);
    store.put(id, 'image', [row(3), failed(4)]);
    store.put(id, 'object', [{ ...row(3, 9), label: 'chair', box: '[1,2,3,4]' }]);
    expect(store.get(id, 'image', 3)).toMatchObject(row(3));
    expect(store.get(id, 'image', 4)).toMatchObject({
      code: null,
      failure: 'IMAGE_REFUSED',
      reason: 'the file is empty',
    });
    expect(store.get(id, 'object', 3)).toMatchObject({ label: 'chair', code: Uint32Array.from([63, 9]) });
    expect([...store.imageVersions(id, 'image')]).toEqual([
      [3, 1],
      [4, 1],
    ]);
    expect(store.failures(id)).toEqual({ IMAGE_REFUSED: 1 });
    expect(store.fingerprints(id).map(({ pinIndex }) => pinIndex)).toEqual([3]);
  });

  it('of two nets live side by side, and one can go', () => {
    const store = openFeatureStore(':memory:');
    const [one, two] = [store.netIdOf(net), store.netIdOf(other)];
    store.put(one, 'image', [row(0)]);
    store.put(two, 'image', [row(0, 5), row(1, 6)]);
    expect(store.netIdOf({ ...net, preprocessing: '1-y' })).not.toBe(one);
    expect(store.netIdOf({ ...net, rule: 'activation > median' })).not.toBe(one);
    expect(
      store
        .nets()
        .map(({ name, rows }) => [name, rows])
        .slice(0, 2),
    ).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
    expect(store.dropRows(two, 10).rows).toBe(2);
    expect(store.get(one, 'image', 0)?.code).toEqual(row(0).code);
  });
});

describe('features for serving', () => {
  it('are loaded once for all threads: another one takes the tables, and both see what either takes in', () => {
    const store = openFeatureStore(folder);
    const id = store.netIdOf(net);
    store.put(id, 'image', [row(0), row(1)]);
    packFeatures(folder, store, net, 40);
    const first = openFeatures(folder, store, net, 1e6);
    const tables = [first.shared()].filter((shared) => shared !== null);
    const second = openFeatures(folder, store, net, 1e6, structuredClone(tables));
    store.put(id, 'image', [row(1, 11), row(9)]);
    second.refresh(store, id);
    expect([...first.image.codes.subarray(2, 4)]).toEqual([77, 11]);
    expect([first.image.has[9], first.imageScores.scoresOf(1)]).toEqual([1, second.imageScores.scoresOf(1)]);
    // One that needs more room goes on by itself.
    store.put(id, 'image', [row(3000)]);
    second.refresh(store, id);
    expect([second.image.has[3000], first.image.has[3000]]).toEqual([1, undefined]);
    first.refresh(store, id);
    expect([...first.image.codes]).toEqual([...second.image.codes]);
    // What was read from another artifact is not taken.
    packFeatures(folder, store, net, 40);
    expect(openFeatures(folder, store, net, 1e6, tables).image).not.toBe(tables[0].image);
    store.close();
  });

  it('come from the packed file, fresh rows laid over, resident or read on demand', () => {
    const store = openFeatureStore(folder);
    const id = store.netIdOf(net);
    store.put(id, 'image', [row(0), row(1), failed(2), row(5)]);
    store.put(id, 'object', [{ ...row(5, 8), label: 'lamp' }]);
    packFeatures(folder, store, net, 40);
    store.put(id, 'image', [row(1, 11), row(3000), failed(5)]);
    store.put(id, 'object', [{ ...failed(5) }]);
    for (const limit of [1e6, 0]) {
      const features = openFeatures(folder, store, net, limit);
      expect(features.imageScores.isResident).toBe(limit > 0);
      const code = (pin: number): number[] => [...features.image.codes.subarray(2 * pin, 2 * pin + 2)];
      expect([0, 1, 2, 5, 3000, 40].map((pin) => features.image.has[pin] ?? 0)).toEqual([1, 1, 0, 0, 1, 0]);
      expect([code(0), code(1), code(3000)]).toEqual([
        [0, 0],
        [77, 11],
        [21000, 3000],
      ]);
      expect(features.objectOf(5)).toBeNull();
      const query = Float32Array.from([1, 2, 3]);
      const out = new Float32Array(5);
      features.imageScores.cosines(query, Int32Array.from([0, 1, 2, 3000, 99999]), 5, out);
      // Rounded by hand, the largest of each row to 127.
      expect(out[0]).toBeCloseTo(cosine([42, 85, 127], [0, 127, -127]), 6);
      expect(out[1]).toBeCloseTo(cosine([42, 85, 127], [127, 12, -12]), 6);
      expect([out[2], out[4]]).toEqual([Number.NaN, Number.NaN]);
      expect([...(features.imageScores.scoresOf(0) ?? [])]).toEqual([0, 127, -127]);
      expect([features.imageScores.scoresOf(2), features.imageScores.scoresOf(5), features.imageScores.scoresOf(-1)]).toEqual([
        null,
        null,
        null,
      ]);
      features.close();
    }
    packFeatures(folder, store, net, 40);
    const features = openFeatures(folder, store, net, 0);
    expect([...(features.imageScores.scoresOf(3000) ?? [])]).toEqual([127, 0, 0]);
    store.put(id, 'object', [{ ...row(0, 2), label: 'vase' }]);
    features.refresh(store, id);
    expect(features.objectOf(0)).toMatchObject({ label: 'vase', code: Uint32Array.from([14, 2]) });
    store.put(id, 'image', [row(7)]);
    expect(features.image.has[7]).toBe(0);
    features.refresh(store, id);
    expect([features.image.has[7], features.sequence]).toEqual([1, store.sequence(id)]);
    features.close();
    store.close();
  });

  it('are refused when the file is damaged, by name', () => {
    const store = openFeatureStore(folder);
    const files = readdirSync(featureArtifacts(folder, net).folder).filter((name) => name.endsWith('.bin'));
    const path = join(featureArtifacts(folder, net).folder, files[files.length - 1]);
    const bytes = readFileSync(path);
    bytes[100] ^= 1;
    writeFileSync(path, bytes);
    expect(() => openFeatures(folder, store, net, 0)).toThrow(/digest/);
    store.close();
  });
});
