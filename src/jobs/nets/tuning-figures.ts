/**
 * Before and after: precision at k of the frozen features and of the tuned ones, on images and boards nobody learned from. Rotating
 * codes gains by itself, so what was learned is set beside the untuned code as it is and beside the untuned one rotated alike.
 */
import { bootstrapMean, intervalText } from '../../math/bootstrap.ts';
import { codeOf, fitBinarizer } from '../../features/binarize.ts';
import { type Ends, endsOf, evaluateCodes, evaluateRows, type Precision, type Protocol } from '../../features/retrieval-evaluation.ts';
import type { BinarizationRule } from '../../vision/net-manifest.ts';

interface TuningVectors {
  /** The frozen fc6, the same rotated as the tuned one is, the tuned one, the short embedding; a row an image. */
  readonly before: readonly Float32Array[];
  readonly rotated: readonly Float32Array[];
  readonly after: readonly Float32Array[];
  readonly short: readonly Float32Array[];
  /** How the base net makes bits, and the rows it may be fitted on. */
  readonly rule: BinarizationRule;
  readonly training: readonly number[];
}

interface Figure {
  readonly p1: number;
  readonly p5: number;
  readonly p10: number;
  readonly p10Interval: Ends;
}

export interface TruthFigures {
  readonly truth: string;
  readonly queries: number;
  readonly before: { readonly float: Figure; readonly code: Figure; readonly rotatedCode: Figure };
  readonly after: { readonly float: Figure; readonly code: Figure; readonly short: Figure };
  /** Of the codes' P@10, query by query, over the better of the two untuned codes. */
  readonly gain: {
    readonly over: 'untuned' | 'untuned, rotated';
    readonly p10: number;
    readonly interval: Ends;
    readonly beatsUntuned: boolean;
  };
  /** What signs lose of the tuned activations' P@10. */
  readonly signLoss: number;
}

export function truthFigures(truth: string, protocol: Protocol, vectors: TuningVectors): TruthFigures {
  const { before, rotated, after, short, rule, training } = vectors;
  const plain = evaluateCodes(codes(before, rule, training), protocol);
  const turned = evaluateCodes(codes(rotated, 'activation > 0', training), protocol);
  const best = turned.p10 > plain.p10 ? turned : plain;
  const tuned = evaluateCodes(codes(after, 'activation > 0', training), protocol);
  const tunedFloat = evaluateRows(after, 'cosine', protocol);
  const differences = tuned.p10ByQuery.map((value, at) => value - best.p10ByQuery[at]);
  const interval = endsOf(bootstrapMean(differences, 1));
  return {
    truth,
    queries: tuned.queries,
    before: { float: figure(evaluateRows(before, 'cosine', protocol)), code: figure(plain), rotatedCode: figure(turned) },
    after: { float: figure(tunedFloat), code: figure(tuned), short: figure(evaluateRows(short, 'cosine', protocol)) },
    gain: { over: best === turned ? 'untuned, rotated' : 'untuned', p10: tuned.p10 - best.p10, interval, beatsUntuned: interval[0] > 0 },
    signLoss: tunedFloat.p10 - tuned.p10,
  };
}

function codes(rows: readonly Float32Array[], rule: BinarizationRule, training: readonly number[]): Uint32Array[] {
  const length = rows[0].length;
  const data = new Float32Array(training.length * length);
  training.forEach((row, at) => data.set(rows[row], at * length));
  const binarizer = fitBinarizer(rule, length, { rows: training.length, length, data });
  return rows.map((row) => codeOf(binarizer, row));
}

function figure({ p1, p5, p10, intervals }: Precision): Figure {
  return { p1, p5, p10, p10Interval: intervals.p10 };
}

export function tuningLines(figures: readonly TruthFigures[]): string[] {
  const cell = (value: number): string => value.toFixed(3).padStart(7);
  const line = (name: string, { p1, p5, p10, p10Interval: [low, high] }: Figure): string =>
    `  ${name.padEnd(28)}${cell(p1)}${cell(p5)}${cell(p10)}   ${intervalText({ low, high }, 3)}`;
  return figures.flatMap(({ truth, queries, before, after, gain, signLoss }) => [
    `${truth}: ${queries} held-out images ask        P@1    P@5   P@10   interval`,
    line('before, float (cosine)', before.float),
    line('before, code (Hamming)', before.code),
    line('before, rotated code', before.rotatedCode),
    line('after, float (cosine)', after.float),
    line('after, code (Hamming)', after.code),
    line('after, short embedding', after.short),
    `  codes gain ${gain.p10.toFixed(3)} over the code that is ${gain.over} ${intervalText({ low: gain.interval[0], high: gain.interval[1] }, 3)}${gain.beatsUntuned ? '' : ': not shown to be better'}; signs lose ${signLoss.toFixed(3)}`,
  ]);
}
