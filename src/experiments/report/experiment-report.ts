/** The report of an experiment as a record: what the page draws, the command prints and INTERFACES fixes. */
import type { GuardrailState, IntervalKind, Lift } from '../statistics/analysis.ts';
import type { MetricKind } from '../metric.ts';
import type { ExperimentState } from '../experiment-store.ts';
import type { Margin, Verdict, VerdictWord } from '../statistics/verdict.ts';

/** One metric of one arm in one segment, against the control. Null figures: not enough to say. */
export interface ReportRow {
  readonly metric: string;
  readonly label: string;
  readonly arm: string;
  /** "all", "category: art", "object: dominant", "surface: closeup", "day: 2026-11-20", "lists: differ". */
  readonly segment: string;
  /** Of the arm; `controlUsers` of the control. */
  readonly users: number;
  readonly controlUsers: number;
  readonly value: number | null;
  readonly controlValue: number | null;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly p: number | null;
  /** p adjusted for the many rows (Benjamini-Hochberg), over the rows of one arm but the deciding one. */
  readonly q: number | null;
  readonly fixed: Pick<Lift, 'low' | 'high' | 'p'>;
  /** Adjusted by the pre-period (CUPED); null without one. */
  readonly adjusted: Pick<Lift, 'lift' | 'low' | 'high' | 'p'> | null;
}

/** A guardrail of one arm. With an absolute margin, `lift` and its interval are differences in the metric's own unit. */
export interface GuardrailRow extends Pick<Lift, 'lift' | 'low' | 'high'>, Margin {
  readonly metric: string;
  readonly arm: string;
  readonly state: GuardrailState;
}

/** What one metric came to in one arm. A quantile is read from a histogram and has no parts. */
export interface ArmRate {
  readonly metric: string;
  readonly label: string;
  readonly kind: MetricKind;
  readonly value: number | null;
  readonly numerator: number | null;
  readonly denominator: number | null;
}

/** Whether chance dealt the arms what the design says. */
export interface SampleRatio {
  /** What is counted: units by arm; of shared pages, how often each arm had the first pick. */
  readonly of: 'users' | 'first picks';
  /** Valid whenever anybody looks. */
  readonly p: number;
  /** Of the exact test, for one look; null without units, and beyond 20,000. */
  readonly exactP: number | null;
  readonly alarm: boolean;
  readonly users: readonly number[];
  readonly shares: readonly number[];
}

/** How long the experiment was meant to run. Times are ISO 8601; null: not started, or not reached. */
export interface PlannedWindow {
  readonly plannedDays: number;
  readonly endsAt: string | null;
  readonly reachedAt: string | null;
}

/** The deciding metric of one arm as it stood at the end of a day (UTC); `users` of control and arm. */
export interface SequencePoint extends Pick<Lift, 'lift' | 'low' | 'high' | 'p'> {
  readonly arm: string;
  readonly day: string;
  readonly users: number;
}

/** One line of the shape of the paper's Table 4. */
export interface Table4Row {
  readonly features: string;
  readonly queries: string;
  readonly engagement: string;
  readonly interval: string;
  readonly users: number;
}

export interface ExperimentReport {
  readonly key: string;
  readonly state: ExperimentState;
  readonly version: number;
  readonly verdict: VerdictWord;
  readonly reason: string;
  readonly restsOn: readonly string[];
  readonly interval: IntervalKind;
  readonly alpha: number;
  readonly sampleRatio: SampleRatio;
  readonly window: PlannedWindow;
  readonly arms: readonly ({
    readonly arm: string;
    readonly weight: number;
    readonly users: number;
    readonly lists: number;
    readonly rates: readonly ArmRate[];
  } & Partial<Verdict>)[];
  readonly rows: readonly ReportRow[];
  readonly guardrails: readonly GuardrailRow[];
  readonly table4: readonly Table4Row[];
  /** The deciding metric at the end of each day. */
  readonly sequence: readonly SequencePoint[];
  /** The same at the end of each hour of the first day, hours counted from 1; empty for older experiments. */
  readonly firstDay: readonly (Omit<SequencePoint, 'day'> & { readonly hour: number })[];
  /** The deciding metric by days since a user's first list: a lift that fades was novelty. */
  readonly novelty: readonly (Omit<SequencePoint, 'day'> & { readonly daysSinceFirst: number })[];
  readonly exposuresPerDay: readonly { readonly day: string; readonly arm: string; readonly users: number }[];
  readonly power: { readonly minimumDetectableLift: number | null; readonly unitsNeeded: number | null };
  readonly health: {
    readonly crossedLists: number;
    readonly modelMissingLists: number;
    /** Eligible lists that named no unit (no user id, no session id): not enrolled. */
    readonly withoutUnitLists: number;
    /** Events of any list whose recommendation id is unknown so far; they join when it arrives. */
    readonly eventsKeptApart: number;
    readonly burnInUnits: number;
    readonly faults: readonly string[];
  };
}

/** What the counting knows beside the cells. */
export interface CountingHealth {
  readonly crossed: number;
  readonly modelMissing: number;
  readonly withoutUnit: number;
  readonly eventsKeptApart: number;
}
