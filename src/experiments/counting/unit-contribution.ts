/**
 * What one unit adds to the cells of an experiment: a pure function of its lists, so that a unit's old contribution can
 * be taken back and the new one added, whatever came late, twice or out of order.
 *
 * A cell is (arm, kind, value). Kinds:
 *   all, category, object, surface, day   the unit's totals over its lists of that slice
 *   dimension NAME                        the same by the labels that callers gave their lists
 *   same, differs                         over lists whose counterfactual was computed
 *   age                                   over lists served n calendar days after the first (novelty)
 *   through                               per day d, totals through d minus totals through d - 1: prefix sums over days
 *                                         give the statistics as they stood at the end of every day
 *   hour                                  the same per hour of the first 24 hours of the experiment
 *   latency                               a histogram of list latencies instead of statistics
 */
import type { ExposedList } from './exposed-list.ts';
import { HAS_DOMINANT, IS_DEGRADED, IS_SEARCH, PRE_PERIOD, WOULD_BE_SAME, WOULD_DIFFER, dayOf } from './exposed-list.ts';
import type { Metric, UnitTotals } from '../metric.ts';
import { HISTOGRAM_BINS, binOf } from './quantile-histogram.ts';
import { STATISTICS_LENGTH, addUnit } from './sufficient-statistics.ts';

/** Length of a cell: the statistics of every metric, one after the other. */
export function cellLength(metrics: readonly Metric[]): number {
  return metrics.length * STATISTICS_LENGTH;
}

/** The kind of the cells that a dimension has. */
export const DIMENSION_KIND = 'dimension ';

/** Cells by key; `cellKey` makes the keys. */
export type Cells = Map<string, Float64Array>;

/** `arm|kind|value`: index of the arm, one of the kinds above, and a value without a bar. */
export function cellKey(arm: number, kind: string, value: string | number): string {
  return `${arm}|${kind}|${value}`;
}

/** What of a definition the counting needs. */
export interface CountingRule {
  readonly impressionsFrom: 'served' | 'events';
  readonly metrics: readonly Metric[];
  /** Dimensions whose labels get cells of their own. */
  readonly dimensions: readonly string[];
  /** Cap per metric in its steps, Infinity for none, in the order of `metrics`. */
  readonly caps: readonly number[];
  /** When the 24 hours begin that are counted by the hour, epoch milliseconds; null: none are. */
  readonly byHourFrom?: number | null;
}

/** What became of a unit; `arm` is the index of the arm it counts for. */
interface UnitOutcome {
  readonly arm: number;
  /** Lists of this unit that carried another arm: served, not counted. */
  readonly crossed: number;
}

/**
 * Adds (sign 1) or takes back (sign -1) a unit. `lists` are all of its rows in the experiment, by time then listIndex.
 * The unit belongs to the arm of its first list. Returns null when it was never exposed.
 */
export function contribute(cells: Cells, lists: readonly ExposedList[], rule: CountingRule, sign: number): UnitOutcome | null {
  const first = lists.find((list) => list.arm !== PRE_PERIOD);
  if (!first) return null;
  const counter = new UnitCounter(cells, first.arm, covariatesOf(lists, rule), rule, sign);
  let crossed = 0;
  for (const list of lists) {
    if (list.arm === PRE_PERIOD) continue;
    if (list.arm !== first.arm) {
      crossed++;
      continue;
    }
    counter.take(list, first.at);
  }
  counter.finish();
  return { arm: first.arm, crossed };
}

const HOUR_MS = 3_600_000;
/** Hours that are counted one by one. */
const HOURS = 24;

/** A unit's totals so far, as a bucket of time after the other closes over them. */
class Gains {
  readonly kind: 'through' | 'hour';
  readonly totals = newTotals();
  bucket = Number.NaN;
  before: Float64Array | null = null;

  constructor(kind: 'through' | 'hour') {
    this.kind = kind;
  }
}

class UnitCounter {
  private readonly cells: Cells;
  private readonly arm: number;
  private readonly covariates: Float64Array | null;
  private readonly rule: CountingRule;
  private readonly sign: number;
  private readonly slices = new Map<string, UnitTotals>();
  private readonly days: Gains;
  private readonly hours: Gains;
  private readonly length: number;
  private firstAt = Number.NaN;

  constructor(cells: Cells, arm: number, covariates: Float64Array | null, rule: CountingRule, sign: number) {
    this.cells = cells;
    this.arm = arm;
    this.covariates = covariates;
    this.rule = rule;
    this.sign = sign;
    this.length = cellLength(rule.metrics);
    this.days = new Gains('through');
    this.hours = new Gains('hour');
  }

  take(list: ExposedList, firstAt: number): void {
    const day = dayOf(list.at);
    if (Number.isNaN(this.firstAt)) this.firstAt = firstAt;
    this.count(this.days, day, list);
    const { byHourFrom = null } = this.rule;
    const hour = byHourFrom === null ? Number.NaN : Math.floor((list.at - byHourFrom) / HOUR_MS);
    if (hour >= 0 && hour < HOURS) this.count(this.hours, hour, list);
    this.slice('day', day, list);
    this.slice('age', day - dayOf(firstAt), list);
    this.slice('surface', list.surface, list);
    if (list.category !== '') this.slice('category', list.category, list);
    this.slice('object', (list.flags & HAS_DOMINANT) !== 0 ? 'dominant' : 'none', list);
    if (list.labels !== '') this.byDimension(list);
    if ((list.flags & WOULD_BE_SAME) !== 0) this.slice('same', '', list);
    if ((list.flags & WOULD_DIFFER) !== 0) this.slice('differs', '', list);
    cellOf(this.cells, cellKey(this.arm, 'latency', ''), HISTOGRAM_BINS)[binOf(list.latencyMs)] += this.sign;
  }

  finish(): void {
    this.close(this.days);
    this.close(this.hours);
    this.addWhole(cellKey(this.arm, 'all', ''));
    for (const [key, totals] of this.slices) {
      if (totals.lists === this.days.totals.lists) this.addWhole(key);
      else addTotals(cellOf(this.cells, key, this.length), totals, this.covariates, this.rule, this.sign);
    }
  }

  private byDimension(list: ExposedList): void {
    const labels = JSON.parse(list.labels) as Readonly<Record<string, string>>;
    for (const name of this.rule.dimensions) if (Object.hasOwn(labels, name)) this.slice(DIMENSION_KIND + name, labels[name], list);
  }

  private slice(kind: string, value: string | number, list: ExposedList): void {
    const key = cellKey(this.arm, kind, value);
    let totals = this.slices.get(key);
    if (!totals) this.slices.set(key, (totals = newTotals()));
    addList(totals, list, this.rule, this.firstAt);
  }

  private count(gains: Gains, bucket: number, list: ExposedList): void {
    if (bucket !== gains.bucket) this.close(gains);
    gains.bucket = bucket;
    addList(gains.totals, list, this.rule, this.firstAt);
  }

  /** The bucket's cell gets the totals so far, less what the bucket before had. */
  private close(gains: Gains): void {
    if (Number.isNaN(gains.bucket)) return;
    const cell = cellOf(this.cells, cellKey(this.arm, gains.kind, gains.bucket), this.length);
    const now = new Float64Array(this.length);
    addTotals(now, gains.totals, this.covariates, this.rule, 1);
    const { before } = gains;
    for (let i = 0; i < this.length; i++) {
      const gained = before ? now[i] - before[i] : now[i];
      if (gained !== 0) cell[i] += this.sign * gained;
    }
    gains.before = now;
  }

  /** Adds the unit's whole totals, which the last day's closing has already turned into statistics. */
  private addWhole(key: string): void {
    const cell = cellOf(this.cells, key, this.length);
    const whole = this.days.before as Float64Array;
    for (let i = 0; i < this.length; i++) if (whole[i] !== 0) cell[i] += this.sign * whole[i];
  }
}

function cellOf(cells: Cells, key: string, length: number): Float64Array {
  let cell = cells.get(key);
  if (!cell) cells.set(key, (cell = new Float64Array(length)));
  return cell;
}

function newTotals(): UnitTotals {
  return {
    lists: 0,
    impressions: 0,
    shown: 0,
    closeups: 0,
    clicks: 0,
    longClicks: 0,
    saves: 0,
    engaged: 0,
    hides: 0,
    explored: 0,
    exploredEngaged: 0,
    emptyLists: 0,
    degradedLists: 0,
    latencyMs: 0,
    searchImpressions: 0,
    searchSaves: 0,
    firstSaveSeconds: -1,
    own: [],
  };
}

/** Visual search has its own propensity: its impressions and saves count there and in the totals of the lists. */
function addList(totals: UnitTotals, list: ExposedList, rule: CountingRule, firstAt: number): void {
  const seen = rule.impressionsFrom === 'served' ? list.shown : list.impressions;
  totals.lists++;
  totals.impressions += seen;
  totals.shown += list.shown;
  totals.closeups += list.closeups;
  totals.clicks += list.clicks;
  totals.longClicks += list.longClicks;
  totals.saves += list.saves;
  totals.engaged += list.engaged;
  totals.hides += list.hides;
  totals.explored += list.explored;
  totals.exploredEngaged += list.exploredEngaged;
  totals.latencyMs += list.latencyMs;
  if (list.shown === 0) totals.emptyLists++;
  if ((list.flags & IS_DEGRADED) !== 0) totals.degradedLists++;
  if ((list.flags & IS_SEARCH) !== 0) {
    totals.searchImpressions += seen;
    totals.searchSaves += list.saves;
  }
  if (list.values !== '') list.values.split(' ').forEach((value, i) => (totals.own[i] = (totals.own[i] ?? 0) + Number(value)));
  if (list.firstSaveSeconds >= 0 && firstAt > 0) {
    const seconds = list.firstSaveSeconds + Math.floor((list.at - firstAt) / 1000);
    if (totals.firstSaveSeconds < 0 || seconds < totals.firstSaveSeconds) totals.firstSaveSeconds = seconds;
  }
}

function addTotals(cell: Float64Array, totals: UnitTotals, covariates: Float64Array | null, rule: CountingRule, sign: number): void {
  const { metrics, caps } = rule;
  for (let metric = 0; metric < metrics.length; metric++) {
    const numerator = Math.min(metrics[metric].numerator(totals), caps[metric]);
    const denominator = metrics[metric].denominator(totals);
    addUnit(cell, numerator, denominator, covariates ? covariates[metric] : 0, sign, metric * STATISTICS_LENGTH);
  }
}

/** A unit's totals over lists in order of time. */
export function unitTotals(lists: readonly ExposedList[], rule: CountingRule): UnitTotals {
  const totals = newTotals();
  for (const list of lists) addList(totals, list, rule, lists[0].at);
  return totals;
}

/** The unit's numerators over its lists of the pre-period; null without one. */
function covariatesOf(lists: readonly ExposedList[], rule: CountingRule): Float64Array | null {
  if (lists.length === 0 || lists[0].arm !== PRE_PERIOD) return null;
  const totals = unitTotals(
    lists.filter((list) => list.arm === PRE_PERIOD),
    rule,
  );
  return Float64Array.from(rule.metrics, (metric, index) => Math.min(metric.numerator(totals), rule.caps[index]));
}
