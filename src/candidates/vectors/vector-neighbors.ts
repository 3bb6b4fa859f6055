import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins, vectorSourceOf } from '../candidate.ts';
import type { VectorSet } from './vector-set.ts';

/** Pins whose vectors are like the query's: score = cosine, or the inner product under that metric. A pin without a vector gets none. */
export class VectorNeighbors implements CandidateSource {
  readonly name: string;
  readonly set: VectorSet;

  constructor(set: VectorSet) {
    this.set = set;
    this.name = vectorSourceOf(set.name);
  }

  propose({ pinIndex }: CandidateQuery, limit: number): ScoredPins {
    const query = this.set.vectorOf(pinIndex);
    if (query === null) return NO_PINS;
    const { pinIndexes, distances } = this.set.nearest(query, limit + 1);
    const kept = Array.from(pinIndexes.keys()).filter((n) => pinIndexes[n] !== pinIndex);
    const best = kept.slice(0, limit);
    return { pinIndexes: Int32Array.from(best, (n) => pinIndexes[n]), scores: Float32Array.from(best, (n) => distances[n]) };
  }
}
