/** What `evaluate-features` says of one layer of one net: precision under every distance, raw and as codes. */
import { codeOf, fitBinarizer } from '../../features/binarize.ts';
import type { ActivationSample } from '../../features/itq.ts';
import {
  codeByteCount,
  type Distance,
  evaluateAll,
  evaluateCodes,
  evaluateFittedCodes,
  positiveShare,
  type Precision,
  type Protocol,
  RAW_DISTANCES,
  signCodes,
} from '../../features/retrieval-evaluation.ts';
import type { BinarizationRule } from '../../vision/net-manifest.ts';

export interface LayerRow {
  readonly net: string;
  readonly layer: string;
  readonly type: string;
  readonly distance: string;
  readonly p1: number;
  readonly p5: number;
  readonly p10: number;
  readonly positiveShare: number | null;
  readonly bytesPerImage: number;
  /** Per query, of ranking alone; of raw rows under all three distances together. */
  readonly milliseconds: number;
  readonly intervals: Precision['intervals'];
}

export interface LayerTask {
  readonly net: string;
  readonly layer: string;
  /** One an image. */
  readonly vectors: readonly Float32Array[];
  readonly protocol: Protocol;
  /** Lengths of rotated codes that are tried. */
  readonly itq: readonly (string | number)[];
  readonly seed: number;
}

type Heading = Omit<LayerRow, 'p1' | 'p5' | 'p10' | 'milliseconds' | 'intervals'>;

export function rowOf(heading: Heading, { p1, p5, p10, milliseconds, intervals }: Precision): LayerRow {
  return { ...heading, p1, p5, p10, milliseconds, intervals };
}

/** Raw under three distances, signs, and bits over the median and rotated codes, fitted on one half and asked by the other; all of one layer. */
export function layerRows({ net, layer, vectors, protocol, itq, seed }: LayerTask): LayerRow[] {
  const length = vectors[0].length;
  const share = positiveShare(vectors);
  const heading = (type: string, distance: Distance, bytesPerImage: number): Heading => ({
    net,
    layer,
    type,
    distance,
    positiveShare: share,
    bytesPerImage,
  });
  const raw = evaluateAll(vectors, protocol);
  const rows = RAW_DISTANCES.map((distance) => rowOf(heading('raw', distance, length * 4), raw[distance]));
  rows.push(rowOf(heading('binary', 'Hamming', codeByteCount(length)), evaluateCodes(signCodes(vectors), protocol)));
  const lengths = itq.map(Number).filter((bits) => bits >= 1 && bits <= length);
  const fitted: [string, BinarizationRule][] = [
    ['binary-median', 'activation > median'],
    ...lengths.map((bits): [string, BinarizationRule] => [`binary-itq-${bits}`, { rule: 'itq', bits }]),
  ];
  for (const [type, rule] of fitted) {
    const bits = typeof rule === 'object' ? rule.bits : length;
    const codesBy = (on: readonly number[]): readonly Uint32Array[] => {
      const binarizer = fitBinarizer(rule, length, sampleOf(on.map((i) => vectors[i])), seed);
      return vectors.map((vector) => codeOf(binarizer, vector));
    };
    rows.push(rowOf(heading(type, 'Hamming', codeByteCount(bits)), evaluateFittedCodes(vectors.length, codesBy, protocol)));
  }
  return rows;
}

/** What medians and rotations are fitted on: images without their labels. */
function sampleOf(vectors: readonly Float32Array[]): ActivationSample {
  const length = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * length);
  vectors.forEach((vector, i) => data.set(vector, i * length));
  return { rows: vectors.length, length, data };
}
