/**
 * The report of an interleaved experiment: what people did with a shared page is credited to the arm that put the item
 * there; each arm's preference over the control is (its credit - the control's) / both, clustered on units. Read straight
 * from the log, for every unit meets all arms and a few hundred of them show what a split needs thousands for.
 */
import { counted } from '../../counted.ts';
import type { StoredList } from '../../catalog/log/served-list-log.ts';
import type { IntervalKind } from '../statistics/analysis.ts';
import { adjustedP } from '../statistics/analysis.ts';
import { INTERLEAVED, readArmsText } from '../assignment.ts';
import { attributionOf } from '../counting/exposure-log.ts';
import { BURN_IN } from '../statistics/confidence-sequence.ts';
import type { Experiment } from '../experiment-store.ts';
import { dayOf, dayText } from '../counting/exposed-list.ts';
import type { RawLog } from '../counting/exposure-log.ts';
import { addPreference, creditOf, preferenceOf, TEAM_SOURCE } from '../statistics/interleaving.ts';
import { exactSampleRatioP, SAMPLE_RATIO_ALARM, sampleRatioP } from '../statistics/sample-ratio.ts';
import { windowOf, windowText } from './planned-window.ts';
import type { CountingHealth, ExperimentReport, ReportRow, SampleRatio, SequencePoint } from './experiment-report.ts';
import { emptyStatistics } from '../counting/sufficient-statistics.ts';
import type { SufficientStatistics } from '../counting/sufficient-statistics.ts';
import { overallVerdict, percent, verdictOf } from '../statistics/verdict.ts';

/** The one metric of an interleaved experiment. */
export const PREFERENCE = 'preference';

interface Tally {
  /** Credit per arm, by unit. */
  readonly credits: Map<string, Float64Array>;
  /** Against the control, by arm; null for the control. */
  readonly statistics: readonly (SufficientStatistics | null)[];
  readonly newUnits: Map<number, number>;
  /** Pages on which an arm was the first to pick, behind the places that all arms agree on. */
  readonly firstPicks: number[];
  lists: number;
  /** Lists on which an arm's model was gone, so that the control stood in for it. */
  modelMissing: number;
}

/** A row per arm but the control, over all lists; its `lift` is the preference, -1..1. Reads the log from its start on. */
export function interleavedReport(experiment: Experiment, log: RawLog, health: CountingHealth, kind: IntervalKind): ExperimentReport {
  return new InterleavedReporter(experiment, log, health, kind).report();
}

class InterleavedReporter {
  private readonly experiment: Experiment;
  private readonly log: RawLog;
  private readonly health: CountingHealth;
  private readonly kind: IntervalKind;
  private readonly tally: Tally;
  private readonly sequence: SequencePoint[] = [];
  private leastRatioP = 1;

  constructor(experiment: Experiment, log: RawLog, health: CountingHealth, kind: IntervalKind) {
    this.experiment = experiment;
    this.log = log;
    this.health = health;
    this.kind = kind;
    const { arms: definitionArms } = experiment.definition;
    const statistics = definitionArms.map((_, arm) => (arm === 0 ? null : emptyStatistics()));
    const firstPicks = definitionArms.map(() => 0);
    this.tally = { credits: new Map(), statistics, newUnits: new Map(), firstPicks, lists: 0, modelMissing: 0 };
  }

  report(): ExperimentReport {
    this.count();
    const { key, state, version, definition } = this.experiment;
    const users = this.tally.credits.size;
    const rows = definition.arms.slice(1).map((arm, index) => this.row(arm.key, index + 1));
    const adjusted = adjustedP(rows.map(({ p }) => p));
    const { modelMissing } = this.tally;
    const sampleRatio = this.sampleRatio();
    const faults =
      modelMissing > 0 ? [`an arm's model was missing on ${counted(modelMissing, 'list')}, and the control stood in for it`] : [];
    if (sampleRatio.alarm) faults.push(`the arms' first picks do not fit a fair draft (sample-ratio p = ${sampleRatio.p.toPrecision(2)})`);
    const verdicts = rows.map((row) => this.verdict(row, faults));
    const overall = overallVerdict(verdicts);
    return {
      key,
      state,
      version,
      verdict: overall.verdict,
      reason: overall.reason,
      restsOn: overall.restsOn,
      interval: this.kind,
      alpha: definition.alpha,
      sampleRatio,
      window: windowOf(this.experiment),
      arms: definition.arms.map((arm, index) => ({
        arm: arm.key,
        weight: arm.weight,
        users,
        lists: this.tally.lists,
        rates: [],
        ...(index > 0 ? verdicts[index - 1] : {}),
      })),
      rows: rows.map((row, index) => ({ ...row, q: adjusted[index] })),
      guardrails: [],
      table4: rows.map((row) => ({
        features: `${row.arm} over ${definition.arms[0].key}`,
        queries: 'interleaved',
        users,
        engagement: row.lift === null ? 'unknown' : percent(row.lift),
        interval: row.low === null || row.high === null ? 'not yet' : `${percent(row.low)} to ${percent(row.high)}`,
      })),
      sequence: this.sequence,
      firstDay: [],
      novelty: [],
      exposuresPerDay: [...this.tally.newUnits].flatMap(([day, count]) =>
        definition.arms.map((arm) => ({ day: dayText(day), arm: arm.key, users: count })),
      ),
      power: { minimumDetectableLift: null, unitsNeeded: null },
      health: {
        crossedLists: 0,
        modelMissingLists: modelMissing,
        withoutUnitLists: this.health.withoutUnit,
        eventsKeptApart: this.health.eventsKeptApart,
        burnInUnits: BURN_IN,
        faults,
      },
    };
  }

  private count(): void {
    const from = this.experiment.startedAt ?? 0;
    let day = Number.NaN;
    for (const list of this.log.lists.lists({ from, withRows: false })) {
      const unit = this.experiment.definition.unit === 'session' ? (list.sessionId ?? null) : list.userId;
      if (unit === null || list.forced || !isShared(this.experiment.key, list)) continue;
      if (dayOf(list.at) !== day && !Number.isNaN(day)) this.closeDay(day);
      day = dayOf(list.at);
      if (!this.tally.credits.has(unit)) this.tally.newUnits.set(day, (this.tally.newUnits.get(day) ?? 0) + 1);
      this.credit(unit, list);
    }
    if (!Number.isNaN(day)) this.closeDay(day);
  }

  /** A unit's old credits are taken back and the new ones added: it counts once, however many pages it met. */
  private credit(unit: string, list: StoredList): void {
    const { arms } = this.experiment.definition;
    const before = this.tally.credits.get(unit);
    const teams = teamsOf(
      list,
      arms.map(({ key }) => key),
    );
    const now = creditOf(teams, this.actionsOn(list), arms.length, 'each');
    const first = teams.find((team, item) => team >= 0 && list.items.positions[item] > 0);
    if (first !== undefined) this.tally.firstPicks[first]++;
    if (before) for (let arm = 0; arm < now.length; arm++) now[arm] += before[arm];
    this.tally.credits.set(unit, now);
    this.tally.lists++;
    if (list.degraded.some((code) => code.startsWith('RANKER_MODEL'))) this.tally.modelMissing++;
    this.tally.statistics.forEach((statistics, arm) => {
      if (!statistics) return;
      if (before) addPreference(statistics, before[0], before[arm], -1);
      addPreference(statistics, now[0], now[arm]);
    });
  }

  /** By place: 1 where the item was clicked or saved within the attribution window. */
  private actionsOn({ listIndex, at, items }: StoredList): Float64Array {
    const attribution = attributionOf(this.experiment.definition);
    const engaged = new Set<number>();
    for (const event of this.log.events.eventsOf(listIndex))
      if (event.at <= at + attribution(event.type) && event.type !== 'impression' && event.type !== 'closeup') engaged.add(event.pinIndex);
    return Float64Array.from(items.pinIndexes, (pinIndex) => (engaged.has(pinIndex) ? 1 : 0));
  }

  /** In each draft every arm is as likely to pick first. p is the least over the days' ends and now. */
  private sampleRatio(): SampleRatio {
    const { firstPicks } = this.tally;
    const shares = firstPicks.map(() => 1 / firstPicks.length);
    const p = Math.min(this.leastRatioP, sampleRatioP(firstPicks, shares));
    return {
      of: 'first picks',
      p,
      exactP: exactSampleRatioP(firstPicks, shares),
      alarm: p < SAMPLE_RATIO_ALARM,
      users: firstPicks,
      shares,
    };
  }

  private closeDay(day: number): void {
    this.leastRatioP = Math.min(
      this.leastRatioP,
      sampleRatioP(
        this.tally.firstPicks,
        this.tally.firstPicks.map((_, __, { length }) => 1 / length),
      ),
    );
    this.experiment.definition.arms.slice(1).forEach(({ key: arm }, index) => {
      const { users, lift, low, high, p } = this.row(arm, index + 1);
      this.sequence.push({ arm, day: dayText(day), users, lift, low, high, p });
    });
  }

  private row(arm: string, index: number): ReportRow {
    const { alpha, expectedUnits } = this.experiment.definition;
    const statistics = this.tally.statistics[index] ?? emptyStatistics();
    const rule = { alpha, expectedUnits };
    const shown = known(preferenceOf(statistics, { ...rule, kind: this.kind }), this.kind);
    const fixed = known(preferenceOf(statistics, { ...rule, kind: 'fixed-horizon' }), 'fixed-horizon');
    const users = statistics[0];
    return {
      metric: PREFERENCE,
      label: 'Preference over the control',
      arm,
      segment: 'all',
      users,
      controlUsers: users,
      value: shown.lift,
      controlValue: 0,
      ...shown,
      q: shown.p,
      adjusted: null,
      fixed: { low: fixed.low, high: fixed.high, p: fixed.p },
    };
  }

  private verdict(row: ReportRow, faults: readonly string[]) {
    const { alpha, arms, minimumLift } = this.experiment.definition;
    const verdict = verdictOf({
      armsTried: arms.length - 1,
      arm: row.arm,
      state: this.experiment.state,
      alpha,
      metric: PREFERENCE,
      better: 'up' as const,
      lift: { lift: row.lift, low: row.low, high: row.high, p: row.p, error: null },
      units: row.users,
      minimumLift,
      unitsNeeded: null,
      window: windowText(windowOf(this.experiment)),
      guardrails: [],
      faults,
    });
    return { ...verdict, arm: row.arm };
  }
}

function known({ preference, low, high, p, units }: ReturnType<typeof preferenceOf>, kind: IntervalKind) {
  if (!Number.isFinite(preference) || units < 2) return { lift: null, low: null, high: null, p: null };
  const early = kind === 'always-valid' && units < BURN_IN;
  return early ? { lift: preference, low: null, high: null, p: null } : { lift: preference, low, high, p };
}

function isShared(key: string, list: StoredList): boolean {
  return readArmsText(list.arm).some(({ experiment, arm }) => experiment === key && arm === INTERLEAVED);
}

/** Which arm put each item on the page; -1: all of them. */
function teamsOf({ items }: StoredList, armKeys: readonly string[]): number[] {
  const { sourceNames, sourceScores, count } = items;
  const columns = armKeys.map((key) => sourceNames.indexOf(TEAM_SOURCE + key));
  return Array.from({ length: count }, (_, i) =>
    columns.findIndex((column) => column >= 0 && sourceScores[i * sourceNames.length + column] === 1),
  );
}
