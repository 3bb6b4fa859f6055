/**
 * Scores of affine models over feature columns, eight rows at a time: each row's sum is added in feature order, so it has
 * the bits of the sum that `explain` gives, while independent sums keep the processor busy.
 */
import { wasmKernel } from '../../worker-url.ts';
import { type FeatureColumns, SCORES_OFFSET, TERM_BYTES } from './feature-columns.ts';
import type { Normalization } from './normalizer.ts';

/** score = sum over f of weight_f x ((value_f - offset_f) x scale_f); features of weight 0 are left out. */
export interface AffineTerms {
  readonly columns: Int32Array;
  readonly weights: Float64Array;
  readonly offsets: Float64Array;
  readonly scales: Float64Array;
}

/** The terms of a model whose normalizations are all affine; null when one is not. */
export function affineTerms(normalizations: readonly Normalization[], weights: Float64Array, columns: Int32Array): AffineTerms | null {
  const used = Array.from(weights.keys()).filter((f) => weights[f] !== 0);
  const lines = used.map((f) => lineOf(normalizations[f]));
  if (lines.includes(null)) return null;
  const all = lines as readonly (readonly [number, number])[];
  return {
    columns: Int32Array.from(used, (f) => columns[f]),
    weights: Float64Array.from(used, (f) => weights[f]),
    offsets: Float64Array.from(all, ([offset]) => offset),
    scales: Float64Array.from(all, ([, scale]) => scale),
  };
}

function lineOf(normalization: Normalization): readonly [offset: number, scale: number] | null {
  if (normalization.kind === 'none') return [0, 1];
  if (normalization.kind === 'standard') return [normalization.mean, 1 / normalization.deviation];
  if (normalization.kind === 'min-max') return [normalization.min, 1 / (normalization.max - normalization.min)];
  return null;
}

/** The scores of all rows, by the SIMD kernel. */
export function affineScores(terms: AffineTerms, table: FeatureColumns): Float64Array {
  const kernel = kernelOf(table);
  const { rows, memory } = table;
  const end = writeTerms(terms, table);
  kernel(0, end, (rows + 7) & ~7, SCORES_OFFSET);
  return new Float64Array(memory.buffer, SCORES_OFFSET, rows).slice();
}

/** Lays the terms where the kernel reads them; what a column that is zero throughout adds is worked out here. Returns the end. */
function writeTerms({ columns, weights, offsets, scales }: AffineTerms, table: FeatureColumns): number {
  const words = TERM_BYTES / 4;
  const reals = new Float64Array(table.memory.buffer, 0, (columns.length * TERM_BYTES) / 8);
  const integers = new Int32Array(table.memory.buffer, 0, columns.length * words);
  for (let f = 0; f < columns.length; f++) {
    const at = f * (TERM_BYTES / 8);
    const used = table.isUsed(columns[f]);
    reals[at] = used ? weights[f] : weights[f] * ((0 - offsets[f]) * scales[f]);
    reals[at + 1] = offsets[f];
    reals[at + 2] = scales[f];
    integers[f * words + 6] = used ? table.column(columns[f]).byteOffset : 0;
  }
  return columns.length * TERM_BYTES;
}

type Kernel = (terms: number, end: number, rows: number, out: number) => void;

const kernels = new WeakMap<WebAssembly.Memory, Kernel>();

/** The kernel over the memory of a table. */
function kernelOf({ memory }: FeatureColumns): Kernel {
  const known = kernels.get(memory);
  if (known) return known;
  const module = wasmKernel(import.meta.url, './affine-scores.wasm');
  const kernel = new WebAssembly.Instance(module, { columns: { memory } }).exports.scores as Kernel;
  kernels.set(memory, kernel);
  return kernel;
}
