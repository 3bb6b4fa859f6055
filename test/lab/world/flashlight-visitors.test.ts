import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/math/random.ts';
import { worldSeed } from '../../../lab/world/world-seed.ts';
import { type SearchedPicture, savedPlaces, searchOf } from '../../../lab/world/flashlight-visitors.ts';
import { makeRecipe } from '../../../lab/world/recipe.ts';

const { pins } = makeRecipe({ kind: 'planted', seed: 1, pins: 200, boards: 20, users: 20 });
const lamp = { label: 'lamp', box: [10, 10, 50, 50] as const };
const picture: SearchedPicture = { felt: pins[0].felt, objects: [lamp], width: 100, height: 100, appeal: 0 };
const share = (dots: readonly (readonly [number, number, number, number])[] | null, trust = 1): number => {
  const searches = Array.from({ length: 2000 }, (_, i) => searchOf(picture, { dots }, trust, seededRandom(worldSeed(7, String(i)))));
  return searches.filter((search) => search !== null).length / searches.length;
};

it('a dot on what is wanted is used most, a default box less, a dot elsewhere least', () => {
  expect(share([[11, 9, 51, 50]])).toBeCloseTo(0.5, 1);
  expect(share(null)).toBeCloseTo(0.45, 1);
  expect(share([[70, 70, 99, 99]])).toBeCloseTo(0.35, 1);
  expect(share([])).toBeCloseTo(0.1, 1);
  expect(share(null, 0.5)).toBeCloseTo(0.225, 1);
});

it('saves what shows the kind wanted and looks alike, and nothing of a dot on nothing', () => {
  const like = { ...picture, appeal: 1 };
  const unlike = {
    ...picture,
    objects: [],
    felt: pins.find(({ felt }) => felt.palette !== picture.felt.palette && felt.style !== picture.felt.style)?.felt ?? picture.felt,
  };
  const results = [like, unlike, like, unlike];
  const counts = [0, 0, 0, 0];
  for (let seed = 0; seed < 500; seed++)
    for (const place of savedPlaces(picture, { region: lamp.box, wanted: lamp }, results, seededRandom(seed))) counts[place]++;
  expect(counts[0]).toBeGreaterThan(counts[2]);
  expect(counts[2]).toBeGreaterThan(10 * (counts[1] + counts[3]));
  expect(savedPlaces(picture, { region: [70, 70, 99, 99], wanted: null }, results, seededRandom(1))).toEqual([]);
});
