import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/math/random.ts';
import { CATEGORIES, lookLikeness, paletteLikeness } from '../../../lab/world/latents.ts';
import { examination, People, UTILITY, visualWeights } from '../../../lab/world/people.ts';
import { DEFAULT_WORLD, makeRecipe } from '../../../lab/world/recipe.ts';

const recipe = makeRecipe({ ...DEFAULT_WORLD, pins: 1200 });
const plain = new People(recipe, new Uint8Array(1200));
const named = (name: string): number => CATEGORIES.findIndex((category) => category.name === name);
const pairIn = (name: string): [number, number, number] => {
  const mine = recipe.pins.flatMap(({ felt }, i) => (felt.category === named(name) ? [i] : []));
  const topic = (i: number): number => recipe.pins[i].felt.topic;
  for (const query of mine)
    for (const alike of mine) {
      const other = mine.find(
        (i) => topic(i) === topic(alike) && lookLikeness(recipe.pins[query].felt, recipe.pins[i].felt) === 0 && i !== query,
      );
      if (alike !== query && other !== undefined && lookLikeness(recipe.pins[query].felt, recipe.pins[alike].felt) >= 0.7)
        return [query, alike, other];
    }
  throw new Error(`no pair in ${name}`);
};
const gain = (people: People, name: string): number => {
  const [query, alike, other] = pairIn(name);
  const appeal = UTILITY.appeal * (recipe.pins[alike].appeal - recipe.pins[other].appeal);
  return people.utility(query, alike) - people.utility(query, other) - appeal;
};

describe('people', () => {
  it('want what looks alike in art, hardly in fitness planning, and the other way round in the reversed world', () => {
    expect(gain(plain, 'art')).toBeGreaterThan(2.5);
    expect(gain(plain, 'fitness planning')).toBeLessThan(0.1);
    const turned = new People({ ...recipe, size: { ...recipe.size, kind: 'reversed' } }, new Uint8Array(1200));
    expect(gain(turned, 'fitness planning')).toBeGreaterThan(2.5);
    expect(gain(turned, 'art')).toBeLessThan(0.1);
    expect(visualWeights('reversed')[named('quotes')]).toBeGreaterThan(visualWeights('reversed')[named('tattoos')]);
  });

  it('look more where the query has a dominant object', () => {
    const dominant = new People(recipe, new Uint8Array(1200).fill(1));
    expect(gain(dominant, 'home decor')).toBeCloseTo(UTILITY.dominantFactor * gain(plain, 'home decor'), 6);
  });

  it('examine by the written curve: with nobody keen, impressions fall as position^-power', () => {
    const random = seededRandom(5);
    const seen = new Float64Array(25);
    const list = Array.from({ length: 25 }, (_, i) => i + 1);
    for (let visit = 0; visit < 4000; visit++)
      for (const { item, type } of plain.act(recipe.users[visit % 800], 0, list, random)) if (type === 'impression') seen[item]++;
    for (const place of [0, 3, 8, 24]) expect(seen[place] / 4000).toBeCloseTo(examination(place + 1), 1);
    expect(examination(1)).toBe(1);
  });

  it('act as the expected grade says, over many visits', () => {
    const [query, alike] = pairIn('illustrations');
    const random = seededRandom(9);
    const grade = { impression: 0, closeup: 1, click: 2, longClick: 3, save: 4 };
    const { palette, style } = recipe.pins[alike].felt;
    const neutral = recipe.users.find((user) => paletteLikeness(user.palette, palette) === 0 && user.style !== style)!;
    let total = 0;
    for (let visit = 0; visit < 4000; visit++) for (const { type } of plain.act(neutral, query, [alike], random)) total += grade[type];
    // The grade of a visit varies by 1.3: over 4,000 visits 0.06 is three standard errors.
    expect(Math.abs(total / 4000 - plain.expectedGrade(query, alike))).toBeLessThan(0.06);
  });
});
