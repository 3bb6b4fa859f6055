import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from './candidate.ts';

/** What is remembered of past pairs: clicks over expected clicks, shrunk to 1 and decayed. */
export interface PairMemory {
  /** Pins with a ratio of at least `ratioMin` for this query pin, the greatest first; ties by pin index. */
  winnersOf(queryPin: number, ratioMin: number): ScoredPins;
  /** Looks up together what will be asked of several query pins. */
  readAhead(queryPins: readonly number[]): void;
}

/**
 * Choice: shown and clicked twice as often as its positions led to expect, after shrinking. One click in the usual place of
 * a list gives 1.9, so that a winner has won more than once.
 */
const RATIO_MIN = 2;

/** Pins that won for this query before, no matter which source proposed them then: what people chose is not forgotten when other sources change. */
export class RememberedWinners implements CandidateSource {
  readonly name = 'remembered-winners';
  private readonly memory: PairMemory;

  constructor(memory: PairMemory) {
    this.memory = memory;
  }

  expect(queries: readonly CandidateQuery[]): void {
    this.memory.readAhead(queries.flatMap(({ pinIndex }) => (pinIndex < 0 ? [] : [pinIndex])));
  }

  propose({ pinIndex }: CandidateQuery, limit: number): ScoredPins {
    if (pinIndex < 0) return NO_PINS;
    const { pinIndexes, scores } = this.memory.winnersOf(pinIndex, RATIO_MIN);
    return pinIndexes.length <= limit
      ? { pinIndexes, scores }
      : { pinIndexes: pinIndexes.subarray(0, limit), scores: scores.subarray(0, limit) };
  }
}
