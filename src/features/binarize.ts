/**
 * fc6 -> binary code. Three rules, named in the net's manifest:
 *
 *   activation > 0         as published (Zhai et al., WWW 2017, section 4): nothing to fit
 *   activation > median    a threshold per dimension, the median of a sample: half of the bits are set whatever the layer
 *   itq                    centred, projected on `bits` principal directions, rotated; bit = value > 0 (see itq.ts)
 *
 * What is fitted is kept beside the codes it made: codes of different fits are never compared.
 */
import { packBits } from '../math/bits.ts';
import type { BinarizationRule } from '../vision/net-manifest.ts';
import { type ActivationSample, fitItq, type ItqBinarizer } from './itq.ts';

/** A rule ready to use; arrays are what was fitted. */
export type Binarizer =
  | { readonly kind: 'positive'; readonly bits: number }
  | { readonly kind: 'thresholds'; readonly bits: number; readonly thresholds: Float32Array }
  | ItqBinarizer;

/** Images that medians and rotations are fitted on, at most. */
export const FIT_SAMPLE = 2000;

/**
 * Images that a running service fits them on, at least. A median of 500 leaves a bit set in 50 % of the catalogue give or take
 * 2 % (0.5 / sqrt(500)), one of a dozen give or take 14 %; and a rotation needs more images than it has bits, which are 256 or so.
 */
export const FIT_FEWEST = 500;

export function needsFit(rule: BinarizationRule): boolean {
  return rule !== 'activation > 0';
}

/** The binarizer of a rule that needs no fitting, else null. */
export function unfitted(rule: BinarizationRule, length: number): Binarizer | null {
  return needsFit(rule) ? null : fitBinarizer(rule, length, { rows: 0, length, data: new Float32Array(0) });
}

/** Fits a rule for vectors of `length`; `sample` is not looked at for `activation > 0`. */
export function fitBinarizer(rule: BinarizationRule, length: number, sample: ActivationSample, seed = 1): Binarizer {
  if (rule === 'activation > 0') return { kind: 'positive', bits: length };
  if (sample.rows < 1 || sample.length !== length) {
    throw new RangeError(`sample: expected rows of ${length} activations, got ${sample.rows} of ${sample.length}`);
  }
  if (rule === 'activation > median') return { kind: 'thresholds', bits: length, thresholds: medians(sample) };
  return fitItq(sample, rule.bits, seed);
}

/** The median of each dimension; of an even number of rows the lower one, so that the threshold is a value that occurred. */
function medians({ rows, length, data }: ActivationSample): Float32Array {
  const out = new Float32Array(length);
  const column = new Float32Array(rows);
  for (let dimension = 0; dimension < length; dimension++) {
    for (let row = 0; row < rows; row++) column[row] = data[row * length + dimension];
    out[dimension] = column.sort()[(rows - 1) >> 1];
  }
  return out;
}

/** The code of one fc6 vector. */
export function codeOf(binarizer: Binarizer, fc6: Float32Array): Uint32Array {
  if (binarizer.kind === 'itq') return packBits(projected(binarizer, fc6));
  if (fc6.length !== binarizer.bits) throw new RangeError(`fc6: expected ${binarizer.bits} activations, got ${fc6.length}`);
  return binarizer.kind === 'positive' ? packBits(fc6) : packBits(fc6, binarizer.thresholds);
}

function projected({ bits, mean, directions }: Extract<Binarizer, { kind: 'itq' }>, fc6: Float32Array): Float64Array {
  if (fc6.length !== mean.length) throw new RangeError(`fc6: expected ${mean.length} activations, got ${fc6.length}`);
  const out = new Float64Array(bits);
  for (let bit = 0, at = 0; bit < bits; bit++) {
    let sum = 0;
    for (let i = 0; i < mean.length; i++) sum += (fc6[i] - mean[i]) * directions[at++];
    out[bit] = sum;
  }
  return out;
}

/** Flat form for storing: kind and lengths in JSON, arrays after it. */
export function packBinarizer(binarizer: Binarizer): Uint8Array {
  const arrays =
    binarizer.kind === 'thresholds' ? [binarizer.thresholds] : binarizer.kind === 'itq' ? [binarizer.mean, binarizer.directions] : [];
  const head = Buffer.from(
    `${JSON.stringify({ kind: binarizer.kind, bits: binarizer.bits, lengths: arrays.map((array) => array.length) })}\n`,
  );
  return Buffer.concat([head, ...arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength))]);
}

export function unpackBinarizer(bytes: Uint8Array): Binarizer {
  const buffer = Buffer.from(bytes);
  const end = buffer.indexOf(10);
  const { kind, bits, lengths } = JSON.parse(buffer.toString('utf8', 0, end)) as {
    kind: Binarizer['kind'];
    bits: number;
    lengths: number[];
  };
  let at = end + 1;
  const arrays = lengths.map((length) => {
    const array = new Float32Array(length);
    new Uint8Array(array.buffer).set(buffer.subarray(at, at + 4 * length));
    at += 4 * length;
    return array;
  });
  if (kind === 'thresholds') return { kind, bits, thresholds: arrays[0] };
  return kind === 'itq' ? { kind, bits, mean: arrays[0], directions: arrays[1] } : { kind: 'positive', bits };
}
