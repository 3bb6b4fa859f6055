/**
 * Who met which arm, and what came of it: derived from the served-list log and the events, never written by serving.
 *
 * `sync` reads what is new in the log, takes back the contribution of every unit it touches, changes the unit's rows and
 * adds the new contribution, all in one transaction with the cursors: a killed process counts nothing twice and loses
 * nothing, and late, repeated or out-of-order events end in the same cells as a rebuild from the raw log.
 */
import { setImmediate } from 'node:timers/promises';
import type { EngagementLog, LoggedEvent } from '../../catalog/log/engagement-log.ts';
import { exploredPins } from '../../catalog/log/served-list.ts';
import type { ServedListLog, StoredList } from '../../catalog/log/served-list-log.ts';
import { ServiceError } from '../../errors.ts';
import type { QueryFacts } from '../assignment.ts';
import { NO_UNIT, readArmsText } from '../assignment.ts';
import type { EventType } from '../../catalog/pins/records.ts';
import type { ExperimentDefinition } from '../experiment.ts';
import type { Experiment } from '../experiment-store.ts';
import type { ExposedList } from './exposed-list.ts';
import { DAY_MS, HAS_DOMINANT, IS_DEGRADED, IS_SEARCH, MODEL_MISSING, PRE_PERIOD, WOULD_BE_SAME, WOULD_DIFFER } from './exposed-list.ts';
import type { ExposureProgress, ExposureStore } from './exposure-store.ts';
import type { Forecast } from '../statistics/forecast.ts';
import { ForecastHistory } from '../statistics/forecast.ts';
import { metricsOf, type OwnMetric, VALUE_STEPS } from '../own-metrics.ts';
import type { Cells, CountingRule } from './unit-contribution.ts';
import { contribute } from './unit-contribution.ts';

/** The log, as this file reads it. */
export interface RawLog {
  readonly lists: Pick<ServedListLog, 'listsAfter' | 'find' | 'lists' | 'headOf' | 'firstIndex' | 'lastIndex'>;
  readonly events: Pick<EngagementLog, 'eventsAfter' | 'eventsOf' | 'countStrays' | 'lastIndex'>;
}

/** What the segments need to know about a list's query. */
export interface QuerySegment {
  /** Its strongest site-wide category; '' unknown. */
  readonly category: string;
  readonly hasDominantObject: boolean;
}

/** Tells the segments of a list's query; `describeByCatalog` makes one. */
export type DescribeQuery = (list: StoredList) => QuerySegment;

/** Which history to read: lists of the `days` before `now` (epoch milliseconds). */
export interface ForecastQuestion {
  readonly now: number;
  readonly days: number;
  /** Share of units kept out of every experiment. */
  readonly holdout: number;
  /** What eligibility asks about a logged list. */
  readonly factsOf: (list: StoredList, query: QuerySegment) => QueryFacts;
  readonly listsMax: number;
}

const NO_PINS: ReadonlySet<number> = new Set();
const PAGE = 2000;
/** Lists between two turns of the event loop. */
const FORECAST_BREATH = 500;

/** What a sync read. It counts page by page: a unit that two pages touch counts twice. */
interface SyncReceipt {
  readonly lists: number;
  readonly events: number;
  /** Units whose contribution was counted again. */
  readonly units: number;
}

/** Counts experiments one at a time; all that it knows lies in the store. */
export class ExposureLog {
  private readonly store: ExposureStore;
  private readonly log: RawLog;
  private readonly describe: DescribeQuery;

  constructor(store: ExposureStore, log: RawLog, describe: DescribeQuery) {
    this.store = store;
    this.log = log;
    this.describe = describe;
  }

  /** Counts what the log has gained. Pages, so memory stays flat; returns when nothing is left (or `stop` says so). */
  sync(experiment: Experiment, stop: () => boolean = () => false): SyncReceipt {
    const total = { lists: 0, events: 0, units: 0 };
    while (!stop()) {
      const page = this.store.transaction(() => this.page(experiment, PAGE));
      total.lists += page.lists;
      total.events += page.events;
      total.units += page.units;
      if (!page.more) break;
    }
    return total;
  }

  /**
   * Counts everything again from the raw log; ends in the same cells to the last count.
   * Throws EXPERIMENT_STATE when the log no longer holds what was counted.
   */
  rebuild(experiment: Experiment): SyncReceipt {
    const { number } = this.store.progressOf(experiment.key);
    const counted = this.store.firstListIndex(number);
    if (counted !== null && counted < (this.log.lists.firstIndex() ?? Number.POSITIVE_INFINITY)) {
      const reason = 'its oldest lists were deleted from the log: counting again would lose them';
      throw new ServiceError('EXPERIMENT_STATE', { key: experiment.key, state: experiment.state, reason });
    }
    this.store.transaction(() => this.store.clear(number));
    return this.sync(experiment);
  }

  /** What the log's last days say about the units that a definition would meet; reads no more than `listsMax` lists. */
  async forecast(
    experiment: Pick<Experiment, 'key' | 'definition'>,
    { now, days, holdout, factsOf, listsMax }: ForecastQuestion,
  ): Promise<Forecast> {
    const history = new ForecastHistory(experiment.definition, holdout, countingRule({ ...experiment, startedAt: null }));
    let read = 0;
    for (const list of this.log.lists.lists({ from: now - days * DAY_MS, to: now })) {
      if (++read > listsMax) break;
      if (read % FORECAST_BREATH === 0) await setImmediate();
      const unit = unitOf(experiment, list);
      const row = unit === null ? null : this.countedRow(experiment, list, unit, 0);
      history.add(list, row, factsOf(list, this.describe(list)));
    }
    return history.forecast(days, read <= listsMax);
  }

  /** Counts at most one page; whether there was anything to count. */
  step(experiment: Experiment, page: number): boolean {
    return this.isBehind(experiment) && this.store.transaction(() => this.page(experiment, page)).more;
  }

  /** Asks without writing: nothing is locked when nothing is new. */
  private isBehind({ key }: Experiment): boolean {
    const { listCursor, eventCursor, counterfactualCursor, addedUp } = this.store.progressOf(key);
    return (
      addedUp === 0 ||
      this.log.lists.lastIndex() > listCursor ||
      this.log.events.lastIndex() > eventCursor ||
      this.store.counterfactualsAfter(counterfactualCursor, 1).length > 0
    );
  }

  private page(experiment: Experiment, size: number): SyncReceipt & { readonly more: boolean } {
    if (this.store.progressOf(experiment.key).addedUp === 0) this.addUp(experiment);
    const progress = this.store.progressOf(experiment.key);
    const lists = this.log.lists.listsAfter(progress.listCursor, size);
    const events = this.log.events.eventsAfter(progress.eventCursor, size);
    const marks = this.store.counterfactualsAfter(progress.counterfactualCursor, size);
    if (lists.length + events.length + marks.length === 0) return { lists: 0, events: 0, units: 0, more: false };
    const changed = new Map<string, ExposedList[]>();
    const fresh = new Set<number>();
    let modelMissing = 0;
    let withoutUnit = 0;
    for (const list of lists) {
      if (isWithoutUnit(experiment, list)) withoutUnit++;
      const row = this.rowOf(experiment, list);
      if (!row) continue;
      if ((row.flags & MODEL_MISSING) !== 0) modelMissing++;
      fresh.add(row.listIndex);
      push(changed, row.unit, row);
    }
    const marked = this.markedLists(marks, experiment.key);
    for (const listIndex of new Set([...events.map((event) => event.listIndex), ...marked.keys()])) {
      if (fresh.has(listIndex)) continue;
      const old = this.store.listRow(progress.number, listIndex);
      const row = old && this.renewed(old, marked.get(listIndex), experiment);
      // Events that were there when their list was first read have been counted with it.
      if (row && !sameRow(old, row)) push(changed, row.unit, row);
    }
    const crossed = this.recount(experiment, progress, changed);
    this.store.saveProgress({
      number: progress.number,
      listCursor: lists.at(-1)?.listIndex ?? progress.listCursor,
      eventCursor: events.at(-1)?.eventIndex ?? progress.eventCursor,
      counterfactualCursor: marks.at(-1)?.number ?? progress.counterfactualCursor,
      crossed: progress.crossed + crossed,
      modelMissing: progress.modelMissing + modelMissing,
      withoutUnit: progress.withoutUnit + withoutUnit,
      addedUp: 1,
    });
    return { lists: lists.length, events: events.length, units: changed.size, more: true };
  }

  /** The cells, from the rows that were counted: lists that the log no longer holds stay. */
  private addUp(experiment: Experiment): void {
    const progress = this.store.progressOf(experiment.key);
    this.store.writeCells(progress.number, recountCells(this.store, experiment));
    this.store.saveProgress({ ...progress, addedUp: 1 });
  }

  /** Row number of a list that got a counterfactual mark -> the mark's bit. */
  private markedLists(marks: readonly { recommendationId: string; experiment: string }[], key: string): Map<number, number> {
    const marked = new Map<number, number>();
    for (const { recommendationId, experiment } of marks) {
      const list = experiment === key ? this.log.lists.find(recommendationId) : null;
      if (list) marked.set(list.listIndex, this.markOf(recommendationId, key));
    }
    return marked;
  }

  /** Old contributions out, rows changed, new contributions in; only the cells that moved are written. */
  private recount(experiment: Experiment, { number }: ExposureProgress, changed: ReadonlyMap<string, readonly ExposedList[]>): number {
    const rule = countingRule(experiment);
    const deltas: Cells = new Map();
    let crossed = 0;
    for (const [unit, rows] of changed) {
      const before = this.store.unitLists(number, unit);
      crossed -= contribute(deltas, before, rule, -1)?.crossed ?? 0;
      for (const row of rows) this.store.put(number, row);
      crossed += contribute(deltas, this.store.unitLists(number, unit), rule, 1)?.crossed ?? 0;
    }
    this.addToCells(number, deltas);
    return crossed;
  }

  private addToCells(number: number, deltas: Cells): void {
    const cells = this.store.readCells(number);
    for (const [key, delta] of deltas) {
      const cell = cells.get(key);
      if (cell) for (let i = 0; i < delta.length; i++) delta[i] += cell[i];
    }
    this.store.writeCells(number, deltas);
  }

  /** The row of a served list, or null when it is not of this experiment. */
  private rowOf(experiment: Experiment, list: StoredList): ExposedList | null {
    const unit = unitOf(experiment, list);
    if (unit === null || list.forced) return null;
    const arm = armOf(experiment, list);
    return arm === null ? null : this.countedRow(experiment, list, unit, arm);
  }

  private countedRow(experiment: Pick<Experiment, 'key' | 'definition'>, list: StoredList, unit: string, arm: number): ExposedList {
    const query = this.describe(list);
    let shown = 0;
    for (let i = 0; i < list.items.count; i++) if (list.items.positions[i] > 0) shown++;
    const explored = exploredPins(list.items);
    return {
      unit,
      at: list.at,
      listIndex: list.listIndex,
      arm,
      surface: list.surface,
      category: query.category,
      flags: this.flagsOf(list, query, experiment.key),
      shown,
      ...this.actionsOn(list.listIndex, list.at, experiment, explored),
      explored: explored.size,
      latencyMs: Math.round(list.latencyMs),
      labels: list.labels ? JSON.stringify(list.labels) : '',
    };
  }

  private flagsOf(list: StoredList, query: QuerySegment, key: string): number {
    return (
      (query.hasDominantObject ? HAS_DOMINANT : 0) |
      (list.degraded.length > 0 ? IS_DEGRADED : 0) |
      (list.degraded.some((code) => code.startsWith('RANKER_MODEL')) ? MODEL_MISSING : 0) |
      (list.surface === 'visual-search' ? IS_SEARCH : 0) |
      this.markOf(list.recommendationId, key)
    );
  }

  private markOf(recommendationId: string, key: string): number {
    const same = this.store.counterfactualOf(recommendationId, key);
    return same === null ? 0 : same ? WOULD_BE_SAME : WOULD_DIFFER;
  }

  /** A row with what came since: actions, and the mark when it got one. */
  private renewed(old: ExposedList, mark: number | undefined, experiment: Experiment): ExposedList {
    const flags = mark === undefined ? old.flags : (old.flags & ~(WOULD_BE_SAME | WOULD_DIFFER)) | mark;
    const list = old.explored > 0 ? this.log.lists.headOf(old.listIndex) : null;
    const explored = list === null ? NO_PINS : exploredPins(list.items);
    return { ...old, flags, ...this.actionsOn(old.listIndex, old.at, experiment, explored) };
  }

  /** What people did with a list within the attribution window of the action: items, each counted once per kind of action. */
  private actionsOn(listIndex: number, servedAt: number, { definition }: Pick<Experiment, 'definition'>, explored: ReadonlySet<number>) {
    const attribution = attributionOf(definition);
    const pins = {
      impression: new Set<number>(),
      closeup: new Set<number>(),
      click: new Set<number>(),
      longClick: new Set<number>(),
      save: new Set<number>(),
      hide: new Set<number>(),
    };
    let firstSave = Number.POSITIVE_INFINITY;
    const attributed = this.log.events.eventsOf(listIndex).filter((event) => event.at <= servedAt + attribution(event.type));
    for (const event of attributed) {
      if (event.type === 'unhide') pins.hide.delete(event.pinIndex);
      else pins[event.type].add(event.pinIndex);
      if (event.type === 'save') firstSave = Math.min(firstSave, Math.max(servedAt, event.at));
    }
    const engaged = new Set([...pins.click, ...pins.longClick, ...pins.save]);
    return {
      impressions: pins.impression.size,
      closeups: pins.closeup.size,
      clicks: new Set([...pins.click, ...pins.longClick]).size,
      longClicks: pins.longClick.size,
      saves: pins.save.size,
      hides: pins.hide.size,
      engaged: engaged.size,
      exploredEngaged: explored.size === 0 ? 0 : [...engaged].filter((pin) => explored.has(pin)).length,
      firstSaveSeconds: Number.isFinite(firstSave) ? Math.floor((firstSave - servedAt) / 1000) : -1,
      values: valuesOf(definition.ownMetrics, attributed),
    };
  }
}

/** For each metric the sum of the values of its events, in steps, and their number; '' where none has a value. */
function valuesOf(metrics: readonly OwnMetric[], events: readonly LoggedEvent[]): string {
  const withValue = metrics.length === 0 ? [] : events.filter(({ value }) => value !== null);
  if (withValue.length === 0) return '';
  return metrics
    .flatMap((metric) => {
      const counted = withValue.filter(({ type }) => metric.events.includes(type));
      return [counted.reduce((sum, { value }) => sum + Math.round(VALUE_STEPS * (value ?? 0)), 0), counted.length];
    })
    .join(' ');
}

/** How long after a list an action of a kind is still its doing, in milliseconds. */
export function attributionOf({ attributionHours, attribution }: ExperimentDefinition): (type: EventType) => number {
  const hours = (type: EventType): number | undefined =>
    type === 'impression' ? undefined : attribution[type === 'unhide' ? 'hide' : type];
  return (type) => 3_600_000 * (hours(type) ?? attributionHours);
}

/** The list's unit in an experiment; null when the request named none. */
function unitOf({ definition }: Pick<Experiment, 'definition'>, list: StoredList): string | null {
  return definition.unit === 'session' ? (list.sessionId ?? null) : list.userId;
}

/** It was eligible and named no unit of the experiment's kind: not enrolled. */
function isWithoutUnit({ key }: Experiment, list: StoredList): boolean {
  return !list.forced && readArmsText(list.arm).some((each) => each.experiment === key && each.arm === NO_UNIT);
}

/** The arm's index by the log's text; PRE_PERIOD for a list of the pre-period; null: neither. */
function armOf(experiment: Experiment, list: StoredList): number | null {
  const { definition, startedAt } = experiment;
  const key = readArmsText(list.arm).find((each) => each.experiment === experiment.key)?.arm;
  if (key !== undefined) {
    const arm = definition.arms.findIndex((each) => each.key === key);
    return arm < 0 ? null : arm;
  }
  if (definition.prePeriodDays === 0 || startedAt === null) return null;
  const inside = list.at < startedAt && list.at >= startedAt - definition.prePeriodDays * DAY_MS;
  return inside ? PRE_PERIOD : null;
}

/** What of a definition the counting needs; a metric without a cap has Infinity. */
export function countingRule({ definition, startedAt }: Pick<Experiment, 'definition' | 'startedAt'>): CountingRule {
  const metrics = metricsOf(definition);
  return {
    impressionsFrom: definition.impressionsFrom,
    metrics,
    dimensions: definition.dimensions,
    caps: metrics.map(({ name, steps = 1 }) => (definition.caps[name] ?? Number.POSITIVE_INFINITY) * steps),
    byHourFrom: definition.curveByHour ? startedAt : null,
  };
}

/** Counts the stored rows again, a unit in memory at a time: what a rebuild from the raw log must agree with. */
export function recountCells(store: ExposureStore, experiment: Experiment, onProgress?: (units: number) => void): Cells {
  const cells: Cells = new Map();
  const rule = countingRule(experiment);
  let units = 0;
  for (const lists of store.units(store.progressOf(experiment.key).number)) {
    contribute(cells, lists, rule, 1);
    if (++units % 100_000 === 0) onProgress?.(units);
  }
  return cells;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function sameRow(a: ExposedList, b: ExposedList): boolean {
  for (const name of Object.keys(a) as (keyof ExposedList)[]) if (a[name] !== b[name]) return false;
  return true;
}
