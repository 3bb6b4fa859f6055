import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ClassScores } from '../../src/features/class-scores.ts';
import { ClassSigns } from '../../src/features/class-signs.ts';
import type { FeatureNet } from '../../src/features/convnet.ts';
import { featureArtifacts, type FeatureArtifactMetadata, packFeatures } from '../../src/features/feature-artifact.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { openFeatures } from '../../src/features/resident-features.ts';
import { seededRandom } from '../../src/math/random.ts';
import { norm } from '../../src/math/vector.ts';

const folder = mkdtempSync(join(tmpdir(), 'class-signs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = seededRandom(3);
const signs = (length: number): Float32Array<ArrayBuffer> => Float32Array.from({ length }, () => (random.next() < 0.5 ? -1 : 1));
const ALL = Int32Array.from({ length: 60 }, (_, pin) => pin);

function cosinesOf(table: ClassScores | ClassSigns, query: Float32Array, pins = ALL): Float32Array {
  const out = new Float32Array(pins.length);
  table.cosines(query, pins, pins.length, out);
  return out;
}

describe('class scores of a short code, kept as bits', () => {
  it.each([4, 31, 64, 256])('of length %i have the cosines of the same rows kept as numbers, to the bit', (length) => {
    const [asSigns, asScores] = [new ClassSigns(length, null, 0), new ClassScores(length, null, 0)];
    const rows = Array.from({ length: 50 }, () => signs(length));
    rows.forEach((row, pin) => [asSigns, asScores].forEach((table) => table.put(pin, pin % 7 === 3 ? null : row)));
    expect(cosinesOf(asSigns, rows[0])).toEqual(cosinesOf(asScores, rows[0]));
    expect(cosinesOf(asSigns, rows[0])[0]).toBe(1);
    expect(asSigns.scoresOf(1)).toEqual(rows[1]);
    expect([asSigns.scoresOf(3), asSigns.scoresOf(-1), asSigns.scoresOf(100_000)]).toEqual([null, null, null]);
    // Further than there was room for.
    asSigns.put(5000, rows[2]);
    expect(cosinesOf(asSigns, rows[2], Int32Array.of(2, 5000, 4999, 90_000))).toEqual(Float32Array.of(1, 1, Number.NaN, Number.NaN));
  });

  it('are an eighth of the artifact that held them as bytes would be, and one that holds them as numbers is read as well', () => {
    const net: FeatureNet = {
      digest: 'a'.repeat(64),
      name: 'short',
      preprocessing: '1-x',
      rule: 'activation > 0',
      fc6Length: 64,
      fc8Length: 256,
      shortCode: true,
    };
    const store = openFeatureStore(folder);
    const id = store.netIdOf(net);
    const row = (pinIndex: number) => ({
      pinIndex,
      imageVersion: 1,
      code: Uint32Array.of(pinIndex, 1),
      scores: signs(256),
      signature: 's',
      phash: '00',
      colours: new Uint8Array(8),
    });
    const rows = Array.from({ length: 40 }, (_, pin) => row(pin));
    store.put(id, 'image', rows);
    store.put(id, 'object', [{ ...row(5), label: 'lamp' }]);
    packFeatures(folder, store, net, 64);
    const artifacts = featureArtifacts(folder, net);
    const now = openFeatures(folder, store, net, 0);
    expect(now.imageScores).toBeInstanceOf(ClassSigns);
    const shared = now.shared();
    const other = openFeatures(folder, store, net, 0, shared ? structuredClone([shared]) : []);
    store.put(id, 'image', [row(3)]);
    other.refresh(store, id);
    expect(now.imageScores.scoresOf(3)).toEqual(other.imageScores.scoresOf(3));

    // As versions before wrote it.
    const file = artifacts.open();
    if (file === null) throw new Error('it was packed');
    const scores = Float32Array.from(rows.flatMap((each) => [...each.scores]));
    const object = store.get(id, 'object', 5);
    const { objectPins, objectLabels, objectCodes, has, codes } = Object.fromEntries(file.names.map((name) => [name, file.read(name)]));
    const scoreNorms = Float32Array.from(rows, (each) => norm(each.scores));
    const objectScores = new Float32Array(object?.scores ?? []);
    artifacts.write(file.about<FeatureArtifactMetadata>(), {
      has,
      codes,
      scoreNorms,
      scores,
      objectPins,
      objectLabels,
      objectCodes,
      objectScores,
    });
    for (const limit of [0, 1e6]) {
      const before = openFeatures(folder, store, net, limit);
      expect(before.imageScores).toBeInstanceOf(ClassScores);
      expect(cosinesOf(before.imageScores, rows[1].scores)).toEqual(cosinesOf(now.imageScores, rows[1].scores));
      expect(before.objectOf(5)).toEqual(now.objectOf(5));
      before.close();
    }
    store.close();
  });
});
