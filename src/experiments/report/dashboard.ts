/** Analysis -> page: the plain record the dashboard draws. Arithmetic on a report; no query inside. */
import type { ExperimentDefinition } from '../experiment.ts';
import { comparedArms } from '../experiment.ts';
import type { AuditEntry, Experiment } from '../experiment-store.ts';
import type { ExperimentReport, ReportRow } from './experiment-report.ts';
import { PREFERENCE } from './interleaving-report.ts';
import { windowText } from './planned-window.ts';
import { type Metric, metricIndex } from '../metric.ts';
import { metricsOf } from '../own-metrics.ts';
import { marginText, pText, percent } from '../statistics/verdict.ts';

/** open: not decided, or nothing to say; broken: the figures cannot be trusted. */
type Tone = 'good' | 'bad' | 'open' | 'broken';

/** One line of the list of experiments. */
interface ExperimentCard {
  readonly key: string;
  readonly description: string;
  readonly state: Experiment['state'];
  readonly verdict: string;
  readonly tone: Tone;
  readonly users: number;
  readonly startedAt: number | null;
  readonly stoppedAt: number | null;
  readonly healthy: boolean;
  /** What was decided when it ended; null: nothing yet. */
  readonly conclusion: string | null;
  readonly owner: string;
  readonly tags: readonly string[];
  /** The deciding metric and, of the arm that the verdict is about, its lift with interval. */
  readonly metric: string;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

interface ForestRow {
  readonly label: string;
  readonly arm: string;
  readonly metric: string;
  readonly users: number;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly text: string;
  readonly tone: Tone;
  /** Adjusted by the pre-period (CUPED), beside the plain figure; null without one. */
  readonly adjusted: string | null;
}

interface HealthLine {
  readonly name: string;
  readonly text: string;
  readonly tone: Tone;
}

/** Columns for a line chart: x and one [low, value, high] triple of series per arm. */
interface SequenceSeries {
  readonly arm: string;
  readonly days: readonly string[];
  readonly lift: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

interface DashboardView {
  readonly card: ExperimentCard;
  readonly definition: ExperimentDefinition;
  readonly version: number;
  readonly report: ExperimentReport;
  readonly headline: readonly ForestRow[];
  /** Sorted by lift, largest first; unknown ones last. */
  readonly segments: readonly ForestRow[];
  readonly sequence: readonly SequenceSeries[];
  readonly health: readonly HealthLine[];
  readonly audit: readonly AuditEntry[];
}

const VERDICT_TONES: Readonly<Record<string, Tone>> = {
  ship: 'good',
  'do not ship': 'bad',
  'keep running': 'open',
  undecided: 'open',
  broken: 'broken',
};

/** The line of an experiment; without a report (a draft) it says "not started". `users` is the sum over the arms. */
export function cardOf(
  { key, definition, state, startedAt, stoppedAt }: Experiment,
  report: ExperimentReport | null,
  conclusion: string | null = null,
): ExperimentCard {
  const metric = decidingMetric({ definition });
  const row = report && decidingRow(report, metric);
  return {
    key,
    description: definition.description,
    owner: definition.owner,
    tags: definition.tags,
    conclusion,
    state,
    startedAt,
    stoppedAt,
    metric: metricOf(definition, metric)?.label ?? 'Preference over the control',
    lift: row?.lift ?? null,
    low: row?.low ?? null,
    high: row?.high ?? null,
    verdict: report?.verdict ?? 'not started',
    tone: VERDICT_TONES[report?.verdict ?? ''] ?? 'open',
    users: report ? usersOf(definition, report) : 0,
    healthy: (report?.health.faults.length ?? 0) === 0,
  };
}

/** Undefined: the preference of shared pages, which is none of them. */
function metricOf(definition: ExperimentDefinition, name: string): Metric | undefined {
  const metrics = metricsOf(definition);
  return metrics[metricIndex(name, metrics)];
}

/** An interleaved page shows all arms to everybody. */
function usersOf({ design }: Experiment['definition'], { arms }: ExperimentReport): number {
  const users = arms.map((arm) => arm.users);
  return design === 'interleaved' ? Math.max(0, ...users) : users.reduce((sum, count) => sum + count, 0);
}

function decidingMetric({ definition }: Pick<Experiment, 'definition'>): string {
  return definition.design === 'interleaved' ? PREFERENCE : definition.metrics[0];
}

/** The row the verdict was read from: that of the arm which gave the experiment its word. */
function decidingRow({ rows, arms, verdict, reason }: ExperimentReport, metric: string): ReportRow | undefined {
  const arm = arms.find((each) => each.verdict === verdict && each.reason === reason)?.arm;
  return rows.find((row) => row.segment === 'all' && row.metric === metric && row.arm === arm);
}

/** The page of one experiment: every metric over all lists as headline, the deciding metric alone by segment. */
export function dashboardOf(experiment: Experiment, report: ExperimentReport, audit: readonly AuditEntry[]): DashboardView {
  const deciding = decidingMetric(experiment);
  const better = (metric: string): 'up' | 'down' => metricOf(experiment.definition, metric)?.better ?? 'up';
  const segments = report.rows
    .filter((row) => row.metric === deciding && row.segment !== 'all')
    .map((row) => forestRow(row, row.segment, better));
  return {
    card: cardOf(experiment, report, audit.findLast(({ action }) => action === 'concluded')?.detail ?? null),
    definition: experiment.definition,
    version: experiment.version,
    report,
    headline: report.rows.filter((row) => row.segment === 'all').map((row) => forestRow(row, row.label, better)),
    segments: segments.sort((a, b) => (b.lift ?? Number.NEGATIVE_INFINITY) - (a.lift ?? Number.NEGATIVE_INFINITY)),
    sequence: comparedArms(experiment.definition).map((arm) => seriesOf(experiment.definition.arms[arm].key, report.sequence)),
    health: healthOf(report),
    audit,
  };
}

function forestRow(row: ReportRow, label: string, better: (metric: string) => 'up' | 'down'): ForestRow {
  const { arm, metric, users, lift, low, high, value, controlValue } = row;
  const nothing = value === 0 && controlValue === 0 ? 'none in either arm' : 'not enough to say';
  const text = intervalText(row) ?? nothing;
  const adjusted = row.adjusted && intervalText(row.adjusted);
  return { label, arm, metric, users, lift, low, high, text, tone: toneOf(row, better(metric)), adjusted };
}

function intervalText({ lift, low, high }: Pick<ReportRow, 'lift' | 'low' | 'high'>): string | null {
  if (lift === null || low === null || high === null) return null;
  return `${percent(lift)} (${percent(low)} to ${percent(high)})`;
}

/** By colour only what the adjusted p supports. */
function toneOf({ lift, q }: ReportRow, better: 'up' | 'down'): Tone {
  if (lift === null || q === null || q >= 0.05) return 'open';
  const wanted = better === 'down' ? lift < 0 : lift > 0;
  return wanted ? 'good' : 'bad';
}

function seriesOf(arm: string, sequence: ExperimentReport['sequence']): SequenceSeries {
  const points = sequence.filter((point) => point.arm === arm);
  return {
    arm,
    days: points.map((point) => point.day),
    lift: points.map((point) => point.lift),
    low: points.map((point) => point.low),
    high: points.map((point) => point.high),
  };
}

function healthOf(report: ExperimentReport): HealthLine[] {
  const { sampleRatio, health, guardrails } = report;
  const line = (name: string, text: string, tone: Tone): HealthLine => ({ name, text, tone });
  const tones = { safe: 'good', harmed: 'bad', open: 'open' } as const;
  return [
    line('Planned window', windowText(report.window), 'good'),
    line('Sample ratio', sampleRatioText(sampleRatio), sampleRatio.alarm ? 'broken' : 'good'),
    line('Models of the arms', missingText(health.modelMissingLists), health.modelMissingLists > 0 ? 'broken' : 'good'),
    line('Met in two arms', lists(health.crossedLists), health.crossedLists > 0 ? 'open' : 'good'),
    line('Without a unit id', `${lists(health.withoutUnitLists)}, not enrolled`, health.withoutUnitLists > 0 ? 'open' : 'good'),
    line(
      'Events whose list is unknown',
      `${health.eventsKeptApart.toLocaleString('en')} kept apart`,
      health.eventsKeptApart > 0 ? 'open' : 'good',
    ),
    ...guardrails.map((each) => {
      const text = each.marginUnit === 'absolute' ? amount : percent;
      const interval = each.low === null || each.high === null ? '' : `, ${text(each.low)} to ${text(each.high)}`;
      return line(`${each.metric} in ${each.arm}`, `${each.state}${interval}, margin ${marginText(each)}`, tones[each.state]);
    }),
  ];
}

/** A difference in a metric's own unit. */
const amount = (value: number): string => `${value > 0 ? '+' : ''}${Number(value.toPrecision(3))}`;

const lists = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'list' : 'lists'}`;

function sampleRatioText({ of, p, exactP, users, shares }: ExperimentReport['sampleRatio']): string {
  const total = users.reduce((sum, each) => sum + each, 0);
  if (total === 0) return 'nobody yet';
  const got = users.map((count) => ((100 * count) / total).toFixed(2)).join(' / ');
  const meant = shares.map((share) => Number((100 * share).toFixed(2)));
  const even = meant.every((share) => share === meant[0]);
  const exact = exactP === null ? '' : `, exact test at one look ${pText(exactP)}`;
  return `${of} ${got} %, sequential test ${pText(p)} (alarm below 0.001)${exact}; meant ${even ? `${meant[0]} % each` : `${meant.join(' / ')} %`}`;
}

function missingText(count: number): string {
  return count === 0 ? 'all there' : `${lists(count)} served by the control instead`;
}

/** The report's rows as CSV (RFC 4180). */
export function reportCsv(report: ExperimentReport): string {
  const columns = ['metric', 'arm', 'segment', 'users', 'controlUsers', 'value', 'controlValue', 'lift', 'low', 'high', 'p', 'q'] as const;
  const cell = (value: string | number | null): string => {
    const text = value === null ? '' : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.join(','), ...report.rows.map((row) => columns.map((column) => cell(row[column])).join(','))].join('\r\n');
}
