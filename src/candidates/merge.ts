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
  /** The row of each near-duplicate group that is taken, -1 for the query's. */
  private readonly taken = new RowTable();

  constructor(columns: PinColumns) {
    this.columns = columns;
  }

  /** At most `limit` candidates; `queryPin` is -1 for an uploaded image. */
  merge(queryPin: number, proposals: readonly Proposal[], limit: number, accept?: Accept): CandidateList {
    const room = Math.min(limit, lengthOf(proposals));
    this.taken.begin(room + 1);
    if (queryPin >= 0) this.taken.set(this.columns.group[queryPin], -1);
    const proposed = proposals.map((proposal, source) => new Proposed(proposal, source, this.columns));
    const rows = { count: 0, pins: new Int32Array(room), scores: new Float32Array(room * proposals.length).fill(Number.NaN) };
    for (const fills of [false, true]) {
      const turns = proposed.filter(({ name }) => isFiller(name) === fills);
      this.takeTurns(turns, rows, proposals.length, accept);
    }
    for (const one of proposed) this.fillScores(one, rows, proposals.length);
    const { count, pins, scores } = rows;
    const sourceScores = scores.subarray(0, count * proposals.length);
    return { count, pinIndexes: pins.subarray(0, count), sourceNames: sourceNamesOf(proposals), sourceScores };
  }

  /** Adds what these sources give until there is no more room, and the scores of what they went through. */
  private takeTurns(turns: readonly Proposed[], rows: Rows, sources: number, accept: Accept | undefined): void {
    const { taken } = this;
    const { pins, scores } = rows;
    let { count } = rows;
    for (let before = -1; before < count && count < pins.length;) {
      before = count;
      for (const one of turns) {
        if (count === pins.length) break;
        const { source, pinIndexes, given } = one;
        let at = one.next;
        for (let found = false; !found && at < pinIndexes.length; at++) {
          const group = one.groupAt(at);
          const pin = pinIndexes[at];
          if (group < 0 || (accept !== undefined && !accept(pin))) continue;
          const row = taken.claim(group, count);
          found = row === count;
          if (found) pins[count++] = pin;
          if (row >= 0 && pins[row] === pin) scores[row * sources + source] = given[at];
        }
        one.next = at;
      }
    }
    rows.count = count;
  }

  /** The scores of what a source proposed and was not gone through, or of all that it can be asked about. */
  private fillScores(one: Proposed, { count, pins, scores }: Rows, sources: number): void {
    const { source, scoreOf, pinIndexes, given } = one;
    if (scoreOf) {
      for (let row = 0; row < count; row++) scores[row * sources + source] = scoreOf(pins[row]) ?? Number.NaN;
      return;
    }
    for (let at = one.next; at < pinIndexes.length; at++) {
      const group = one.groupAt(at);
      const row = group < 0 ? -1 : this.taken.rowOf(group);
      if (row >= 0 && pins[row] === pinIndexes[at]) scores[row * sources + source] = given[at];
    }
  }
}

/** The list so far, with room for all of it: the score that source s gave the pin in row r stands at r x sources + s. */
interface Rows {
  count: number;
  readonly pins: Int32Array;
  readonly scores: Float32Array;
}

/** Groups looked up at a time: so many that the processor waits for many of them at once. */
const GROUPS_AT_ONCE = 128;

/** What a source proposed, and how far it was gone through. */
class Proposed {
  readonly name: string;
  readonly source: number;
  readonly scoreOf: Proposal['scoreOf'];
  private readonly upTo: Proposal['upTo'];
  readonly pinIndexes: Int32Array;
  readonly given: Float32Array;
  /** The first place that was not gone through. */
  next = 0;
  private readonly columns: PinColumns;
  private readonly groups: Int32Array;
  private known = 0;

  constructor({ name, pins, scoreOf, upTo }: Proposal, source: number, columns: PinColumns) {
    this.name = name;
    this.source = source;
    this.scoreOf = scoreOf;
    this.upTo = upTo;
    this.pinIndexes = pins.pinIndexes;
    this.given = pins.scores;
    this.columns = columns;
    this.groups = new Int32Array(pins.pinIndexes.length);
  }

  /** The near-duplicate group of the pin at a place, below the number of pins; -1 for one that may not be shown. */
  groupAt(place: number): number {
    while (place >= this.known) this.lookUpMore();
    return this.groups[place];
  }

  private lookUpMore(): void {
    const { pinIndexes, groups } = this;
    const { count, group, flags, records } = this.columns;
    const end = Math.min(this.known + GROUPS_AT_ONCE, pinIndexes.length);
    this.upTo?.(end);
    for (let p = this.known; p < end; p++) {
      const pin = pinIndexes[p];
      if (pin >= count) groups[p] = -1;
      else if (records) groups[p] = (records.halves[pin * 16 + FLAGS] & PIN_REMOVED) !== 0 ? -1 : records.words[pin * 8 + GROUP];
      else groups[p] = (flags[pin] & PIN_REMOVED) !== 0 ? -1 : group[pin];
    }
    this.known = end;
  }
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
