import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/math/random.ts';
import { People } from '../../../lab/world/people.ts';
import { makeRecipe, type WorldPin } from '../../../lab/world/recipe.ts';
import { feltSameness, samenessOf, TIRING, TiringPerson } from '../../../lab/world/tiring.ts';

const recipe = makeRecipe({ kind: 'planted', seed: 3, pins: 400, boards: 20, users: 40 });
const people = new People(recipe, new Uint8Array(400));
const felt = (pin: number) => recipe.pins[pin].felt;

test('sameness by hand: category, topic and palette, beside the seven looked at before', () => {
  const one = { ...felt(0), category: 1, topic: 2, palette: 3 };
  expect(feltSameness(one, { ...one })).toBe(1);
  expect(feltSameness(one, { ...one, palette: 4 })).toBe(0.7);
  expect(feltSameness(one, { ...one, topic: 1 })).toBe(0.3);
  expect(feltSameness(one, { ...one, category: 0 })).toBe(0);
  expect(samenessOf([one])).toBe(0);
  expect(samenessOf([one, { ...one, topic: 1 }, one])).toBe((0.3 + 1) / 2);
  const others = Array.from({ length: TIRING.window - 1 }, (_, i) => ({ ...one, category: 10 + i }));
  expect(samenessOf([one, ...others, one])).toBe(0);
});

/** Clicks and saves of everybody by day, on lists of one topic or of all. */
function engaged(alike: boolean, tires: boolean): { first: number; last: number; weariness: number } {
  const ofTopic = (pin: WorldPin, query: number): boolean =>
    pin.felt.category === felt(query).category && pin.felt.topic === felt(query).topic;
  const days = [0, 0];
  let weariness = 0;
  recipe.users.forEach((user, index) => {
    const person = new TiringPerson(recipe, people, user);
    for (let day = 0; day < 14; day++) {
      const random = seededRandom(1000 * index + day);
      const query = random.integer(400);
      const own = recipe.pins.flatMap((pin, i) => (ofTopic(pin, query) ? [i] : []));
      // The same first items for both; what follows is more of the topic, or anything.
      const list = Array.from({ length: 25 }, (_, at) => (alike || at % 3 === 0 ? random.pick(own) : random.integer(400)));
      const acted = person.act(query, list, day, random, tires).filter(({ type }) => type !== 'impression').length;
      if (day === 0) days[0] += acted;
      if (day === 13) days[1] += acted;
    }
    weariness += person.weariness / recipe.users.length;
  });
  return { first: days[0], last: days[1], weariness };
}

test('who sees the same day after day acts less, and only where the trait is on', () => {
  const [same, mixed, untired] = [engaged(true, true), engaged(false, true), engaged(true, false)];
  expect(untired.weariness).toBe(0);
  expect(same.weariness).toBeGreaterThan(2 * mixed.weariness);
  expect(same.first).toBe(untired.first);
  expect(same.last).toBeLessThan(0.75 * untired.last);
});
