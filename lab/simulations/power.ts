/** A planted effect is found with the power the calculator promised; a guardrail at its margin is rarely called safe. */
import type { Random } from '../../src/math/random.ts';
import { guardrailState, liftOf } from '../../src/experiments/statistics/analysis.ts';
import type { IntervalRule } from '../../src/experiments/statistics/analysis.ts';
import { BURN_IN } from '../../src/experiments/statistics/confidence-sequence.ts';
import { estimateOf } from '../../src/experiments/statistics/estimate.ts';
import { USUAL_PLAN, unitsFor } from '../../src/experiments/statistics/power.ts';
import type { Plan } from '../../src/experiments/statistics/power.ts';
import { addUnit, emptyStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import type { SufficientStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import { streamOf } from './stream.ts';
import type { SuiteOptions, SuiteResult } from './check.ts';
import { checkRate } from './check.ts';
import { drawVisitor, newVisitor } from './visitor.ts';

const HISTORY_UNITS = 500_000;
const KINDS = ['ratio', 'proportion', 'mean'] as const;
type Kind = (typeof KINDS)[number];
const FIXED: IntervalRule = { kind: 'fixed-horizon', alpha: 0.05, expectedUnits: 1 };
/** Lift planted per metric: chosen so that each needs about 20,000 units. */
const LIFTS: Record<Kind, number> = { ratio: 0.07, proportion: 0.15, mean: 0.08 };
const UNEVEN: Plan = { alpha: 0.05, power: 0.9, shares: [0.8, 0.2] };
const MARGIN = 0.05;

export async function simulatePower({ runs, seed, onProgress }: SuiteOptions): Promise<SuiteResult> {
  const history = historyOf(seed);
  const checks = [];
  const observations: Record<string, number> = {};
  for (const [index, kind] of KINDS.entries()) {
    const lift = LIFTS[kind];
    const units = unitsFor(history[kind], lift, USUAL_PLAN, kind === 'proportion' ? 'proportion' : 'scaled');
    observations[`units promised to find ${Number((100 * lift).toFixed(4))} % in ${kind} with power 0.8`] = units;
    const found = detections(kind, lift, units, USUAL_PLAN, runs, seed);
    checks.push(checkRate(`power/${kind} +${Number((100 * lift).toFixed(4))} % at the promised size`, found.fixed, runs, USUAL_PLAN.power));
    observations[`always-valid power at that size, ${kind}`] = found.always / runs;
    await onProgress?.((index + 1) / (KINDS.length + 2));
  }
  const units = unitsFor(history.ratio, 0.1, UNEVEN);
  observations['units promised to find 10 % in ratio with power 0.9, arms 80/20'] = units;
  const uneven = detections('ratio', 0.1, units, UNEVEN, runs, seed);
  checks.push(checkRate('power/ratio +10 %, arms 80/20, power 0.9', uneven.fixed, runs, UNEVEN.power));
  await onProgress?.((KINDS.length + 1) / (KINDS.length + 2));
  checks.push(checkRate('power/guardrail exactly at its margin called safe', safeAtMargin(runs, seed), runs, 0.025, 'at most'));
  return { checks, observations };
}

function historyOf(seed: number): Record<Kind, SufficientStatistics> {
  const random = streamOf(seed, 'power/history');
  const history = { ratio: emptyStatistics(), proportion: emptyStatistics(), mean: emptyStatistics() };
  const visitor = newVisitor();
  for (let unit = 0; unit < HISTORY_UNITS; unit++) {
    drawVisitor(random, 1, visitor);
    addUnit(history.ratio, visitor.engaged, visitor.impressions);
    addUnit(history.proportion, visitor.saved, 1);
    addUnit(history.mean, visitor.worth, 1);
  }
  return history;
}

function drawArm(random: Random, kind: Kind, units: number, effect: number): SufficientStatistics {
  const out = emptyStatistics();
  const visitor = newVisitor();
  for (let unit = 0; unit < units; unit++) {
    drawVisitor(random, effect, visitor);
    if (kind === 'ratio') addUnit(out, visitor.engaged, visitor.impressions);
    else addUnit(out, kind === 'mean' ? visitor.worth : visitor.saved, 1);
  }
  return out;
}

/** Runs that call the planted lift, of the right sign, at the planned size: by either rule. */
function detections(kind: Kind, lift: number, units: number, plan: Plan, runs: number, seed: number) {
  const always: IntervalRule = { kind: 'always-valid', alpha: plan.alpha, expectedUnits: Math.max(BURN_IN, units) };
  const found = { fixed: 0, always: 0 };
  for (let run = 0; run < runs; run++) {
    const random = streamOf(seed, `power/${kind}/${plan.power}/${run}`);
    const control = estimateOf(drawArm(random, kind, Math.round(units * plan.shares[0]), 1));
    const arm = estimateOf(drawArm(random, kind, Math.round(units * plan.shares[1]), 1 + lift));
    const fixed = liftOf(control, arm, FIXED);
    found.fixed += Number((fixed.p ?? 1) < plan.alpha && (fixed.lift ?? 0) > 0);
    const sequence = liftOf(control, arm, always);
    found.always += Number((sequence.p ?? 1) < plan.alpha && (sequence.lift ?? 0) > 0);
  }
  return found;
}

function safeAtMargin(runs: number, seed: number): number {
  let safe = 0;
  for (let run = 0; run < runs; run++) {
    const random = streamOf(seed, `power/guardrail/${run}`);
    const control = estimateOf(drawArm(random, 'ratio', 4000, 1));
    const arm = estimateOf(drawArm(random, 'ratio', 4000, 1 - MARGIN));
    safe += Number(guardrailState(liftOf(control, arm, FIXED), 'up', MARGIN) === 'safe');
  }
  return safe;
}
