/**
 * Do 95 % intervals of the lift cover the planted lift 95 % of the time? Proportion, mean and ratio under the
 * heavy-tailed law of visitor.ts, at sizes from HOLDS_FROM units per arm (the promise) and below (printed only); CUPED
 * unbiased and narrower; the delta method's standard error against a bootstrap.
 */
import type { Random } from '../../src/math/random.ts';
import { liftOf } from '../../src/experiments/statistics/analysis.ts';
import type { IntervalRule, Lift } from '../../src/experiments/statistics/analysis.ts';
import { BURN_IN } from '../../src/experiments/statistics/confidence-sequence.ts';
import { adjustedEstimates, estimateOf } from '../../src/experiments/statistics/estimate.ts';
import type { Estimate } from '../../src/experiments/statistics/estimate.ts';
import { addUnit, emptyStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import type { SufficientStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import { streamOf } from './stream.ts';
import type { Check, Observations, SuiteOptions, SuiteResult } from './check.ts';
import { checkRate } from './check.ts';
import { WORTH_MEAN, drawVisitor, newVisitor } from './visitor.ts';

const SIZES = [100, 300, 1000, 3000, 10_000];
/** Units per arm from which coverage is promised. */
const HOLDS_FROM = 3000;
const EFFECT = 1.1;
const FIXED: IntervalRule = { kind: 'fixed-horizon', alpha: 0.05, expectedUnits: 1 };
const KINDS = ['proportion', 'mean', 'ratio', 'mean with CUPED'] as const;
type Kind = (typeof KINDS)[number];

export async function simulateCoverage({ runs, seed, onProgress }: SuiteOptions): Promise<SuiteResult> {
  const checks: Check[] = [];
  const observations: Observations = { 'coverage holds from units per arm': HOLDS_FROM };
  for (const size of SIZES) {
    const tally = await coverageAt(size, runs, seed, (share) => onProgress?.((SIZES.indexOf(size) + share) / SIZES.length));
    for (const kind of KINDS) {
      const name = `coverage/${kind}, ${size} units per arm`;
      if (size >= HOLDS_FROM) checks.push(checkRate(name, tally.covered[kind], runs, 0.95));
      else observations[name] = tally.covered[kind] / runs;
    }
    if (size < HOLDS_FROM) continue;
    checks.push(checkRate(`coverage/CUPED unbiased, ${size} units per arm`, tally.above, runs, 0.5));
    checks.push(checkRate(`coverage/CUPED narrower, ${size} units per arm`, tally.narrower, runs, 0.99, 'at least'));
    observations[`CUPED width over unadjusted, ${size} units per arm`] = tally.widthRatio / runs;
    observations[`CUPED mean error over its standard error, ${size} units per arm`] = tally.errorSum / runs;
  }
  checks.push(...sequenceCoverage(runs, seed), bootstrapAgreement(seed, observations));
  return { checks, observations };
}

interface Tally {
  readonly covered: Record<Kind, number>;
  above: number;
  narrower: number;
  widthRatio: number;
  errorSum: number;
}

async function coverageAt(size: number, runs: number, seed: number, onProgress: (share: number) => void | Promise<void>): Promise<Tally> {
  const tally: Tally = {
    covered: { proportion: 0, mean: 0, ratio: 0, 'mean with CUPED': 0 },
    above: 0,
    narrower: 0,
    widthRatio: 0,
    errorSum: 0,
  };
  const difference = (EFFECT - 1) * WORTH_MEAN;
  for (let run = 0; run < runs; run++) {
    const arms = [1, EFFECT].map((effect, arm) => drawArm(streamOf(seed, `coverage/${size}/${run}/${arm}`), size, effect));
    const estimates: Record<Kind, readonly Estimate[]> = {
      proportion: arms.map((arm) => estimateOf(arm.proportion)),
      mean: arms.map((arm) => estimateOf(arm.mean)),
      ratio: arms.map((arm) => estimateOf(arm.ratio)),
      'mean with CUPED': adjustedEstimates(arms.map((arm) => arm.mean)),
    };
    for (const kind of KINDS) tally.covered[kind] += Number(covers(liftOf(estimates[kind][0], estimates[kind][1], FIXED), EFFECT - 1));
    const plain = spreadOf(estimates.mean);
    const adjusted = spreadOf(estimates['mean with CUPED']);
    tally.above += Number(adjusted.difference > difference);
    tally.narrower += Number(adjusted.error < plain.error);
    tally.widthRatio += adjusted.error / plain.error;
    tally.errorSum += (adjusted.difference - difference) / adjusted.error;
    if (run % 50 === 0) await onProgress(run / runs);
  }
  return tally;
}

interface ArmSample {
  readonly proportion: SufficientStatistics;
  readonly mean: SufficientStatistics;
  readonly ratio: SufficientStatistics;
}

function drawArm(random: Random, size: number, effect: number): ArmSample {
  const sample: ArmSample = { proportion: emptyStatistics(), mean: emptyStatistics(), ratio: emptyStatistics() };
  const visitor = newVisitor();
  for (let unit = 0; unit < size; unit++) {
    drawVisitor(random, effect, visitor);
    addUnit(sample.proportion, visitor.saved, 1);
    addUnit(sample.mean, visitor.worth, 1, visitor.before);
    addUnit(sample.ratio, visitor.engaged, visitor.impressions);
  }
  return sample;
}

function covers(lift: Lift, truth: number): boolean {
  return lift.low !== null && lift.high !== null && lift.low <= truth && truth <= lift.high;
}

function spreadOf([control, arm]: readonly Estimate[]): { difference: number; error: number } {
  return { difference: arm.value - control.value, error: Math.sqrt(control.variance + arm.variance) };
}

/** The always-valid interval must hold the planted lift at every look of 5,000 units, one look per hundred. */
function sequenceCoverage(runs: number, seed: number): Check[] {
  const rule: IntervalRule = { kind: 'always-valid', alpha: 0.05, expectedUnits: 5000 };
  let missed = 0;
  for (let run = 0; run < runs; run++) {
    const random = streamOf(seed, `coverage/sequence/${run}`);
    const arms = [emptyStatistics(), emptyStatistics()];
    const visitor = newVisitor();
    let held = true;
    for (let unit = 1; unit <= 5000 && held; unit++) {
      const arm = random.next() < 0.5 ? 0 : 1;
      drawVisitor(random, arm === 0 ? 1 : EFFECT, visitor);
      addUnit(arms[arm], visitor.engaged, visitor.impressions);
      if (unit % 100 === 0 && unit >= BURN_IN) held = covers(liftOf(estimateOf(arms[0]), estimateOf(arms[1]), rule), EFFECT - 1);
    }
    missed += Number(!held);
  }
  return [checkRate('coverage/always-valid ratio, missed at any look', missed, runs, 0.05, 'at most')];
}

const BOOTSTRAP_SETS = 5;
const BOOTSTRAP_UNITS = 2000;
const BOOTSTRAP_DRAWS = 10_000;

/** Share of data sets on which the delta method's standard error of a ratio is within 3 % of a bootstrap's: all. */
function bootstrapAgreement(seed: number, observations: Observations): Check {
  let within = 0;
  let widest = 0;
  for (let set = 0; set < BOOTSTRAP_SETS; set++) {
    const random = streamOf(seed, `coverage/bootstrap/${set}`);
    const visitor = newVisitor();
    const sample = emptyStatistics();
    const x = new Float64Array(BOOTSTRAP_UNITS);
    const d = new Float64Array(BOOTSTRAP_UNITS);
    for (let unit = 0; unit < BOOTSTRAP_UNITS; unit++) {
      drawVisitor(random, 1, visitor);
      [x[unit], d[unit]] = [visitor.engaged, visitor.impressions];
      addUnit(sample, x[unit], d[unit]);
    }
    const off = Math.abs(Math.sqrt(estimateOf(sample).variance) / bootstrapError(random, x, d) - 1);
    widest = Math.max(widest, off);
    within += Number(off < 0.03);
  }
  observations['delta method off the bootstrap, widest'] = widest;
  const name = 'coverage/delta method within 3 % of the bootstrap';
  return { ...checkRate(name, within, BOOTSTRAP_SETS, 1, 'at least'), passed: within === BOOTSTRAP_SETS };
}

function bootstrapError(random: Random, x: Float64Array, d: Float64Array): number {
  let sum = 0;
  let squares = 0;
  for (let draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
    let top = 0;
    let bottom = 0;
    for (let i = 0; i < x.length; i++) {
      const unit = random.integer(x.length);
      top += x[unit];
      bottom += d[unit];
    }
    const value = top / bottom;
    sum += value;
    squares += value * value;
  }
  const mean = sum / BOOTSTRAP_DRAWS;
  return Math.sqrt(squares / BOOTSTRAP_DRAWS - mean * mean);
}
