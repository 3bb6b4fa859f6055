import { PIN_REMOVED, type PinColumns } from '../catalog/pins/pin-columns.ts';
import { FLAGS, GROUP } from '../catalog/pins/pin-records.ts';
import { type CandidateList, isFiller, type ScoredPins } from './candidate.ts';
import type { Accept } from './visual/neighbor-index.ts';
import { RowTable } from './cooccurrence/row-table.ts';

/** What one source proposed. */
export interface Proposal {
  readonly name: string;
  readonly pins: ScoredPins;
  /** The score of any pin, undefined for one that is not among `pins`; absent: all of them are gone through instead. */
  readonly scoreOf?: (pin: number) => number | undefined;
  /** Puts the first `wanted` of `pins` in their places, for which memory is there; absent: all of them are. */
  readonly upTo?: (wanted: number) => void;
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
    const groups = proposals.map((proposal) => new Groups(proposal, this.columns));
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
  private takeTurns(proposals: readonly Proposal[], groups: readonly Groups[], { sources, pins, from, accept }: Turns): number {
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
        let group = -1;
        for (; at < pinIndexes.length; at++) {
          group = ofPins.at(at);
          if (group >= 0 && !taken.has(group) && (accept === undefined || accept(pinIndexes[at]))) break;
        }
        next[s] = at + 1;
        if (at >= pinIndexes.length) continue;
        taken.set(group, count);
        pins[count++] = pinIndexes[at];
        left++;
      }
    }
    return count;
  }

  private fillScores(proposals: readonly Proposal[], groups: readonly Groups[], source: number, pins: Int32Array, out: Float32Array): void {
    const { taken } = this;
    const { pins: proposed, scoreOf } = proposals[source];
    const sources = proposals.length;
    if (scoreOf) {
      for (let row = 0; row < pins.length; row++) out[row * sources + source] = scoreOf(pins[row]) ?? Number.NaN;
      return;
    }
    const { pinIndexes, scores } = proposed;
    for (let p = 0; p < pinIndexes.length; p++) {
      const group = groups[source].at(p);
      const row = group < 0 ? -1 : taken.rowOf(group);
      if (row >= 0 && pins[row] === pinIndexes[p]) out[row * sources + source] = scores[p];
    }
  }
}

/** Groups looked up at a time: so many that the processor waits for many of them at once. */
const GROUPS_AT_ONCE = 512;

/** The near-duplicate group of each proposed pin; -1 for pins that may not be shown. Looked up as far as it is asked for. */
class Groups {
  private readonly proposal: Proposal;
  private readonly columns: PinColumns;
  private readonly found: Int32Array;
  private known = 0;

  constructor(proposal: Proposal, columns: PinColumns) {
    this.proposal = proposal;
    this.columns = columns;
    this.found = new Int32Array(proposal.pins.pinIndexes.length);
  }

  /** `place` is below the number of pins. */
  at(place: number): number {
    while (place >= this.known) this.lookUpMore();
    return this.found[place];
  }

  private lookUpMore(): void {
    const { proposal, found } = this;
    const { pinIndexes } = proposal.pins;
    const { count, group, flags, records } = this.columns;
    const end = Math.min(this.known + GROUPS_AT_ONCE, pinIndexes.length);
    proposal.upTo?.(end);
    for (let p = this.known; p < end; p++) {
      const pin = pinIndexes[p];
      if (pin >= count) found[p] = -1;
      else if (records) found[p] = (records.halves[pin * 16 + FLAGS] & PIN_REMOVED) !== 0 ? -1 : records.words[pin * 8 + GROUP];
      else found[p] = (flags[pin] & PIN_REMOVED) !== 0 ? -1 : group[pin];
    }
    this.known = end;
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
