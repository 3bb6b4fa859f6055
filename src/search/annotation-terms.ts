import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { PIN_REMOVED } from '../catalog/pins/pin-columns.ts';

/** A term that describes a set of results, and its aggregated tf-idf. */
export interface WeightedTerm {
  readonly term: string;
  readonly weight: number;
}

/** Results whose annotations are aggregated (DESIGN, section 9: the first 50). */
const ANNOTATION_DEPTH = 50;

/**
 * How rare each annotation term is in the catalogue: idf(t) = ln((1 + pins) / (1 + pins with t)), by ordinal of
 * `columns.annotationTerms`. A term of every pin weighs 0.
 */
export function annotationIdf(columns: PinColumns): Float32Array {
  const { annotations, annotationTerms, count, flags } = columns;
  const holders = new Uint32Array(annotationTerms.length);
  let pins = 0;
  for (let pin = 0; pin < count; pin++) {
    if (flags[pin] & PIN_REMOVED) continue;
    pins++;
    const end = annotations.start[pin] + annotations.length[pin];
    for (let i = annotations.start[pin]; i < end; i++) holders[annotations.ordinals[i]]++;
  }
  return Float32Array.from(holders, (held) => Math.log((1 + pins) / (1 + held)));
}

/**
 * Terms to narrow a result list by: for each term t, idf(t) * mean over the first 50 results of the pin's (unit length)
 * annotation weight of t. The mean, not the sum, so that short lists compare with long ones. Best first, ties by term.
 *
 * Worked case: two results, both {sofa: 1}, sofa on 3 of 15 pins: idf = ln(16 / 4) = 1.386, weight 1.386.
 */
export function aggregatedTerms(
  pinIndexes: ArrayLike<number>,
  columns: PinColumns,
  idf: Float32Array,
  limit = 20,
): readonly WeightedTerm[] {
  const depth = Math.min(ANNOTATION_DEPTH, pinIndexes.length);
  const sums = new Map<number, number>();
  const { start, length, ordinals, weights } = columns.annotations;
  for (let r = 0; r < depth; r++) {
    const pin = pinIndexes[r];
    for (let i = start[pin]; i < start[pin] + length[pin]; i++) {
      sums.set(ordinals[i], (sums.get(ordinals[i]) ?? 0) + weights[i]);
    }
  }
  const terms = [...sums].map(([ordinal, sum]) => ({
    term: columns.annotationTerms[ordinal],
    weight: (sum / depth) * (idf[ordinal] ?? 0),
  }));
  return terms.sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1)).slice(0, limit);
}
