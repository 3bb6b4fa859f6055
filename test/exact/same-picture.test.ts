import { expect, it } from 'vitest';
import { openLocalFeatureStore } from '../../src/exact/local-feature-store.ts';
import { openSamePicture } from '../../src/exact/same-picture.ts';
import { nearDuplicateGroups } from '../../src/features/near-duplicates.ts';
import { temporaryFolder } from '../world.ts';
import { drawnFeatures, movedFeatures } from './drawn-features.ts';

it('key points keep two pictures apart that coarse rules unite, and say nothing of copies, plain and unknown pictures', () => {
  const folder = temporaryFolder();
  expect(openSamePicture(folder)).toBeNull();
  const store = openLocalFeatureStore(folder);
  const picture = drawnFeatures(150, [300, 300], 1);
  const copy = movedFeatures(picture, { place: ([x, y]) => [0.9 * x + 5, 0.9 * y + 5], scale: 0.9, degrees: 0 }, [300, 300]);
  const rows = [picture, copy, drawnFeatures(150, [300, 300], 2), drawnFeatures(20, [300, 300], 3)];
  store.put(rows.map((features, pinIndex) => ({ pinIndex, imageVersion: 1, features })));
  store.close();
  const keyPoints = openSamePicture(folder);
  const prints = [0, 1, 2, 3, 4].map((pinIndex) => ({
    pinIndex,
    signature: '0'.repeat(32),
    phash: '0'.repeat(16),
    colours: new Uint8Array(24 * 24 * 3).map((_, i) => (37 * i) % 251),
    code: new Uint32Array(4),
  }));
  const rules = { hashBits: 14, codeShare: 0.24, difference: 1, edges: 20 };
  expect([...nearDuplicateGroups(prints.slice(0, 3), 3, 128, rules)]).toEqual([0, 0, 0]);
  expect([...nearDuplicateGroups(prints.slice(0, 3), 3, 128, rules, keyPoints?.mayBe)]).toEqual([0, 0, 2]);
  expect(keyPoints).toMatchObject({ asked: 3, apart: 2 });
  expect([...nearDuplicateGroups([prints[0], prints[3], prints[4]], 5, 128, rules, keyPoints?.mayBe)]).toEqual([0, 1, 2, 0, 0]);
  keyPoints?.close();
});
