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

/** Counts what the thresholds show. Of nothing shown precision is 0, of no right dot recall 0, of no false dot falseRemoved 1. */
export function dotOutcome(dots: readonly LabelledDot[], thresholds: DotThresholds): DotOutcome {
  return outcomeOf(
    dots,
    dots.map((dot) => suppressingSignal(dot.score, dot.signals, thresholds) === null),
  );
}

function outcomeOf(dots: readonly LabelledDot[], shows: readonly boolean[]): DotOutcome {
  let right = 0;
  let shown = 0;
  let rightShown = 0;
  for (const [i, dot] of dots.entries()) {
    if (dot.right) right++;
    if (!shows[i]) continue;
    shown++;
    if (dot.right) rightShown++;
  }
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    shown,
    precision: share(rightShown, shown),
    recall: share(rightShown, right),
    falseRemoved: 1 - share(shown - rightShown, dots.length - right),
  };
}

/** What a threshold may stand on; score: the detector's own confidence. */
export type Knob = DotSignal | 'score';
/** Shows every dot. */
export const ASK_NOTHING: DotThresholds = { score: 0, visual: 0, annotation: 0, conformity: 0, agreement: 0 };

/** Thresholds tried per knob where several stand together: the values at these shares of the right dots (0: ask nothing). */
const QUANTILES = [0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15];
/** The ladder of a knob that stands alone. */
const FINE_QUANTILES = Array.from({ length: 101 }, (_, i) => i / 200);

/**
 * The thresholds on `knobs` that take most false dots away while at least `recall` of the right ones stay (all other
 * knobs ask nothing). Every combination of steps is tried; among equals the one that keeps more right dots, then the first
 * tried. `null` where nothing keeps the recall.
 */
export function fitDotThresholds(dots: readonly LabelledDot[], knobs: readonly Knob[], recall: number): DotThresholds | null {
  const ladders = knobs.map((knob) => ladderOf(dots, knob, knobs.length === 1 ? FINE_QUANTILES : QUANTILES));
  const right = dots.filter((dot) => dot.right).length;
  let best: { readonly values: readonly number[]; readonly rightShown: number; readonly falseShown: number } | null = null;
  const walk = (depth: number, left: readonly number[], values: readonly number[]): void => {
    const rightShown = left.reduce((count, i) => count + (dots[i].right ? 1 : 0), 0);
    if (rightShown < recall * right) return;
    if (depth < ladders.length) {
      for (const { threshold, passes } of ladders[depth])
        walk(
          depth + 1,
          left.filter((i) => passes[i] === 1),
          [...values, threshold],
        );
      return;
    }
    const falseShown = left.length - rightShown;
    if (best === null || falseShown < best.falseShown || (falseShown === best.falseShown && rightShown > best.rightShown))
      best = { values, rightShown, falseShown };
  };
  walk(0, Array.from(dots.keys()), []);
  const found = best as { readonly values: readonly number[] } | null;
  return found && { ...ASK_NOTHING, ...Object.fromEntries(knobs.map((knob, i) => [knob, found.values[i]])) };
}

interface Rung {
  readonly threshold: number;
  /** 1 for each dot that the threshold alone lets through. */
  readonly passes: Uint8Array;
}

/** Distinct candidate thresholds of one knob, ascending, beginning with 0. */
function ladderOf(dots: readonly LabelledDot[], knob: Knob, quantiles: readonly number[]): readonly Rung[] {
  const values = dots.filter((dot) => dot.right).flatMap((dot) => valueOf(dot, knob) ?? []);
  values.sort((a, b) => a - b);
  const at = quantiles.map((share) => values[Math.floor(share * (values.length - 1))] ?? 0);
  return [...new Set([0, ...at])].map((threshold) => ({
    threshold,
    passes: Uint8Array.from(dots, (dot) => ((valueOf(dot, knob) ?? Number.POSITIVE_INFINITY) >= threshold ? 1 : 0)),
  }));
}

function valueOf(dot: LabelledDot, knob: Knob): number | null {
  return knob === 'score' ? dot.score : dot.signals[knob];
}

const PAPER_SIGNALS = ['visual', 'annotation', 'conformity'] as const satisfies readonly DotSignal[];

/** The rows of the paper's Table 5 (each signal, pairs, all three), then with ours and with the detector's own confidence. */
export const TABLE_5_ROWS: readonly (readonly Knob[])[] = [
  ['score'],
  ...DOT_SIGNALS.map((signal) => [signal]),
  ['visual', 'annotation'],
  ['visual', 'conformity'],
  ['annotation', 'conformity'],
  [...PAPER_SIGNALS],
  [...DOT_SIGNALS],
  ...DOT_SIGNALS.map((signal): readonly Knob[] => ['score', signal]),
  ['score', ...PAPER_SIGNALS],
  ['score', ...DOT_SIGNALS],
];
