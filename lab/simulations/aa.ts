/**
 * A/A experiments: two equal arms, looked at after every hundred units. What is called an effect is a false alarm.
 * Units come in random order into random arms; 10,000 units per experiment; looks from BURN_IN on.
 */
import type { Random } from '../../src/math/random.ts';
import { binomialDraw } from './draws.ts';
import { adjustedP, liftOf } from '../../src/experiments/statistics/analysis.ts';
import type { IntervalRule } from '../../src/experiments/statistics/analysis.ts';
import { BURN_IN, mixingRate, mixtureSprtP } from '../../src/experiments/statistics/confidence-sequence.ts';
import { adjustedEstimates, estimateOf } from '../../src/experiments/statistics/estimate.ts';
import { SAMPLE_RATIO_ALARM, sampleRatioP } from '../../src/experiments/statistics/sample-ratio.ts';
import { addUnit, emptyStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import type { SufficientStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import { streamOf } from './stream.ts';
import type { SuiteOptions, SuiteResult } from './check.ts';
import { checkRate } from './check.ts';
import { drawVisitor, engagementOf, newVisitor } from './visitor.ts';

const UNITS = 10_000;
const LOOK_EVERY = 100;
const ALPHA = 0.05;
/** A thousand units per arm and segment. */
const SEGMENTS = 5;
const HALVES = [0.5, 0.5];
const FIXED: IntervalRule = { kind: 'fixed-horizon', alpha: ALPHA, expectedUnits: UNITS };
const ALWAYS: IntervalRule = { kind: 'always-valid', alpha: ALPHA, expectedUnits: UNITS };

interface Alarms {
  fixedRatio: number;
  fixedProportion: number;
  fixedMean: number;
  fixedAdjusted: number;
  alwaysRatio: number;
  alwaysProportion: number;
  alwaysMean: number;
  sprt: number;
  sampleRatio: number;
  discoveries: number;
  peekedRatio: number;
  growing: number;
}

export async function simulateAa({ runs, seed, onProgress }: SuiteOptions): Promise<SuiteResult> {
  const alarms = newAlarms();
  for (let run = 0; run < runs; run++) {
    const random = streamOf(seed, `aa/${run}`);
    oneExperiment(random, alarms);
    growingTotals(random, alarms);
    if (run % 20 === 0) await onProgress?.(run / runs);
  }
  const at = (name: string, count: number, nominal: number, rule: 'equals' | 'at most' = 'equals') =>
    checkRate(name, count, runs, nominal, rule);
  return {
    checks: [
      at('aa/fixed-horizon ratio', alarms.fixedRatio, ALPHA),
      at('aa/fixed-horizon proportion', alarms.fixedProportion, ALPHA),
      at('aa/fixed-horizon mean', alarms.fixedMean, ALPHA),
      at('aa/fixed-horizon mean with CUPED', alarms.fixedAdjusted, ALPHA),
      at('aa/always-valid ratio, every look', alarms.alwaysRatio, ALPHA, 'at most'),
      at('aa/always-valid proportion, every look', alarms.alwaysProportion, ALPHA, 'at most'),
      at('aa/always-valid mean, every look', alarms.alwaysMean, ALPHA, 'at most'),
      at('aa/always-valid ratio, totals that grow after entry', alarms.growing, ALPHA, 'at most'),
      at('aa/mixture SPRT proportion, every look', alarms.sprt, ALPHA, 'at most'),
      at('aa/sample-ratio alarm, every look', alarms.sampleRatio, SAMPLE_RATIO_ALARM, 'at most'),
      at('aa/Benjamini-Hochberg over 5 segments', alarms.discoveries, ALPHA, 'at most'),
    ],
    observations: {
      'units per experiment': UNITS,
      'units between looks': LOOK_EVERY,
      'burn-in units': BURN_IN,
      'false alarms of a peeked-at fixed-horizon interval': alarms.peekedRatio / runs,
    },
  };
}

function newAlarms(): Alarms {
  return {
    fixedRatio: 0,
    fixedProportion: 0,
    fixedMean: 0,
    fixedAdjusted: 0,
    alwaysRatio: 0,
    alwaysProportion: 0,
    alwaysMean: 0,
    sprt: 0,
    sampleRatio: 0,
    discoveries: 0,
    peekedRatio: 0,
    growing: 0,
  };
}

const pair = (): SufficientStatistics[] => [emptyStatistics(), emptyStatistics()];

function pOf(arms: readonly SufficientStatistics[], rule: IntervalRule): number {
  return liftOf(estimateOf(arms[0]), estimateOf(arms[1]), rule).p ?? 1;
}

function oneExperiment(random: Random, alarms: Alarms): void {
  const [ratio, proportion, mean] = [pair(), pair(), pair()];
  const segments = Array.from({ length: SEGMENTS }, pair);
  const counts = [0, 0];
  const visitor = newVisitor();
  const least = { ratio: 1, proportion: 1, mean: 1, sprt: 1, sampleRatio: 1, peeked: 1 };
  // T = r^2 n* V: with V of a proportion near 0.08 and n* as planned, fixed before the first unit.
  const mixing = mixingRate(UNITS, ALPHA) ** 2 * 4 * 0.08 * 0.92;
  for (let unit = 1; unit <= UNITS; unit++) {
    const arm = random.next() < 0.5 ? 0 : 1;
    drawVisitor(random, 1, visitor);
    counts[arm]++;
    addUnit(ratio[arm], visitor.engaged, visitor.impressions);
    addUnit(proportion[arm], visitor.saved, 1);
    addUnit(mean[arm], visitor.worth, 1, visitor.before);
    addUnit(segments[unit % SEGMENTS][arm], visitor.engaged, visitor.impressions);
    if (unit % LOOK_EVERY !== 0) continue;
    least.sampleRatio = Math.min(least.sampleRatio, sampleRatioP(counts, HALVES));
    if (unit < BURN_IN) continue;
    least.ratio = Math.min(least.ratio, pOf(ratio, ALWAYS));
    least.proportion = Math.min(least.proportion, pOf(proportion, ALWAYS));
    least.mean = Math.min(least.mean, pOf(mean, ALWAYS));
    least.peeked = Math.min(least.peeked, pOf(ratio, FIXED));
    least.sprt = Math.min(least.sprt, sprtOf(proportion, mixing));
  }
  const adjusted = adjustedEstimates(mean);
  alarms.fixedRatio += Number(pOf(ratio, FIXED) < ALPHA);
  alarms.fixedProportion += Number(pOf(proportion, FIXED) < ALPHA);
  alarms.fixedMean += Number(pOf(mean, FIXED) < ALPHA);
  alarms.fixedAdjusted += Number((liftOf(adjusted[0], adjusted[1], FIXED).p ?? 1) < ALPHA);
  alarms.alwaysRatio += Number(least.ratio < ALPHA);
  alarms.alwaysProportion += Number(least.proportion < ALPHA);
  alarms.alwaysMean += Number(least.mean < ALPHA);
  alarms.sprt += Number(least.sprt < ALPHA);
  alarms.sampleRatio += Number(least.sampleRatio < SAMPLE_RATIO_ALARM);
  alarms.peekedRatio += Number(least.peeked < ALPHA);
  alarms.discoveries += Number(adjustedP(segments.map((arms) => pOf(arms, FIXED))).some((q) => q !== null && q < ALPHA));
}

function sprtOf(arms: readonly SufficientStatistics[], mixing: number): number {
  const [a, b] = arms.map(estimateOf);
  return mixtureSprtP(b.value - a.value, a.variance + b.variance, mixing);
}

/**
 * People come back: 2,000 units enter, a hundred between looks, and everybody who is in comes back with chance 0.15
 * between looks; after the last has entered twenty more looks follow. Not an independent stream: hence its own check.
 */
function growingTotals(random: Random, alarms: Alarms): void {
  const entering = 2000;
  const rule: IntervalRule = { ...ALWAYS, expectedUnits: entering };
  const arms = pair();
  const rate = new Float64Array(entering);
  const armOf = new Uint8Array(entering);
  const seen = new Float64Array(entering);
  const engaged = new Float64Array(entering);
  let least = 1;
  for (let look = 1; look <= 40; look++) {
    const inside = Math.min(entering, look * LOOK_EVERY);
    for (let unit = 0; unit < inside; unit++) {
      const fresh = rate[unit] === 0;
      if (fresh) {
        rate[unit] = engagementOf(random.normal(), random.normal());
        armOf[unit] = random.next() < 0.5 ? 0 : 1;
      } else if (random.next() >= 0.15) continue;
      else addUnit(arms[armOf[unit]], engaged[unit], seen[unit], 0, -1);
      seen[unit] += 8;
      engaged[unit] += binomialDraw(random, 8, rate[unit]);
      addUnit(arms[armOf[unit]], engaged[unit], seen[unit]);
    }
    if (inside >= BURN_IN) least = Math.min(least, pOf(arms, rule));
  }
  alarms.growing += Number(least < ALPHA);
}
