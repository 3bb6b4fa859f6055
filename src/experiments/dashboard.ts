/** Analysis -> page: the plain record the dashboard draws. Arithmetic on a report; no query inside. */
import type { AuditEntry, Experiment } from './experiment-store.ts';
import type { ExperimentReport, ReportRow } from './report.ts';
import { percent } from './verdict.ts';

export type Tone = 'good' | 'bad' | 'open' | 'broken';

/** One line of the list of experiments. */
export interface ExperimentCard {
  readonly key: string;
  readonly description: string;
  readonly state: Experiment['state'];
  readonly verdict: string;
  readonly tone: Tone;
  readonly users: number;
  readonly startedAt: number | null;
  readonly healthy: boolean;
}

export interface ForestRow {
  readonly label: string;
  readonly arm: string;
  readonly metric: string;
  readonly users: number;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly text: string;
  readonly tone: Tone;
}

export interface HealthLine {
  readonly name: string;
  readonly text: string;
  readonly tone: Tone;
}

/** Columns for a line chart: x and one [low, value, high] triple of series per arm. */
export interface SequenceSeries {
  readonly arm: string;
  readonly days: readonly string[];
  readonly lift: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

export interface DashboardView {
  readonly card: ExperimentCard;
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
  broken: 'broken',
};

export function cardOf(
  { key, definition, state, startedAt }: Experiment,
  report: ExperimentReport | null,
): ExperimentCard {
  return {
    ...{ key, description: definition.description, state, startedAt },
    verdict: report?.verdict ?? 'not started',
    tone: VERDICT_TONES[report?.verdict ?? ''] ?? 'open',
    users: report?.arms.reduce((sum, arm) => sum + arm.users, 0) ?? 0,
    healthy: (report?.health.faults.length ?? 0) === 0,
  };
}

export function dashboardOf(
  experiment: Experiment,
  report: ExperimentReport,
  audit: readonly AuditEntry[],
): DashboardView {
  const deciding = experiment.definition.metrics[0];
  const segments = report.rows
    .filter((row) => row.metric === deciding && row.segment !== 'all')
    .map((row) => forestRow(row, row.segment));
  return {
    card: cardOf(experiment, report),
    report,
    headline: report.rows.filter((row) => row.segment === 'all').map((row) => forestRow(row, row.label)),
    segments: segments.sort((a, b) => (b.lift ?? Number.NEGATIVE_INFINITY) - (a.lift ?? Number.NEGATIVE_INFINITY)),
    sequence: report.arms.slice(1).map(({ arm }) => seriesOf(arm, report)),
    health: healthOf(report),
    audit,
  };
}

function forestRow(row: ReportRow, label: string): ForestRow {
  const { arm, metric, users, lift, low, high } = row;
  const known = lift !== null && low !== null && high !== null;
  const text = known ? `${percent(lift)} (${percent(low)} to ${percent(high)})` : 'not enough to say';
  return { label, arm, metric, users, lift, low, high, text, tone: toneOf(row) };
}

/** By colour only what the adjusted p supports. */
function toneOf({ lift, q, metric }: ReportRow): Tone {
  if (lift === null || q === null || q >= 0.05) return 'open';
  const wanted = /latency|empty|degraded|seconds/.test(metric) ? lift < 0 : lift > 0;
  return wanted ? 'good' : 'bad';
}

function seriesOf(arm: string, report: ExperimentReport): SequenceSeries {
  const points = report.sequence.filter((point) => point.arm === arm);
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
    line('Sample ratio', `p = ${sampleRatio.p.toPrecision(2)}`, sampleRatio.alarm ? 'broken' : 'good'),
    line('Missing models', `${health.modelMissingLists} lists`, health.modelMissingLists > 0 ? 'broken' : 'good'),
    line('Users met in two arms', `${health.crossedLists} lists`, health.crossedLists > 0 ? 'open' : 'good'),
    ...guardrails.map((each) => {
      const interval = each.low === null || each.high === null ? '' : `, ${percent(each.low)} to ${percent(each.high)}`;
      return line(
        `${each.metric} in ${each.arm}`,
        `${each.state}${interval}, margin ${percent(each.margin)}`,
        tones[each.state],
      );
    }),
  ];
}

/** The report's rows as CSV (RFC 4180). */
export function reportCsv(report: ExperimentReport): string {
  const columns = [
    'metric',
    'arm',
    'segment',
    'users',
    'controlUsers',
    'value',
    'controlValue',
    'lift',
    'low',
    'high',
    'p',
    'q',
  ] as const;
  const cell = (value: string | number | null): string => {
    const text = value === null ? '' : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.join(','), ...report.rows.map((row) => columns.map((column) => cell(row[column])).join(','))].join(
    '\r\n',
  );
}
