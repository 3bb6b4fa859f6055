/**
 * The report of an experiment, read from its cells alone: its cost does not depend on the number of exposures.
 * Intervals are always-valid unless fixed-horizon is asked for; the fixed-horizon figures stand beside them. Each p is that
 * of its own look, as valid as the least so far, and it never contradicts the interval beside it.
 */
import { counted } from '../../counted.ts';
import type { IntervalKind, IntervalRule, Lift } from '../statistics/analysis.ts';
import { adjustedP, differenceOf, guardrailState, liftOf } from '../statistics/analysis.ts';
import { armShares, planOf } from '../assignment.ts';
import { BURN_IN } from '../statistics/confidence-sequence.ts';
import type { Estimate } from '../statistics/estimate.ts';
import { adjustedEstimates, estimateOf } from '../statistics/estimate.ts';
import type { Eligibility } from '../experiment.ts';
import { comparedArms, sharesOf } from '../experiment.ts';
import type { ArmRate, CountingHealth, ExperimentReport, GuardrailRow, ReportRow, SequencePoint, Table4Row } from './experiment-report.ts';
import type { Experiment } from '../experiment-store.ts';
import { dayText } from '../counting/exposed-list.ts';
import type { Metric } from '../metric.ts';
import { metricIndex } from '../metric.ts';
import { metricsOf } from '../own-metrics.ts';
import { minimumDetectableLift, unitsFor } from '../statistics/power.ts';
import { quantileEstimate } from '../counting/quantile-histogram.ts';
import { exactSampleRatioP, SAMPLE_RATIO_ALARM, sampleRatioP } from '../statistics/sample-ratio.ts';
import type { SufficientStatistics } from '../counting/sufficient-statistics.ts';
import { STATISTICS_LENGTH, addStatistics, inUnits } from '../counting/sufficient-statistics.ts';
import type { Cells } from '../counting/unit-contribution.ts';
import { cellKey, cellLength, DIMENSION_KIND } from '../counting/unit-contribution.ts';
import { windowOf, windowText } from './planned-window.ts';
import type { Verdict } from '../statistics/verdict.ts';
import { overallVerdict, percent, verdictOf } from '../statistics/verdict.ts';

const SEGMENT_NAMES: Readonly<Record<string, (value: string) => string>> = {
  category: (value) => `category: ${value}`,
  object: (value) => `object: ${value}`,
  surface: (value) => `surface: ${value}`,
  day: (value) => `day: ${dayText(Number(value))}`,
  same: () => 'lists: same',
  differs: () => 'lists: differ',
};

function segmentName(kind: string, value: string): string {
  if (kind === 'all') return 'all';
  return kind.startsWith(DIMENSION_KIND) ? `${kind.slice(DIMENSION_KIND.length)}: ${value}` : SEGMENT_NAMES[kind](value);
}

const EXPLORATION_METRICS = ['exploration-share', 'exploration-engagement'];

/** `cells` are those of this experiment. A figure is null until there is enough to say; a count is 0. */
export function reportOf(
  experiment: Experiment,
  cells: Cells,
  health: CountingHealth,
  kind: IntervalKind = 'always-valid',
): ExperimentReport {
  return new Reporter(experiment, cells, health, kind).report();
}

class Reporter {
  private readonly experiment: Experiment;
  private readonly cells: Cells;
  private readonly health: CountingHealth;
  private readonly rule: IntervalRule;
  private readonly days: readonly number[];
  /** All that are counted, in the order of the cells. */
  private readonly counted: readonly Metric[];
  /** Arms with rows and verdicts of their own. */
  private readonly compared: readonly number[];

  constructor(experiment: Experiment, cells: Cells, health: CountingHealth, kind: IntervalKind) {
    const { alpha, expectedUnits } = experiment.definition;
    this.experiment = experiment;
    this.cells = cells;
    this.health = health;
    this.rule = { kind, alpha, expectedUnits };
    this.compared = comparedArms(experiment.definition);
    this.counted = metricsOf(experiment.definition);
    this.days = this.valuesOf('through')
      .map(Number)
      .sort((a, b) => a - b);
  }

  report(): ExperimentReport {
    const { key, state, version, definition } = this.experiment;
    const sampleRatio = this.sampleRatio();
    const faults = this.faults(sampleRatio.p);
    const treatments = this.compared;
    const sequence = treatments.map((arm) => this.sequence(arm));
    const rows = treatments.flatMap((arm) => this.rows(arm));
    const guardrails = treatments.flatMap((arm) => this.guardrails(arm));
    const verdicts = treatments.map((arm) => this.verdict(arm, rows, guardrails, faults));
    const overall = verdicts.length > 0 ? overallVerdict(verdicts) : this.nothingCompared(faults);
    return {
      key,
      state,
      version,
      verdict: overall.verdict,
      reason: overall.reason,
      restsOn: overall.restsOn,
      interval: this.rule.kind,
      alpha: this.rule.alpha,
      sampleRatio,
      arms: definition.arms.map((arm, index) => ({
        ...verdicts.find((verdict) => verdict.arm === arm.key),
        arm: arm.key,
        weight: arm.weight,
        users: this.unitsOf(index),
        lists: this.listsOf(index),
        rates: [...this.metrics, ...this.exploration].map((metric) => this.rate(index, metric)),
      })),
      rows,
      guardrails,
      table4: this.table4(rows),
      window: windowOf(this.experiment),
      sequence: sequence.flat(),
      firstDay: treatments.flatMap((arm) => this.firstDay(arm)),
      novelty: treatments.flatMap((arm) => this.novelty(arm)),
      exposuresPerDay: this.exposuresPerDay(),
      power: this.power(),
      health: {
        crossedLists: this.health.crossed,
        modelMissingLists: this.health.modelMissing,
        withoutUnitLists: this.health.withoutUnit,
        eventsKeptApart: this.health.eventsKeptApart,
        burnInUnits: BURN_IN,
        faults,
      },
    };
  }

  private get metrics(): readonly Metric[] {
    const { metrics, guardrails } = this.experiment.definition;
    return [...new Set([...metrics, ...guardrails.map((each) => each.metric)])].map((name) => this.metric(name));
  }

  /** What became of items shown to get to know them, where an arm shows such: beside the other rates, and no row of its own. */
  private get exploration(): readonly Metric[] {
    const { arms, metrics } = this.experiment.definition;
    const explores = arms.some(({ treatment }) => (treatment.exploration?.share ?? 0) > 0);
    return explores ? EXPLORATION_METRICS.filter((name) => !metrics.includes(name)).map((name) => this.metric(name)) : [];
  }

  private metric(name: string): Metric {
    return this.counted[metricIndex(name, this.counted)];
  }

  private get deciding(): Metric {
    return this.metric(this.experiment.definition.metrics[0]);
  }

  private armKey(arm: number): string {
    return this.experiment.definition.arms[arm].key;
  }

  private statistics(arm: number, kind: string, value: string | number, metric: Metric): SufficientStatistics {
    return this.statisticsIn(this.cells.get(cellKey(arm, kind, value)), metric);
  }

  private statisticsIn(cell: Float64Array | undefined, metric: Metric): SufficientStatistics {
    const start = this.counted.indexOf(metric) * STATISTICS_LENGTH;
    const statistics = cell ? cell.slice(start, start + STATISTICS_LENGTH) : new Float64Array(STATISTICS_LENGTH);
    return metric.steps === undefined ? statistics : inUnits(statistics, metric.steps);
  }

  private unitsOf(arm: number): number {
    return this.cells.get(cellKey(arm, 'all', ''))?.[0] ?? 0;
  }

  private listsOf(arm: number): number {
    return this.statistics(arm, 'all', '', this.metric('latency-ms'))[2];
  }

  private valuesOf(kind: string): string[] {
    const values = new Set<string>();
    for (const key of this.cells.keys()) {
      // A category may have a bar in its name.
      const [, ofKind, ...value] = key.split('|');
      if (ofKind === kind) values.add(value.join('|'));
    }
    return [...values];
  }

  /** Cumulated cells at the end of each day (or hour) for one arm: prefix sums of the cells that hold gains. */
  private *through(arm: number, kind: 'through' | 'hour', values: readonly number[]): Generator<{ at: number; cell: Float64Array }> {
    const cell = new Float64Array(cellLength(this.counted));
    for (const at of values) {
      const delta = this.cells.get(cellKey(arm, kind, at));
      if (delta) addStatistics(cell, delta);
      yield { at, cell };
    }
  }

  /** p is the least over the days' ends and now: valid whenever anybody looks. */
  private sampleRatio(): ExperimentReport['sampleRatio'] {
    const arms = this.experiment.definition.arms.map((_, index) => index);
    const shares = armShares(planOf(this.experiment.definition));
    const users = arms.map((arm) => this.unitsOf(arm));
    let p = sampleRatioP(users, shares);
    const walks = arms.map((arm) => this.through(arm, 'through', this.days));
    for (let i = 0; i < this.days.length; i++) {
      const counts = walks.map((walk) => (walk.next().value as { cell: Float64Array }).cell[0]);
      p = Math.min(p, sampleRatioP(counts, shares));
    }
    return { of: 'users', p, exactP: exactSampleRatioP(users, shares), alarm: p < SAMPLE_RATIO_ALARM, users, shares };
  }

  private faults(ratioP: number): string[] {
    const { crossed, modelMissing } = this.health;
    const lists = this.experiment.definition.arms.reduce((sum, _, arm) => sum + this.listsOf(arm), 0);
    const faults: string[] = [];
    if (ratioP < SAMPLE_RATIO_ALARM) faults.push(`the arms' user counts do not fit the design (sample-ratio p = ${ratioP.toPrecision(2)})`);
    if (modelMissing > 0) faults.push(`${counted(modelMissing, 'list')} served by the control because an arm's model was missing`);
    if (crossed > 0.001 * lists) faults.push(`${counted(crossed, 'list')} met users who already were in another arm`);
    return faults;
  }

  private estimate(arm: number, kind: string, value: string | number, metric: Metric): Estimate {
    const statistics = this.statistics(arm, kind, value, metric);
    if (metric.kind !== 'quantile') return estimateOf(statistics);
    const bins = kind === 'all' ? this.cells.get(cellKey(arm, 'latency', '')) : undefined;
    if (!bins || statistics[0] < 2) return { units: statistics[0], value: Number.NaN, variance: Number.NaN };
    // As if all lists of a user were equally slow: sum d^2 / sum d, the number of lists that say as much as one.
    const designEffect = Math.max(1, statistics[4] / statistics[2]);
    return quantileEstimate(bins, metric.quantile ?? 0.5, statistics[0], designEffect);
  }

  private rate(arm: number, metric: Metric): ArmRate {
    const { name, label, kind } = metric;
    const value = finite(this.estimate(arm, 'all', '', metric).value);
    if (kind === 'quantile') return { metric: name, label, kind, value, numerator: null, denominator: null };
    const statistics = this.statistics(arm, 'all', '', metric);
    return { metric: name, label, kind, value, numerator: statistics[1], denominator: statistics[2] };
  }

  private lift(arm: number, kind: string, value: string | number, metric: Metric, rule = this.rule): Lift {
    return liftOf(this.estimate(0, kind, value, metric), this.estimate(arm, kind, value, metric), rule);
  }

  private get segmentKinds(): readonly string[] {
    return [...Object.keys(SEGMENT_NAMES), ...this.experiment.definition.dimensions.map((name) => DIMENSION_KIND + name)];
  }

  private rows(arm: number): ReportRow[] {
    const rows: ReportRow[] = [];
    for (const metric of this.metrics) {
      rows.push(this.row(arm, metric, 'all', ''));
      if (metric.kind === 'quantile') continue;
      for (const kind of this.segmentKinds) for (const value of this.valuesOf(kind).sort()) rows.push(this.row(arm, metric, kind, value));
    }
    const adjusted = adjustedP(rows.slice(1).map((row) => row.p));
    return rows.map((row, index) => ({ ...row, q: index === 0 ? row.p : adjusted[index - 1] }));
  }

  private row(arm: number, metric: Metric, kind: string, value: string): ReportRow {
    const [control, treated] = [0, arm].map((each) => this.estimate(each, kind, value, metric));
    const { lift, low, high, p } = liftOf(control, treated, this.rule);
    const fixed = liftOf(control, treated, { ...this.rule, kind: 'fixed-horizon' });
    return {
      metric: metric.name,
      label: metric.label,
      arm: this.armKey(arm),
      segment: segmentName(kind, value),
      users: treated.units,
      controlUsers: control.units,
      value: finite(treated.value),
      controlValue: finite(control.value),
      lift,
      low,
      high,
      p,
      q: null,
      fixed: { low: fixed.low, high: fixed.high, p: fixed.p },
      adjusted: this.adjusted(arm, metric, kind, value),
    };
  }

  private adjusted(arm: number, metric: Metric, kind: string, value: string): ReportRow['adjusted'] {
    if (this.experiment.definition.prePeriodDays === 0 || metric.kind === 'quantile') return null;
    const arms = [0, arm].map((each) => this.statistics(each, kind, value, metric));
    if (arms.some((each) => each[0] < 2)) return null;
    const [control, treated] = adjustedEstimates(arms);
    const { lift, low, high, p } = liftOf(control, treated, this.rule);
    return { lift, low, high, p };
  }

  private guardrails(arm: number): GuardrailRow[] {
    return this.experiment.definition.guardrails.map(({ metric: name, ...margins }) => {
      const metric = this.metric(name);
      const [control, treated] = [0, arm].map((each) => this.estimate(each, 'all', '', metric));
      const lift = margins.marginUnit === 'absolute' ? differenceOf(control, treated, this.rule) : liftOf(control, treated, this.rule);
      const state = this.emptyGuardrail(arm, metric) ? 'safe' : guardrailState(lift, metric.better, margins.margin);
      return { metric: name, arm: this.armKey(arm), ...margins, state, lift: lift.lift, low: lift.low, high: lift.high };
    });
  }

  /** Nothing bad in either arm (no empty list at all): there is no lift to compute, and no harm. */
  private emptyGuardrail(arm: number, metric: Metric): boolean {
    const sums = [0, arm].map((each) => this.statistics(each, 'all', '', metric));
    return metric.better === 'down' && sums.every((each) => each[0] >= BURN_IN / 2 && each[1] === 0);
  }

  private verdict(
    arm: number,
    rows: readonly ReportRow[],
    guardrails: readonly GuardrailRow[],
    faults: readonly string[],
  ): Verdict & { arm: string } {
    const key = this.armKey(arm);
    const row = rows.find((each) => each.arm === key && each.segment === 'all' && each.metric === this.deciding.name) as ReportRow;
    const verdict = verdictOf({
      arm: key,
      state: this.experiment.state,
      alpha: this.rule.alpha,
      armsTried: this.compared.length,
      metric: this.deciding.name,
      better: this.deciding.better,
      lift: { lift: row.lift, low: row.low, high: row.high, p: row.p, error: null },
      units: row.users + row.controlUsers,
      minimumLift: this.experiment.definition.minimumLift,
      unitsNeeded: this.power().unitsNeeded,
      window: windowText(windowOf(this.experiment)),
      guardrails: guardrails.filter((each) => each.arm === key),
      faults,
    });
    return { ...verdict, arm: key };
  }

  /** All units are in one arm: a way to try an arm by hand, or to keep one off for a while. */
  private nothingCompared(faults: readonly string[]): Verdict {
    const restsOn = [windowText(windowOf(this.experiment))];
    if (faults.length > 0) return { verdict: 'broken', reason: faults.join('; '), restsOn };
    const ended = this.experiment.state === 'stopped' || this.experiment.state === 'archived';
    return { verdict: ended ? 'do not ship' : 'keep running', reason: 'one arm gets all units, so nothing is compared', restsOn };
  }

  private sequence(arm: number): SequencePoint[] {
    return [...this.curve(arm, 'through', this.days)].map(({ at, ...point }) => ({ ...point, day: dayText(at) }));
  }

  private firstDay(arm: number): ExperimentReport['firstDay'] {
    const hours = this.valuesOf('hour')
      .map(Number)
      .sort((a, b) => a - b);
    return [...this.curve(arm, 'hour', hours)].map(({ at, ...point }) => ({ ...point, hour: at + 1 }));
  }

  /** The deciding metric of an arm as it stood after each of the values of a kind that holds gains. */
  private *curve(arm: number, kind: 'through' | 'hour', values: readonly number[]) {
    const control = this.through(0, kind, values);
    for (const { at, cell } of this.through(arm, kind, values)) {
      const other = (control.next().value as { cell: Float64Array }).cell;
      const estimates = [other, cell].map((each) => estimateOf(this.statisticsIn(each, this.deciding)));
      const { lift, low, high, p } = liftOf(estimates[0], estimates[1], this.rule);
      yield { at, arm: this.armKey(arm), users: estimates[0].units + estimates[1].units, lift, low, high, p };
    }
  }

  private novelty(arm: number): ExperimentReport['novelty'] {
    const ages = this.valuesOf('age')
      .map(Number)
      .sort((a, b) => a - b);
    return ages.map((age) => {
      const { lift, low, high, p } = this.lift(arm, 'age', age, this.deciding, { ...this.rule, kind: 'fixed-horizon' });
      const users = [0, arm].reduce((sum, each) => sum + this.statistics(each, 'age', age, this.deciding)[0], 0);
      const known = users < BURN_IN ? { lift: null, low: null, high: null, p: null } : { lift, low, high, p };
      return { arm: this.armKey(arm), daysSinceFirst: age, users, ...known };
    });
  }

  private exposuresPerDay(): ExperimentReport['exposuresPerDay'] {
    return this.days.flatMap((day) =>
      this.experiment.definition.arms.map((arm, index) => ({
        day: dayText(day),
        arm: arm.key,
        users: this.cells.get(cellKey(index, 'through', day))?.[0] ?? 0,
      })),
    );
  }

  private power(): ExperimentReport['power'] {
    const { alpha, minimumLift } = this.experiment.definition;
    const [first] = this.compared;
    const statistics = this.statistics(0, 'all', '', this.deciding);
    if (first === undefined || statistics[0] < 100 || statistics[1] === 0) return { minimumDetectableLift: null, unitsNeeded: null };
    const plan = { alpha, power: 0.8, shares: sharesOf(this.experiment.definition, first) };
    const model = this.deciding.kind === 'proportion' ? 'proportion' : 'scaled';
    return {
      minimumDetectableLift: minimumDetectableLift(statistics, this.unitsOf(0) + this.unitsOf(first), plan),
      unitsNeeded: minimumLift > 0 ? unitsFor(statistics, minimumLift, plan, model) : null,
    };
  }

  private table4(rows: readonly ReportRow[]): Table4Row[] {
    const { arms } = this.experiment.definition;
    const queries = queriesText(this.experiment.definition.eligibility);
    const control: Table4Row = {
      features: `${arms[0].key} (control)`,
      queries: '-',
      engagement: '-',
      interval: '-',
      users: this.unitsOf(0),
    };
    const others = this.compared.map((index): Table4Row => {
      const arm = arms[index];
      const row = rows.find((each) => each.arm === arm.key && each.segment === 'all' && each.metric === this.deciding.name) as ReportRow;
      const interval = row.low === null || row.high === null ? 'not yet' : `${percent(row.low)} to ${percent(row.high)}`;
      return {
        features: arm.key,
        queries,
        engagement: row.lift === null ? 'unknown' : percent(row.lift),
        interval,
        users: row.users,
      };
    });
    return [control, ...others];
  }
}

/** Which queries took part: "5,000 most saved, art, with a dominant object". */
function queriesText({ querySet, categories, dominantObject, surfaces }: Eligibility): string {
  const parts: string[] = [];
  if (querySet && 'popular' in querySet) parts.push(`${querySet.popular.toLocaleString('en')} most saved`);
  if (querySet && 'pinIds' in querySet) parts.push(`${querySet.pinIds.length.toLocaleString('en')} listed`);
  if (categories) parts.push(categories.join(', '));
  if (dominantObject !== undefined) parts.push(dominantObject ? 'with a dominant object' : 'without a dominant object');
  if (surfaces) parts.push(surfaces.join(', '));
  return parts.join('; ') || 'all';
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
