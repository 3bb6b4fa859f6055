/**
 * What an experiment could find, before it starts: the log's recent lists that would have been eligible, counted by unit
 * as the experiment would count them. Units that come back make totals grow with time, so the history is as long as the
 * experiment is meant to run.
 */
import type { StoredList } from '../../catalog/log/served-list-log.ts';
import { capFrom } from './analysis.ts';
import type { AssignmentPlan, QueryFacts } from '../assignment.ts';
import { armIndexOf, isEligible, planOf } from '../assignment.ts';
import { sequenceMultiplier } from './confidence-sequence.ts';
import { estimateOf } from './estimate.ts';
import type { ExperimentDefinition } from '../experiment.ts';
import { comparedArms, sharesOf } from '../experiment.ts';
import type { ExposedList } from '../counting/exposed-list.ts';
import { metricIndex } from '../metric.ts';
import { minimumDetectableLift, USUAL_PLAN, unitsFor } from './power.ts';
import { inUnits, STATISTICS_LENGTH } from '../counting/sufficient-statistics.ts';
import type { Cells, CountingRule } from '../counting/unit-contribution.ts';
import { cellKey, contribute, unitTotals } from '../counting/unit-contribution.ts';
import { normalQuantile } from '../../math/distributions.ts';

/** Share of units below a suggested cap. */
const CAP_SHARE = 0.999;

/** Null figures: fewer than two units would enrol, one arm gets them all, the value is 0, or the metric is a quantile. */
interface MetricForecast {
  readonly metric: string;
  readonly value: number | null;
  /** Smallest relative lift found four times in five by one look at the end. */
  readonly detectableLift: number | null;
  /** The same when the always-valid interval is watched up to then. */
  readonly detectableLiftWatching: number | null;
  /** Units that find the smallest lift worth shipping for; null when the definition names none. */
  readonly unitsNeeded: number | null;
  /** A cap that only one unit in a thousand exceeds: winsorizes a mean's heavy tail. Null for shares. */
  readonly suggestedCap: number | null;
}

/** What an experiment of `days` days could find. */
export interface Forecast {
  readonly days: number;
  /** Eligible lists and units of the history; `complete`: it was read to its end. */
  readonly lists: number;
  readonly unitsSeen: number;
  readonly complete: boolean;
  /** Units that would have been in the control and the first arm that gets units: through layer, traffic and holdout. */
  readonly unitsEnrolled: number;
  readonly metrics: readonly MetricForecast[];
}

/** Gathers eligible lists of the history; hand it lists of `days` days in any order, then ask. */
export class ForecastHistory {
  private readonly definition: ExperimentDefinition;
  private readonly plan: AssignmentPlan;
  private readonly rule: CountingRule;
  /** The first arm that is compared with the control, if any is. */
  private readonly compared: number | undefined;
  private readonly units = new Map<string, ExposedList[]>();
  private lists = 0;

  constructor(definition: ExperimentDefinition, holdout: number, rule: CountingRule) {
    this.definition = definition;
    this.plan = planOf(definition, holdout);
    this.rule = rule;
    [this.compared] = comparedArms(definition);
  }

  /** `row` is the list as the experiment would count it; null for one that names no unit. */
  add(list: Pick<StoredList, 'forced'>, row: ExposedList | null, facts: QueryFacts): void {
    if (row === null || list.forced || !isEligible(this.definition.eligibility, facts)) return;
    this.lists++;
    const lists = this.units.get(row.unit);
    if (lists) lists.push(row);
    else this.units.set(row.unit, [row]);
  }

  /** From what was added so far; `days` and `complete` are handed through. */
  forecast(days: number, complete: boolean): Forecast {
    const cells: Cells = new Map();
    let unitsEnrolled = 0;
    for (const [unit, lists] of this.units) {
      lists.sort((a, b) => a.at - b.at || a.listIndex - b.listIndex);
      contribute(cells, lists, this.rule, 1);
      const arm = armIndexOf(this.plan, unit);
      if (arm === 0 || arm === this.compared) unitsEnrolled++;
    }
    const all = cells.get(cellKey(0, 'all', '')) ?? null;
    const metrics = this.definition.metrics.map((name) => this.metric(name, all, unitsEnrolled));
    return { days, lists: this.lists, unitsSeen: this.units.size, complete, unitsEnrolled, metrics };
  }

  private metric(name: string, all: Float64Array | null, units: number): MetricForecast {
    const { metrics } = this.rule;
    const index = metricIndex(name, metrics);
    const nothing = { metric: name, value: null, detectableLift: null, detectableLiftWatching: null };
    if (all === null || units < 2 || this.compared === undefined) return { ...nothing, unitsNeeded: null, suggestedCap: null };
    const { kind, steps = 1 } = metrics[index];
    const history = inUnits(all.slice(index * STATISTICS_LENGTH, (index + 1) * STATISTICS_LENGTH), steps);
    const { value } = estimateOf(history);
    if (!(value > 0) || kind === 'quantile') return { ...nothing, unitsNeeded: null, suggestedCap: null };
    const { alpha, minimumLift, expectedUnits } = this.definition;
    const plan = { ...USUAL_PLAN, alpha, shares: sharesOf(this.definition, this.compared) };
    const detectableLift = minimumDetectableLift(history, units, plan);
    const power = normalQuantile(plan.power);
    const watching = sequenceMultiplier(units, expectedUnits, alpha) + power;
    return {
      metric: name,
      value,
      detectableLift,
      detectableLiftWatching: (detectableLift * watching) / (normalQuantile(1 - alpha / 2) + power),
      unitsNeeded: minimumLift > 0 ? unitsFor(history, minimumLift, plan, kind === 'proportion' ? 'proportion' : 'scaled') : null,
      suggestedCap: kind === 'mean' || kind === 'ratio' ? this.capOf(index) : null,
    };
  }

  private capOf(index: number): number {
    const { numerator, steps = 1 } = this.rule.metrics[index];
    const totals = [...this.units.values()].map((lists) => numerator(unitTotals(lists, this.rule)) / steps);
    return capFrom(Float64Array.from(totals), CAP_SHARE);
  }
}
