import { expect, test } from 'vitest';
import { adjustedP, capFrom, guardrailState, type IntervalRule, liftOf } from '../../src/experiments/statistics/analysis.ts';
import { mixingRate, mixtureSprtP, sequenceMultiplier, sequenceP } from '../../src/experiments/statistics/confidence-sequence.ts';
import { adjustedEstimates, type Estimate, estimateOf } from '../../src/experiments/statistics/estimate.ts';
import { minimumDetectableLift, unitsFor } from '../../src/experiments/statistics/power.ts';
import { binOf, HISTOGRAM_BINS, quantileEstimate, quantileOf } from '../../src/experiments/counting/quantile-histogram.ts';
import { exactSampleRatioP, sampleRatioP } from '../../src/experiments/statistics/sample-ratio.ts';
import { addStatistics, addUnit, emptyStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import { seededRandom } from '../../src/math/random.ts';

const FIXED = { kind: 'fixed-horizon', alpha: 0.05, expectedUnits: 1000 } as const;

function statistics(rows: readonly (readonly number[])[]) {
  const out = emptyStatistics();
  for (const [x, d, c] of rows) addUnit(out, x, d, c ?? 0);
  return out;
}

test('three units by hand: ratio 6 / 12, residuals -1, 1, 0', () => {
  const { value, variance, units } = estimateOf(
    statistics([
      [1, 4],
      [3, 4],
      [2, 4],
    ]),
  );
  expect([value, units]).toEqual([0.5, 3]);
  // s^2 = 2 / 2 = 1; n s^2 / 12^2 = 3 / 144
  expect(variance).toBeCloseTo(3 / 144, 12);
});

test('a mean has the usual variance of a mean', () => {
  const { value, variance } = estimateOf(
    statistics([
      [1, 1],
      [2, 1],
      [6, 1],
    ]),
  );
  expect(value).toBe(3);
  expect(variance).toBeCloseTo(7 / 3, 12);
});

test('statistics add up, and a unit taken back leaves no trace', () => {
  const random = seededRandom(1);
  const rows = Array.from({ length: 500 }, () => [random.integer(50), random.integer(900), random.integer(30)]);
  const whole = statistics(rows);
  const parts = statistics(rows.slice(0, 200));
  addStatistics(parts, statistics(rows.slice(200)));
  expect([...parts]).toEqual([...whole]);
  addUnit(whole, 7, 11, 3);
  addUnit(whole, 7, 11, 3, -1);
  expect([...parts]).toEqual([...whole]);
});

test('CUPED with a covariate that explains everything leaves no variance; with a constant one it changes nothing', () => {
  const full = [
    statistics([
      [1, 1, 1],
      [2, 1, 2],
      [6, 1, 6],
    ]),
    statistics([
      [2, 1, 2],
      [3, 1, 3],
      [7, 1, 7],
    ]),
  ];
  const [a, b] = adjustedEstimates(full);
  expect(a.value).toBeCloseTo(b.value, 12);
  expect(a.variance).toBeCloseTo(0, 12);
  const flat = [
    statistics([
      [1, 1, 5],
      [2, 1, 5],
      [6, 1, 5],
    ]),
    statistics([
      [2, 1, 5],
      [3, 1, 5],
      [7, 1, 5],
    ]),
  ];
  expect(adjustedEstimates(flat).map((each) => each.value)).toEqual([3, 4]);
});

test('lift by hand', () => {
  const lift = liftOf({ units: 100, value: 2, variance: 0.01 }, { units: 100, value: 3, variance: 0.02 }, FIXED);
  expect(lift.lift).toBe(0.5);
  // 0.02 / 4 + 9 * 0.01 / 16
  expect(lift.error).toBeCloseTo(Math.sqrt(0.005 + 0.005625), 12);
  expect(lift.p).toBeLessThan(1e-8);
  // By Fieller: (2 x 3 -+ sqrt(36 - (4 - 0.0384)(9 - 0.0768))) / (4 - 0.0384) - 1.
  expect(lift.low).toBeCloseTo(0.31, 2);
  expect(lift.high).toBeCloseTo(0.719, 2);
});

test('nothing is said before the burn-in, or about a control that is zero', () => {
  const arm = { units: 100, value: 2, variance: 0.01 };
  expect(liftOf(arm, arm, { ...FIXED, kind: 'always-valid' })).toMatchObject({ low: null, p: null });
  expect(liftOf({ ...arm, value: 0 }, arm, FIXED)).toMatchObject({ lift: null, p: null });
});

test('width of the sequence over the fixed interval, as published: 1.7 at n*/5, 1.55 at n*, 1.6 at 4 n*', () => {
  const width = (n: number): number => sequenceMultiplier(n, 10_000, 0.05) / 1.96;
  expect(width(200)).toBeCloseTo(3.4, 1);
  expect(width(2000)).toBeCloseTo(1.7, 1);
  expect(width(10_000)).toBeCloseTo(1.55, 1);
  expect(width(40_000)).toBeCloseTo(1.6, 1);
});

test('p falls under alpha exactly where the interval leaves zero; the mixture SPRT is the same at T = r^2 n V', () => {
  const multiplier = sequenceMultiplier(3000, 10_000, 0.05);
  expect(sequenceP(multiplier, 3000, 10_000, 0.05)).toBeCloseTo(0.05, 10);
  const variance = 0.004;
  const mixing = mixingRate(10_000, 0.05) ** 2 * 3000 * variance;
  expect(mixtureSprtP(2.9 * Math.sqrt(variance), variance, mixing)).toBeCloseTo(sequenceP(2.9, 3000, 10_000, 0.05), 10);
});

test('p of a lift is under alpha exactly where its interval leaves zero out, whatever the variances', () => {
  const random = seededRandom(5);
  let [outside, inside] = [0, 0];
  for (let draw = 0; draw < 4000; draw++) {
    const kind = draw % 2 === 0 ? 'fixed-horizon' : 'always-valid';
    const rule: IntervalRule = { ...FIXED, kind };
    const a = 0.5 + random.next();
    const error = 0.2 * random.next();
    const estimate = (value: number): Estimate => ({ units: 1000, value, variance: error ** 2 * (0.5 + random.next()) });
    const { low, high, p } = liftOf(estimate(a), estimate(a + 3 * error * random.normal()), rule);
    if (low === null || high === null || p === null) continue;
    const leavesZero = low > 0 || high < 0;
    expect(p < rule.alpha).toBe(leavesZero);
    if (leavesZero) outside++;
    else inside++;
  }
  expect(Math.min(outside, inside)).toBeGreaterThan(500);
  // A lift of +20 % at z 2.05: by the delta method the interval began at -1.1 % beside a p of 0.040.
  const one = liftOf({ units: 1000, value: 1, variance: 0.00476 }, { units: 1000, value: 1.2, variance: 0.00476 }, FIXED);
  expect(one.p).toBeCloseTo(0.04, 3);
  expect(one.low).toBeGreaterThan(0);
  // A control that is itself not known from zero.
  expect(liftOf({ units: 9, value: 1, variance: 1 }, { units: 9, value: 9, variance: 1 }, FIXED)).toMatchObject({
    lift: 8,
    low: null,
    p: null,
  });
});

test('a dead arm is seen within thirty users, and fair arms are not called broken at any of ten thousand looks', () => {
  expect(sampleRatioP([25, 0], [0.5, 0.5])).toBeLessThan(0.001);
  expect(sampleRatioP([12, 0], [0.5, 0.5])).toBeGreaterThan(0.001);
  expect(sampleRatioP([15, 15, 0], [1 / 3, 1 / 3, 1 / 3])).toBeGreaterThan(0.001);
  expect(sampleRatioP([24, 24, 0], [1 / 3, 1 / 3, 1 / 3])).toBeLessThan(0.001);
  let alarms = 0;
  for (let run = 0; run < 200; run++) {
    const random = seededRandom(run);
    const counts = [0, 0];
    for (let unit = 0; unit < 3000; unit++) {
      counts[random.next() < 0.5 ? 0 : 1]++;
      if (sampleRatioP(counts, [0.5, 0.5]) < 0.001) {
        alarms++;
        break;
      }
    }
  }
  // At the promised one in a thousand more than two of 200 come once in a thousand times.
  expect(alarms).toBeLessThanOrEqual(2);
});

test('an arm of share zero changes no p while nobody is in it, and one unit there is impossible', () => {
  expect(sampleRatioP([40, 60, 0], [0.5, 0.5, 0])).toBe(sampleRatioP([40, 60], [0.5, 0.5]));
  expect(sampleRatioP([0, 40, 60], [0, 0.5, 0.5])).toBe(sampleRatioP([40, 60], [0.5, 0.5]));
  expect(exactSampleRatioP([40, 0, 60], [0.5, 0, 0.5])).toBe(exactSampleRatioP([40, 60], [0.5, 0.5]));
  expect([sampleRatioP([70, 0], [1, 0]), exactSampleRatioP([70, 0], [1, 0])]).toEqual([1, 1]);
  expect([sampleRatioP([70, 1], [1, 0]), exactSampleRatioP([70, 1], [1, 0])]).toEqual([0, 0]);
});

test('the exact sample-ratio test, for one look', () => {
  expect(exactSampleRatioP([10, 0], [0.5, 0.5])).toBeCloseTo(2 / 1024, 12);
  expect(exactSampleRatioP([890, 1010], [0.5, 0.5])).toBeCloseTo(0.0063, 3);
  expect(exactSampleRatioP([0, 0], [0.5, 0.5])).toBeNull();
  expect(exactSampleRatioP([30_000, 30_000], [0.5, 0.5])).toBeNull();
  expect(exactSampleRatioP([10, 10, 10], [1 / 3, 1 / 3, 1 / 3])).toBe(1);
});

test('the sample-ratio p of a 1 % loss passes 0.001 near 735,000 units', () => {
  const p = (n: number): number => sampleRatioP([(n * 0.5) / 0.995, (n * 0.495) / 0.995].map(Math.round), [0.5, 0.5]);
  expect(p(700_000)).toBeGreaterThan(0.001);
  expect(p(770_000)).toBeLessThan(0.001);
  expect(sampleRatioP([500, 500], [0.5, 0.5])).toBe(1);
});

test('Benjamini and Hochberg, by hand', () => {
  expect(adjustedP([0.01, 0.04, null, 0.03, 0.5])).toEqual([0.04, 0.16 / 3, null, 0.16 / 3, 0.5].map((v) => v && expect.closeTo(v, 12)));
});

test('a guardrail is safe, harmed or open by where its interval lies against the margin', () => {
  const lift = (low: number, high: number) => ({ lift: (low + high) / 2, low, high, p: 0.5, error: 1 });
  expect(guardrailState(lift(-0.01, 0.03), 'down', 0.05)).toBe('safe');
  expect(guardrailState(lift(0.06, 0.09), 'down', 0.05)).toBe('harmed');
  expect(guardrailState(lift(0.01, 0.09), 'down', 0.05)).toBe('open');
  expect(guardrailState(lift(-0.09, -0.06), 'up', 0.05)).toBe('harmed');
});

test('minimum detectable lift and units needed undo each other', () => {
  const random = seededRandom(2);
  const history = statistics(Array.from({ length: 5000 }, () => [random.integer(5), 5 + random.integer(20)]));
  const lift = minimumDetectableLift(history, 50_000);
  expect(unitsFor(history, lift) / 50_000).toBeCloseTo(1 + lift + lift ** 2 / 2, 3);
});

test('a quantile comes back from its histogram within a bin; a cap from history', () => {
  const bins = new Float64Array(HISTOGRAM_BINS);
  for (let v = 1; v <= 1000; v++) bins[binOf(v)]++;
  expect(Math.abs(quantileOf(bins, 0.95) / 950 - 1)).toBeLessThan(0.09);
  expect(quantileEstimate(bins, 0.95, 100, 2).variance).toBeGreaterThan(quantileEstimate(bins, 0.95, 100, 1).variance);
  expect(
    capFrom(
      Float64Array.from({ length: 100 }, (_, i) => 100 - i),
      0.99,
    ),
  ).toBe(99);
});
