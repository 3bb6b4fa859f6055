import { describe, expect, it } from 'vitest';
import { searchInParts } from '../../src/exact/exact-search.ts';
import { InvertedFile } from '../../src/exact/inverted-file.ts';
import type { LocalFeatures } from '../../src/exact/local-features.ts';
import type { PictureLooks } from '../../src/exact/query-views.ts';
import { trainTree, wordsIn } from '../../src/exact/vocabulary-tree.ts';
import { drawnFeatures, flipped } from './drawn-features.ts';

const SIZE = [300, 200] as const;
const THING = drawnFeatures(40, SIZE, 1);

/** A catalog of pictures of one thing; none of equal descriptors. */
function catalogOf(pictures: number) {
  const photos = Array.from({ length: pictures }, (_, i): LocalFeatures => ({
    ...THING,
    descriptors: flipped(THING.descriptors, 12, 10 + i),
  }));
  const tree = trainTree(THING.descriptors, { branching: 4, depth: 2, seed: 1 });
  const words = new InvertedFile(tree.words);
  photos.forEach(({ descriptors }, i) => words.set(i, wordsIn(tree, descriptors)));
  return { tree, words, featuresOf: (pin: number) => photos[pin] };
}

const looks: PictureLooks = { width: SIZE[0], height: SIZE[1], at: () => Promise.resolve(THING) };

describe('search for the very same thing', () => {
  it('verifies only what may answer, and cuts off the best after that', async () => {
    const sources = catalogOf(200);
    const all = await searchInParts(sources, { looks, box: null });
    expect(all).toHaveLength(50);
    const refused = new Set(all.map(({ pinIndex }) => pinIndex));
    const accept = (pins: readonly number[]) => Promise.resolve(new Set(pins.filter((pin) => !refused.has(pin))));
    const found = await searchInParts(sources, { looks, box: null, accept });
    expect(found).toHaveLength(50);
    expect(found.every(({ pinIndex, inliers }) => !refused.has(pinIndex) && inliers > 20)).toBe(true);
  });

  it('asks about the pins that words propose, however many share them', async () => {
    const asked: number[] = [];
    const accept = (pins: readonly number[]) => Promise.resolve(new Set(pins)).finally(() => asked.push(pins.length));
    await searchInParts(catalogOf(900), { looks, box: null, accept });
    expect(asked).toEqual([500]);
  });
});
