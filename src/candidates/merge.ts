import { PIN_REMOVED, type PinColumns } from '../catalog/pins/pin-columns.ts';
import { FLAGS, GROUP } from '../catalog/pins/pin-records.ts';
import { type CandidateList, isFiller, type ScoredPins } from './candidate.ts';
import type { Accept } from './visual/neighbor-index.ts';
import { RowTable } from './cooccurrence/row-table.ts';

/** What one source proposed. */
export interface Proposal {
  readonly name: string;
  readonly pins: ScoredPins;
}

/**
 * Makes one list of what several sources proposed. Sources take turns, each giving its best pin not yet taken, so that
 * when the list is capped every source has its share and the best of each stay. Fillers come after all others. Left out: the query pin, its
 * near-duplicates, near-duplicates of pins already taken, removed pins, and what `accept` refuses.
 * Not for concurrent use (a merge does not await).
 */
export class Merge {
  private readonly columns: PinColumns;
  /** The row of each near-duplicate group that is taken. */
  private readonly taken = new RowTable();

  constructor(columns: PinColumns) {
    this.columns = columns;
  }

  /** At most `limit` candidates; `queryPin` is -1 for an uploaded image. */
  merge(queryPin: number, proposals: readonly Proposal[], limit: number, accept?: Accept): CandidateList {
    const room = Math.min(limit, lengthOf(proposals));
    this.taken.begin(room + 1);
    if (queryPin >= 0) this.taken.set(this.columns.group[queryPin], -1);
    const groups = proposals.map(({ pins }) => this.groupsOf(pins.pinIndexes));
    const taken = new Int32Array(room);
    const places = proposals.map((_, s) => s);
    const proper = places.filter((s) => !isFiller(proposals[s].name));
    const fillers = places.filter((s) => isFiller(proposals[s].name));
    const first = this.takeTurns(proposals, groups, { sources: proper, pins: taken, from: 0, accept });
    const count = this.takeTurns(proposals, groups, { sources: fillers, pins: taken, from: first, accept });
    const pinIndexes = taken.subarray(0, count);
    const sourceScores = new Float32Array(count * proposals.length).fill(Number.NaN);
    for (let s = 0; s < proposals.length; s++) this.fillScores(proposals, groups, s, pinIndexes, sourceScores);
    return { count, pinIndexes, sourceNames: sourceNamesOf(proposals), sourceScores };
  }

  /** Writes what these sources give to `pins`, behind the first `from`, until it is full. Returns how many pins there are then. */
  private takeTurns(proposals: readonly Proposal[], groups: readonly Int32Array[], { sources, pins, from, accept }: Turns): number {
    const { taken } = this;
    const next = new Uint32Array(proposals.length);
    let count = from;
    for (let left = sources.length; left > 0 && count < pins.length;) {
      left = 0;
      for (const s of sources) {
        if (count === pins.length) break;
        const { pinIndexes } = proposals[s].pins;
        const ofPins = groups[s];
        let at = next[s];
        while (at < ofPins.length && (ofPins[at] < 0 || taken.has(ofPins[at]) || (accept !== undefined && !accept(pinIndexes[at])))) at++;
        next[s] = at + 1;
        if (at >= ofPins.length) continue;
        taken.set(ofPins[at], count);
        pins[count++] = pinIndexes[at];
        left++;
      }
    }
    return count;
  }

  /** The near-duplicate group of each proposed pin; -1 for pins that may not be shown. Looked up beforehand, many at a time. */
  private groupsOf(pinIndexes: Int32Array): Int32Array {
    const { count, group, flags, records } = this.columns;
    const groups = new Int32Array(pinIndexes.length);
    for (let p = 0; p < groups.length; p++) {
      const pin = pinIndexes[p];
      if (pin >= count) groups[p] = -1;
      else if (records) groups[p] = (records.halves[pin * 16 + FLAGS] & PIN_REMOVED) !== 0 ? -1 : records.words[pin * 8 + GROUP];
      else groups[p] = (flags[pin] & PIN_REMOVED) !== 0 ? -1 : group[pin];
    }
    return groups;
  }

  private fillScores(
    proposals: readonly Proposal[],
    groups: readonly Int32Array[],
    source: number,
    pins: Int32Array,
    out: Float32Array,
  ): void {
    const { taken } = this;
    const { pinIndexes, scores } = proposals[source].pins;
    const ofPins = groups[source];
    for (let p = 0; p < pinIndexes.length; p++) {
      const row = ofPins[p] < 0 ? -1 : taken.rowOf(ofPins[p]);
      if (row >= 0 && pins[row] === pinIndexes[p]) out[row * proposals.length + source] = scores[p];
    }
  }
}

interface Turns {
  /** Places in the proposals. */
  readonly sources: readonly number[];
  readonly pins: Int32Array;
  readonly from: number;
  readonly accept: Accept | undefined;
}

/** Lists of names that were met, few in a running service: as many as treatments ask for different sources. */
const knownNames: (readonly string[])[] = [];
const NAMES_KEPT = 16;

/** The names of the sources, the same array for the same names, so that the log knows it again. */
export function sourceNamesOf(proposals: readonly Proposal[]): readonly string[] {
  const known = knownNames.find((names) => names.length === proposals.length && proposals.every(({ name }, s) => name === names[s]));
  if (known) return known;
  const names = Object.freeze(proposals.map(({ name }) => name));
  if (knownNames.length === NAMES_KEPT) knownNames.shift();
  knownNames.push(names);
  return names;
}

function lengthOf(proposals: readonly Proposal[]): number {
  let length = 0;
  for (const { pins } of proposals) length += pins.pinIndexes.length;
  return length;
}
