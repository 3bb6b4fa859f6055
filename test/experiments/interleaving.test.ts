import fc from 'fast-check';
import { expect, test } from 'vitest';
import { creditOf, teamDraft } from '../../src/experiments/statistics/interleaving.ts';
import { fitRewardModel, replayValue } from '../../src/experiments/statistics/replay.ts';
import { seededRandom } from '../../src/math/random.ts';

const permutation = (size: number) => fc.shuffledSubarray([...Array(size).keys()], { minLength: size });

test('a page has no repeats, every item is the pick of its team, and teams of two differ by one at most', () => {
  fc.assert(
    fc.property(permutation(12), permutation(12), fc.integer(), (a, b, seed) => {
      const { items, teams } = teamDraft([a, b], 8, seededRandom(seed));
      expect(new Set(items).size).toBe(8);
      const sizes = [0, 1].map((team) => teams.filter((each) => each === team).length);
      expect(Math.abs(sizes[0] - sizes[1])).toBeLessThanOrEqual(1);
      items.forEach((item, k) => {
        const team = teams[k];
        if (team < 0) return expect(a[k]).toBe(b[k]);
        const list = [a, b][team];
        const before = items.slice(0, k);
        expect(list.find((each) => !before.includes(each))).toBe(item);
      });
    }),
    { seed: 4, numRuns: 200 },
  );
});

test('equal lists credit nobody; short lists end the page early', () => {
  const random = seededRandom(1);
  expect(
    teamDraft(
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      3,
      random,
    ).teams,
  ).toEqual([-1, -1, -1]);
  expect(teamDraft([[1, 2], [3]], 10, random).items.toSorted()).toEqual([1, 2, 3]);
});

test('multileaving gives three rankers their picks', () => {
  const { items, teams } = teamDraft(
    [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ],
    9,
    seededRandom(1),
  );
  expect(items.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([0, 1, 2].map((team) => teams.filter((each) => each === team).length)).toEqual([3, 3, 3]);
});

test('credit: each action, or the page to its winner, ties shared', () => {
  expect([...creditOf([0, 1, 1, -1], [1, 1, 1, 5], 2, 'each')]).toEqual([1, 2]);
  expect([...creditOf([0, 1, 1, -1], [1, 1, 1, 5], 2, 'page')]).toEqual([0, 1]);
  expect([...creditOf([0, 1], [1, 1], 2, 'page')]).toEqual([0.5, 0.5]);
  expect([...creditOf([0, 1], [0, 0], 2, 'page')]).toEqual([0, 0]);
});

test('replay by hand: two places, one match worth its inverse propensity', () => {
  const report = replayValue(
    [
      { logged: [1, 2], rewards: [1, 0], target: [1, 2] },
      { logged: [2, 1], rewards: [0, 1], target: [1, 2] },
    ],
    null,
  );
  // List one matches at both places: 2 x 1 + 2 x 0; list two nowhere. Over four places: 0.5.
  expect(report.ips.value).toBe(0.5);
  expect(report.snips.value).toBe(0.5);
  expect(report.effectiveSampleSize).toBe(2);
  expect(report.alarm).toBeNull();
});

test('nine lists of one person are one witness: ten people who send every list nine times are no surer than ten lists', () => {
  const random = seededRandom(3);
  const lists = Array.from({ length: 10 }, (_, person) => ({
    logged: random.shuffled([1, 2, 3]),
    rewards: [random.integer(2), random.integer(2), random.integer(2)],
    target: [1, 2, 3],
    unit: `person ${person}`,
  }));
  const repeated = lists.flatMap((list) => Array.from({ length: 9 }, () => list));
  const [once, often] = [replayValue(lists, null), replayValue(repeated, null)];
  for (const method of ['ips', 'snips'] as const)
    for (const bound of ['value', 'low', 'high'] as const) expect(often[method][bound]).toBeCloseTo(once[method][bound], 10);
});

test('a target that was never offered raises the alarm, and nothing to replay is refused', () => {
  expect(replayValue([{ logged: [1, 2], rewards: [1, 0], target: [1, 9] }], null)).toMatchObject({
    support: 0.5,
    alarm: /50.0 %/,
  });
  expect(() => replayValue([], null)).toThrow(RangeError);
});

test('the reward model knows places and items', () => {
  const model = fitRewardModel(
    Array.from({ length: 100 }, () => ({ logged: [1, 2], rewards: [1, 0], target: [] })),
    0,
  );
  expect(model({ logged: [], rewards: [], target: [] }, 1, 0)).toBe(1);
  expect(model({ logged: [], rewards: [], target: [] }, 3, 0)).toBe(1);
  expect(model({ logged: [], rewards: [], target: [] }, 2, 1)).toBe(0);
});
