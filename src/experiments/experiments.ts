/** The one core that HTTP, the command line and the page share: define, start, watch, stop, decide. */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Database, DatabaseOptions } from '../catalog/database.ts';
import { openDatabase } from '../catalog/database.ts';
import type { StoredList } from '../catalog/log/served-list-log.ts';
import type { NameUser } from '../catalog/pins/user-pseudonym.ts';
import { ActiveExperiments } from './active-experiments.ts';
import type { IntervalKind } from './statistics/analysis.ts';
import type { KnownParts } from './experiment.ts';
import { readDefinition } from './experiment.ts';
import type { Author, Experiment } from './experiment-store.ts';
import { ExperimentStore } from './experiment-store.ts';
import type { DescribeQuery, ForecastQuestion, RawLog } from './counting/exposure-log.ts';
import { PRE_PERIOD } from './counting/exposed-list.ts';
import { ExposureLog } from './counting/exposure-log.ts';
import { ExposureStore } from './counting/exposure-store.ts';
import type { Forecast } from './statistics/forecast.ts';
import { JudgementStore } from './judgement-store.ts';
import { interleavedReport } from './report/interleaving-report.ts';
import type { CountingHealth, ExperimentReport } from './report/experiment-report.ts';
import { reportOf } from './report/report.ts';

/** Rows of the log that are counted in one go while requests are served. */
const POLITE_PAGE = 200;

/** The list on which a unit first met its arm. */
export interface FirstExposure {
  readonly unit: string;
  readonly arm: string;
  readonly list: StoredList;
}

interface ExperimentsOptions {
  readonly log: RawLog;
  readonly describe: DescribeQuery;
  /** Share of units kept out of every experiment. */
  readonly holdout: number;
  /** The names under which users are stored; absent: their ids. */
  readonly nameUser?: NameUser;
  /** Whether a model that an arm names can still be served; absent: all can. */
  readonly hasModel?: (name: string) => boolean;
}

export class Experiments {
  readonly database: Database;
  readonly store: ExperimentStore;
  readonly exposures: ExposureStore;
  readonly judgements: JudgementStore;
  readonly active: ActiveExperiments;
  private readonly exposureLog: ExposureLog;
  private readonly log: RawLog;
  private readonly holdout: number;
  private readonly interleaved = new Map<string, { readonly stamp: string; readonly report: ExperimentReport }>();

  constructor(database: Database, options: ExperimentsOptions) {
    this.database = database;
    this.store = new ExperimentStore(database, options.nameUser);
    this.exposures = new ExposureStore(database);
    this.judgements = new JudgementStore(database, options.nameUser);
    this.active = new ActiveExperiments(this.store, options.holdout, options.hasModel);
    this.exposureLog = new ExposureLog(this.exposures, options.log, options.describe);
    this.log = options.log;
    this.holdout = options.holdout;
  }

  /** Reads, checks and stores a definition. Throws EXPERIMENT_INVALID naming the field, or EXPERIMENT_STATE. */
  define(input: unknown, known: KnownParts, author: Author): Experiment {
    const definition = readDefinition(input, this.knownOf(input, known));
    // Who may not see the units that were put into an arm by hand leaves them as they are.
    const before = (input as { forced?: unknown }).forced === undefined ? this.store.find(definition.key)?.definition.forced : undefined;
    const kept = Object.entries(before ?? definition.forced).filter(([, arm]) => definition.arms.some(({ key }) => key === arm));
    return this.store.define({ ...definition, forced: Object.fromEntries(kept) }, author);
  }

  /** One that runs keeps the metrics it began with, whatever the file says now. */
  private knownOf(input: unknown, known: KnownParts): KnownParts {
    const { key } = (input ?? {}) as { readonly key?: unknown };
    const before = typeof key === 'string' ? this.store.find(key) : null;
    if (before === null || before.state === 'draft') return known;
    const { ownMetrics, dimensions } = before.definition;
    return { ...known, own: { metrics: ownMetrics, dimensions: Object.fromEntries(dimensions.map((name) => [name, []])) } };
  }

  /**
   * Counts what the log has gained since, then reports from the counts. `rebuild` counts everything again.
   * Throws EXPERIMENT_UNKNOWN; a rebuild also EXPERIMENT_STATE when the log no longer holds what was counted.
   */
  report(key: string, kind: IntervalKind = 'always-valid', rebuild = false): ExperimentReport {
    const experiment = this.store.get(key);
    if (rebuild) this.exposureLog.rebuild(experiment);
    else this.exposureLog.sync(experiment);
    return this.reportAsCounted(experiment, kind);
  }

  /** The report from the counts as they stand. */
  reportAsCounted(experiment: Experiment, kind: IntervalKind = 'always-valid'): ExperimentReport {
    const progress = this.exposures.progressOf(experiment.key);
    const health = { ...progress, eventsKeptApart: this.log.events.countStrays() };
    if (experiment.definition.design === 'interleaved') return this.interleavedReport(experiment, health, kind);
    return reportOf(experiment, this.exposures.readCells(progress.number), health, kind);
  }

  /** Counts what the log has gained, a little at a time: between two pages others have their turn. */
  async catchUp(experiment: Experiment): Promise<void> {
    if (experiment.state === 'draft') return;
    while (this.exposureLog.step(experiment, POLITE_PAGE)) await setImmediate();
  }

  /** `catchUp` for each running experiment in turn. */
  async catchUpRunning(): Promise<void> {
    for (const experiment of this.store.running()) await this.catchUp(experiment);
  }

  /** Each unit's first exposure with the list it was, in order of units after `after`. */
  firstExposures(key: string, after: string, limit: number): readonly FirstExposure[] {
    const { definition } = this.store.get(key);
    const { number } = this.exposures.progressOf(key);
    return this.exposures.unitsAfter(number, after, limit).flatMap((unit) => {
      const first = this.exposures.unitLists(number, unit).find((list) => list.arm !== PRE_PERIOD);
      const list = first && this.log.lists.headOf(first.listIndex);
      return first && list ? [{ unit, arm: definition.arms[first.arm].key, list }] : [];
    });
  }

  /** The newest lists on which the arms differ. */
  differingLists(key: string, limit: number): readonly StoredList[] {
    const ids = this.exposures.differingLists(this.store.get(key).key, limit);
    return ids.map((id) => this.log.lists.find(id)).filter((list): list is StoredList => list !== null);
  }

  /** What an experiment could find if it ran for `days`, by the log of as many days before now. */
  forecast(key: string, question: Omit<ForecastQuestion, 'holdout'>): Promise<Forecast> {
    return this.exposureLog.forecast(this.store.get(key), { ...question, holdout: this.holdout });
  }

  /** The same of a definition that is not kept yet, for the days that it plans. Throws EXPERIMENT_INVALID naming the field. */
  forecastOf(input: unknown, known: KnownParts, ask: (days: number) => Omit<ForecastQuestion, 'holdout'>): Promise<Forecast> {
    const definition = readDefinition(input, known);
    const question = ask(Math.ceil(definition.plannedDays));
    return this.exposureLog.forecast({ key: definition.key, definition }, { ...question, holdout: this.holdout });
  }

  /** Counted from the log when the log has grown, else as it was. */
  private interleavedReport(experiment: Experiment, health: CountingHealth, kind: IntervalKind): ExperimentReport {
    const { key, version, state } = experiment;
    const stamp = [version, state, kind, this.log.lists.lastIndex(), this.log.events.lastIndex()].join(' ');
    const kept = this.interleaved.get(key);
    if (kept?.stamp === stamp) return kept.report;
    const report = interleavedReport(experiment, this.log, health, kind);
    this.interleaved.set(key, { stamp, report });
    return report;
  }

  /** Counts what the log has gained for every running or stopped experiment; jobs call it. */
  countAll(stop: () => boolean = () => false): void {
    for (const experiment of this.store.list())
      if (experiment.state === 'running' || experiment.state === 'stopped') this.exposureLog.sync(experiment, stop);
  }

  close(): void {
    this.database.close();
  }
}

/** Opens (and makes) `experiments.sqlite` of a data folder; `:memory:` for one that is gone with the process. */
export function openExperiments(dataFolder: string, options: ExperimentsOptions, database: DatabaseOptions = {}): Experiments {
  const path = dataFolder === ':memory:' ? dataFolder : join(dataFolder, 'experiments.sqlite');
  return new Experiments(openDatabase(path, database), options);
}
