import type { NeighborLists } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../../src/candidates/candidate.ts';

/** Lists in memory as a candidate source: the plain twin of the stored ones. */
export class CountedLists implements CandidateSource {
  readonly name: string;
  private readonly lists: NeighborLists;

  constructor(name: string, lists: NeighborLists) {
    this.name = name;
    this.lists = lists;
  }

  propose(query: CandidateQuery, limit: number): ScoredPins {
    const { first, rows, start, pinIndexes, scores } = this.lists;
    const row = query.pinIndex - first;
    if (row < 0 || row >= rows) return NO_PINS;
    const end = Math.min(start[row + 1], start[row] + limit);
    return { pinIndexes: pinIndexes.subarray(start[row], end), scores: scores.subarray(start[row], end) };
  }
}
