import { DOT_SIGNALS, type DotSignal, type DotSignals, type DotThresholds, suppressingSignal } from './object-dots.ts';

/** A detection whose search was made, and whether it was right: it meets a true box of its label. */
export interface LabelledDot {
  readonly score: number;
  readonly signals: DotSignals;
  readonly right: boolean;
}

/** What thresholds do to dots. */
export interface DotOutcome {
  readonly shown: number;
  /** Share of shown dots that are right. */
  readonly precision: number;
  /** Share of right dots that are still shown. */
  readonly recall: number;
  /** Share of false dots that are gone. */
  readonly falseRemoved: number;
}

export function dotOutcome(dots: readonly LabelledDot[], thresholds: DotThresholds): DotOutcome {
  const shown = dots.filter((dot) => suppressingSignal(dot.score, dot.signals, thresholds) === null);
  const right = dots.filter((dot) => dot.right).length;
  const rightShown = shown.filter((dot) => dot.right).length;
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    shown: shown.length,
    precision: share(rightShown, shown.length),
    recall: share(rightShown, right),
    falseRemoved: 1 - share(shown.length - rightShown, dots.length - right),
  };
}

/** Thresholds tried per signal: the values at these shares of the right dots (0: ask nothing). */
const QUANTILES = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4];

export type Knob = DotSignal | 'score';

/**
 * The thresholds on `knobs` that take most false dots away while at least `recall` of the right ones stay (all other
 * knobs ask nothing). Every combination of quantiles of the right dots is tried; among equals the one that keeps more
 * right dots, then the first tried. `null` where nothing keeps the recall.
 */
export function fitDotThresholds(
  dots: readonly LabelledDot[],
  knobs: readonly Knob[],
  recall: number,
): DotThresholds | null {
  const steps = knobs.map((knob) => quantileSteps(dots, knob));
  let best: { thresholds: DotThresholds; outcome: DotOutcome } | null = null;
  for (const values of combinations(steps)) {
    const thresholds: DotThresholds = {
      ...ASK_NOTHING,
      ...Object.fromEntries(knobs.map((knob, i) => [knob, values[i]])),
    };
    const outcome = dotOutcome(dots, thresholds);
    if (outcome.recall < recall) continue;
    if (best === null || better(outcome, best.outcome)) best = { thresholds, outcome };
  }
  return best?.thresholds ?? null;
}

const ASK_NOTHING: DotThresholds = { score: 0, visual: 0, annotation: 0, conformity: 0 };

function better(a: DotOutcome, b: DotOutcome): boolean {
  return a.falseRemoved > b.falseRemoved || (a.falseRemoved === b.falseRemoved && a.recall > b.recall);
}

function valueOf(dot: LabelledDot, knob: Knob): number | null {
  return knob === 'score' ? dot.score : dot.signals[knob];
}

/** Distinct candidate thresholds of one knob, ascending, beginning with 0. A finer ladder when it stands alone. */
function quantileSteps(dots: readonly LabelledDot[], knob: Knob): readonly number[] {
  const values = dots.filter((dot) => dot.right).flatMap((dot) => valueOf(dot, knob) ?? []);
  values.sort((a, b) => a - b);
  const at = QUANTILES.map((share) => values[Math.floor(share * (values.length - 1))] ?? 0);
  return [...new Set([0, ...at])];
}

function* combinations(steps: readonly (readonly number[])[]): IterableIterator<readonly number[]> {
  if (steps.length === 0) yield [];
  else for (const value of steps[0]) for (const rest of combinations(steps.slice(1))) yield [value, ...rest];
}

/** The rows of the paper's Table 5: nothing, each signal alone, pairs, all; fitted at one recall. */
export const TABLE_5_ROWS: readonly (readonly Knob[])[] = [
  ['score'],
  ...DOT_SIGNALS.map((signal) => [signal]),
  ['visual', 'annotation'],
  ['visual', 'conformity'],
  ['annotation', 'conformity'],
  [...DOT_SIGNALS],
  ['score', ...DOT_SIGNALS],
];
