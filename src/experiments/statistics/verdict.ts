/** What to do, in words, with the reason and what it rests on. */
import type { GuardrailState, Lift } from './analysis.ts';
import type { ExperimentState } from '../experiment-store.ts';

/** undecided: it was stopped before anything was shown. */
export type VerdictWord = 'ship' | 'do not ship' | 'keep running' | 'undecided' | 'broken';

export interface Verdict {
  readonly verdict: VerdictWord;
  readonly reason: string;
  /** The figures the verdict was read from. */
  readonly restsOn: readonly string[];
}

/** What was found for one arm. */
export interface ArmFindings {
  readonly arm: string;
  readonly state: ExperimentState;
  readonly alpha: number;
  /** Arms that are tried against the control: each is held to alpha / arms (Bonferroni), or one of many ships by chance. */
  readonly armsTried: number;
  readonly metric: string;
  readonly better: 'up' | 'down';
  readonly lift: Lift;
  readonly units: number;
  /** Smallest lift worth shipping for; 0: any. */
  readonly minimumLift: number;
  /** Units that would find it; null unknown. */
  readonly unitsNeeded: number | null;
  /** How far the planned window is, in words. */
  readonly window: string;
  readonly guardrails: readonly (Margin & { readonly metric: string; readonly state: GuardrailState })[];
  /** Why the figures cannot be trusted at all; empty: nothing known against them. */
  readonly faults: readonly string[];
}

/** The rules from first to last; the first that applies decides. */
export function verdictOf(findings: ArmFindings): Verdict {
  const { arm, faults, guardrails, lift, metric, alpha, state } = findings;
  const restsOn = evidenceOf(findings);
  const say = (verdict: VerdictWord, reason: string): Verdict => ({ verdict, reason, restsOn });
  if (faults.length > 0) return say('broken', faults.join('; '));
  const harmed = guardrails.find((each) => each.state === 'harmed');
  if (harmed) return say('do not ship', `${arm} harms ${harmed.metric} by more than its margin of ${marginText(harmed)}`);
  const gain = findings.better === 'up' ? lift.lift : negated(lift.lift);
  const gainHigh = findings.better === 'up' ? lift.high : negated(lift.low);
  const sure = lift.p !== null && lift.p < alpha / findings.armsTried;
  if (sure && gain !== null && gain < 0) return say('do not ship', `${arm} makes ${metric} worse`);
  if (findings.minimumLift > 0 && gainHigh !== null && gainHigh < findings.minimumLift)
    return say('do not ship', `even the upper end of the interval is under the smallest lift worth it, ${percent(findings.minimumLift)}`);
  const open = guardrails.find((each) => each.state === 'open');
  if (sure && open) return undecided(findings, say, `${arm} helps ${metric}, but ${open.metric} is not yet surely within its margin`);
  if (sure) return say('ship', `${arm} improves ${metric} and no guardrail is harmed`);
  return undecided(findings, say, `${metric} has not been shown to move${needed(findings)}`, state);
}

function undecided(
  findings: ArmFindings,
  say: (verdict: VerdictWord, reason: string) => Verdict,
  reason: string,
  state = findings.state,
): Verdict {
  return state === 'stopped' || state === 'archived'
    ? say('undecided', `stopped before it was decided: ${reason}`)
    : say('keep running', reason);
}

function needed({ unitsNeeded, units, minimumLift }: ArmFindings): string {
  if (unitsNeeded === null || minimumLift === 0) return '';
  const share = `${units.toLocaleString('en')} of about ${unitsNeeded.toLocaleString('en')}`;
  return `; ${share} users that a lift of ${percent(minimumLift)} needs`;
}

function evidenceOf(findings: ArmFindings): string[] {
  const { metric, lift, units, window, guardrails, alpha, armsTried } = findings;
  const interval = lift.low === null || lift.high === null ? 'no interval yet' : `${percent(lift.low)} to ${percent(lift.high)}`;
  return [
    `${metric}: ${lift.lift === null ? 'unknown' : percent(lift.lift)} (${interval}${lift.p === null ? '' : `, ${pText(lift.p)}`})`,
    `${units.toLocaleString('en')} users in control and arm`,
    window,
    ...(armsTried > 1 ? [`${armsTried} arms are tried: p counts below ${(alpha / armsTried).toPrecision(2)}`] : []),
    ...guardrails.map((each) => `${each.metric}: ${each.state}, margin ${marginText(each)}`),
  ];
}

/**
 * The experiment's one word: broken if anything is, ship if an arm may, keep running while one may yet, undecided where one
 * might have, else do not.
 * Throws RangeError without arms.
 */
export function overallVerdict(arms: readonly (Verdict & { readonly arm: string })[]): Verdict & { readonly arm: string } {
  for (const word of ['broken', 'ship', 'keep running', 'undecided', 'do not ship'] as const) {
    const found = arms.find((each) => each.verdict === word);
    if (found) return found;
  }
  throw new RangeError('arms: expected at least one besides the control');
}

/** How much harm a guardrail bears: a share, or an amount in the metric's own unit. */
export interface Margin {
  readonly margin: number;
  readonly marginUnit?: 'absolute';
}

/** "+5.00 %", or "5 (absolute)". */
export function marginText({ margin, marginUnit }: Margin): string {
  return marginUnit === 'absolute' ? `${margin} (absolute)` : percent(margin);
}

/** 0.0314 is "+3.14 %", -0.2 is "-20.0 %": a sign above 0, two decimals below a tenth, else one. */
export function percent(share: number): string {
  const text = (100 * share).toFixed(Math.abs(share) < 0.1 ? 2 : 1);
  return `${share > 0 ? '+' : ''}${text} %`;
}

/** "p = 0.031"; never zero, for no figure of a sample proves that. */
export function pText(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toPrecision(2)}`;
}

function negated(value: number | null): number | null {
  return value === null ? null : -value;
}
