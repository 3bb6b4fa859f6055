import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { armIndexOf, armShares, assign, armsText, isEligible, planOf, readArmsText } from '../../src/experiments/assignment.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import { chiSquareTail } from '../chi-square.ts';

interface Case {
  readonly experiment: string;
  readonly holdout: number;
  readonly unit: string;
  readonly arm: string | null;
  readonly outside: string | null;
}

const frozen = JSON.parse(readFileSync(new URL('../cases/assignment.json', import.meta.url), 'utf8')) as {
  definitions: { key: string }[];
  cases: Case[];
};
const HALVES = [
  { key: 'control', weight: 0.5 },
  { key: 'treatment', weight: 0.5 },
];
const UNITS = Array.from({ length: 200_000 }, (_, i) => `user-${i}`);

describe('assignment', () => {
  test('the frozen vectors hold', () => {
    const plans = new Map(frozen.definitions.map((each) => [each.key, readDefinition(each)]));
    for (const row of frozen.cases) {
      const { arm, outside } = assign(planOf(plans.get(row.experiment)!, row.holdout), row.unit);
      expect({ unit: row.unit, arm, outside }).toEqual({ unit: row.unit, arm: row.arm, outside: row.outside });
    }
  });

  test('arms get their shares', () => {
    const plan = planOf(
      readDefinition({
        key: 'e',
        arms: [
          { key: 'a', weight: 0.7 },
          { key: 'b', weight: 0.2 },
          { key: 'c', weight: 0.1 },
        ],
      }),
    );
    const counts = [0, 0, 0];
    for (const unit of UNITS) counts[armIndexOf(plan, unit)]++;
    expect(armShares(plan)).toEqual([0.7, 0.2, 0.1]);
    const chi = counts.reduce(
      (sum, count, arm) => sum + (count - UNITS.length * armShares(plan)[arm]) ** 2 / (UNITS.length * armShares(plan)[arm]),
      0,
    );
    expect(chiSquareTail(chi, 2)).toBeGreaterThan(0.001);
  });

  test('every pair of layers is independent (chi-square)', () => {
    const names = ['ranker', 'candidates', 'visual', 'objects', 'home'];
    const arms = names.map((name) => {
      const plan = planOf(readDefinition({ key: `in-${name}`, layer: name, arms: HALVES }));
      return UNITS.map((unit) => armIndexOf(plan, unit));
    });
    for (let a = 0; a < names.length; a++)
      for (let b = a + 1; b < names.length; b++) {
        const cells = [0, 0, 0, 0];
        for (let i = 0; i < UNITS.length; i++) cells[arms[a][i] * 2 + arms[b][i]]++;
        const chi = cells.reduce((sum, count) => sum + (count - UNITS.length / 4) ** 2 / (UNITS.length / 4), 0);
        expect(chiSquareTail(chi, 3), `${names[a]} and ${names[b]}`).toBeGreaterThan(0.0005);
      }
  });

  test('widening traffic adds units and moves none', () => {
    const narrow = planOf(readDefinition({ key: 'ramp', traffic: 0.1, arms: HALVES }));
    const wide = planOf(readDefinition({ key: 'ramp', traffic: 0.6, arms: HALVES }));
    let added = 0;
    let moved = 0;
    for (const unit of UNITS) {
      const before = assign(narrow, unit).arm;
      const after = assign(wide, unit).arm;
      if (before !== null && after !== before) moved++;
      else if (before === null && after !== null) added++;
    }
    expect(moved).toBe(0);
    expect(Math.abs(added / UNITS.length - 0.5)).toBeLessThan(0.01);
  });

  test('slots of one layer exclude each other, the holdout excludes all', () => {
    const left = planOf(readDefinition({ key: 'left', layer: { name: 'l', slots: [0, 0.4] }, arms: HALVES }), 0.1);
    const right = planOf(readDefinition({ key: 'right', layer: { name: 'l', slots: [0.4, 1] }, arms: HALVES }), 0.1);
    let held = 0;
    let both = 0;
    let split = 0;
    for (const unit of UNITS) {
      const [a, b] = [assign(left, unit), assign(right, unit)];
      if (a.arm !== null && b.arm !== null) both++;
      if (a.outside === 'holdout') held++;
      if ((a.outside === 'holdout') !== (b.outside === 'holdout')) split++;
    }
    expect([both, split]).toEqual([0, 0]);
    expect(Math.abs(held / UNITS.length - 0.1)).toBeLessThan(0.005);
  });

  test('a forced unit gets its arm and says so', () => {
    const plan = planOf(readDefinition({ key: 'e', traffic: 0, arms: HALVES, forced: { tester: 'treatment' } }));
    expect(assign(plan, 'tester')).toEqual({ arm: 'treatment', outside: null, forced: true });
    expect(assign(plan, 'other').outside).toBe('traffic');
  });

  test.each([
    [
      [0, 0.6, 0.4],
      [1, 2],
    ],
    [
      [0.6, 0, 0.4],
      [0, 2],
    ],
    [
      [0.6, 0.4, 0],
      [0, 1],
    ],
    [[0, 0, 1], [2]],
  ])('an arm of weight zero (%j) gets nobody but those put there by hand', (weights, dealt) => {
    const arms = weights.map((weight, arm) => ({ key: `arm-${arm}`, weight }));
    const empty = weights.indexOf(0);
    const plan = planOf(readDefinition({ key: 'e', arms, forced: { tester: `arm-${empty}` } }));
    const met = new Set(UNITS.map((unit) => armIndexOf(plan, unit)));
    expect([...met].sort()).toEqual(dealt);
    expect(armShares(plan)).toEqual(weights);
    expect(assign(plan, 'tester')).toEqual({ arm: `arm-${empty}`, outside: null, forced: true });
  });

  test('a million assignments a second on one core', () => {
    const plan = planOf(readDefinition({ key: 'speed', layer: { name: 'l', slots: [0, 0.9] }, traffic: 0.9, arms: HALVES }), 0.01);
    let best = 0;
    for (let round = 0; round < 5; round++) {
      // Processor time, not the clock: other tests run beside this one.
      const start = process.cpuUsage();
      let sum = 0;
      for (const unit of UNITS) sum += armIndexOf(plan, unit);
      expect(Number.isFinite(sum)).toBe(true);
      const { user, system } = process.cpuUsage(start);
      best = Math.max(best, UNITS.length / ((user + system) / 1e6));
    }
    expect(best).toBeGreaterThan(1e6);
  });

  test('eligibility asks what it names and nothing else', () => {
    const query = {
      surface: 'closeup',
      queryPinId: 'p',
      popularityRank: 4,
      categories: ['art'],
      hasDominantObject: false,
    };
    expect(isEligible({}, query)).toBe(true);
    expect(isEligible({ querySet: { popular: 5 } }, query)).toBe(true);
    expect(isEligible({ querySet: { popular: 4 } }, query)).toBe(false);
    expect(isEligible({ querySet: { pinIds: ['p'] }, categories: ['art', 'tattoos'] }, query)).toBe(true);
    expect(isEligible({ categories: ['tattoos'] }, query)).toBe(false);
    expect(isEligible({ dominantObject: true }, query)).toBe(false);
    expect(isEligible({ surfaces: ['home-feed'] }, query)).toBe(false);
  });

  test('arms travel through the log as text', () => {
    const arms = [
      { experiment: 'a', arm: 'control' },
      { experiment: 'b', arm: 'variant C' },
    ];
    expect(readArmsText(armsText(arms))).toEqual(arms);
    expect(armsText([])).toBeNull();
    expect(readArmsText(null)).toEqual([]);
  });
});
