import { PIN_REMOVED, type PinColumns } from '../catalog/pin-columns.ts';
import type { CandidateList, ScoredPins } from './candidate.ts';
import type { Accept } from './neighbor-index.ts';

/** What one source proposed. */
export interface Proposal {
  readonly name: string;
  readonly pins: ScoredPins;
}

/**
 * Makes one list of what several sources proposed. Sources take turns, each giving its best pin not yet taken, so that
 * when the list is capped every source has its share and the best of each stay. Left out: the query pin, its
 * near-duplicates, near-duplicates of pins already taken, removed pins, and what `accept` refuses.
 * Keeps two marks per pin between calls; not for concurrent use (a merge does not await).
 */
export class Merge {
  private readonly columns: PinColumns;
  /** The call in which a near-duplicate group was taken, and the row of a pin in that call. */
  private groupTaken = new Int32Array(0);
  private rowOf = new Int32Array(0);
  private call = 0;

  constructor(columns: PinColumns) {
    this.columns = columns;
  }

  /** At most `limit` candidates; `queryPin` is -1 for an uploaded image. */
  merge(queryPin: number, proposals: readonly Proposal[], limit: number, accept?: Accept): CandidateList {
    this.begin(queryPin);
    const taken = new Int32Array(Math.min(limit, longest(proposals)));
    const count = this.takeTurns(proposals, taken, accept);
    const scores = new Float32Array(count * proposals.length).fill(Number.NaN);
    for (let s = 0; s < proposals.length; s++) this.fillScores(proposals[s].pins, s, proposals.length, taken, count, scores);
    return {
      count,
      pinIndexes: taken.slice(0, count),
      sourceNames: proposals.map((proposal) => proposal.name),
      sourceScores: scores,
    };
  }

  private begin(queryPin: number): void {
    const { count, group } = this.columns;
    if (this.groupTaken.length < count) {
      this.groupTaken = new Int32Array(count * 2);
      this.rowOf = new Int32Array(count * 2);
      this.call = 0;
    }
    this.call++;
    if (queryPin >= 0) this.groupTaken[group[queryPin]] = this.call;
  }

  private takeTurns(proposals: readonly Proposal[], taken: Int32Array, accept: Accept | undefined): number {
    const groups = proposals.map(({ pins }) => this.groupsOf(pins.pinIndexes));
    const { groupTaken, rowOf, call } = this;
    const next = new Uint32Array(proposals.length);
    let count = 0;
    for (let left = proposals.length; left > 0 && count < taken.length; ) {
      left = 0;
      for (let s = 0; s < proposals.length && count < taken.length; s++) {
        const { pinIndexes } = proposals[s].pins;
        const ofPins = groups[s];
        let at = next[s];
        while (at < ofPins.length && (ofPins[at] < 0 || groupTaken[ofPins[at]] === call || (accept !== undefined && !accept(pinIndexes[at])))) at++;
        next[s] = at + 1;
        if (at >= ofPins.length) continue;
        groupTaken[ofPins[at]] = call;
        rowOf[pinIndexes[at]] = count;
        taken[count++] = pinIndexes[at];
        left++;
      }
    }
    return count;
  }

  /** The near-duplicate group of each proposed pin; -1 for pins that may not be shown. Looked up beforehand, many at a time. */
  private groupsOf(pinIndexes: Int32Array): Int32Array {
    const { count, group, flags } = this.columns;
    const groups = new Int32Array(pinIndexes.length);
    for (let p = 0; p < groups.length; p++) groups[p] = pinIndexes[p] < count ? group[pinIndexes[p]] : -1;
    for (let p = 0; p < groups.length; p++) if (groups[p] >= 0 && (flags[pinIndexes[p]] & PIN_REMOVED) !== 0) groups[p] = -1;
    return groups;
  }

  private fillScores(
    pins: ScoredPins,
    source: number,
    sources: number,
    taken: Int32Array,
    count: number,
    scores: Float32Array,
  ): void {
    const { rowOf } = this;
    const { pinIndexes, scores: given } = pins;
    for (let p = 0; p < pinIndexes.length; p++) {
      const row = rowOf[pinIndexes[p]];
      if (row < count && taken[row] === pinIndexes[p]) scores[row * sources + source] = given[p];
    }
  }
}

function longest(proposals: readonly Proposal[]): number {
  let length = 0;
  for (const { pins } of proposals) length += pins.pinIndexes.length;
  return length;
}
