/**
 * What could be shown for a query pin, as structure of arrays: a candidate is a row, never an object. Pins are spoken of
 * by their dense index; string ids exist at the door only.
 */

/** Pins with a score each, best first; equal scores stand in ascending pin index. The arrays have the same length. */
export interface ScoredPins {
  readonly pinIndexes: Int32Array;
  readonly scores: Float32Array;
}

export const NO_PINS: ScoredPins = { pinIndexes: new Int32Array(0), scores: new Float32Array(0) };

/** What is asked about: a pin of the catalogue, or an uploaded image (`pinIndex` -1) of which only the code is known. */
export interface CandidateQuery {
  readonly pinIndex: number;
  /** The binary code of the query's image or object crop; null: the source looks up the pin's own. */
  readonly code: Uint32Array | null;
}

/**
 * One way to propose pins. `propose` gives at most `limit` pins, best first, and never the query pin itself; a query the
 * source knows nothing about gets an empty list, not an error.
 */
export interface CandidateSource {
  readonly name: string;
  /** Why proposals lack some of what is new, while that is being taken in; null or absent: they lack nothing. */
  readonly behind?: string | null;
  /** Takes note that all of these will be asked next, to look them up together; absent: it looks them up one by one. */
  expect?(queries: readonly CandidateQuery[]): void;
  propose(query: CandidateQuery, limit: number): ScoredPins | Promise<ScoredPins>;
}

/** The names that replies, logs and ranking features use. */
export const SOURCE_NAMES = [
  'board-cooccurrence',
  'visual-neighbors',
  'annotations',
  'popular-in-category',
  'home-history',
  'remembered-winners',
  'vectors',
] as const;

/** Every set of imported vectors is a source of its own: `vectors-NAME`. `vectors` stands for all of them. */
const VECTORS = 'vectors';

export function vectorSourceOf(name: string): string {
  return `${VECTORS}-${name}`;
}

/** The name in `SOURCE_NAMES` that a source goes under. */
export function kindOfSource(name: string): string {
  return name.startsWith(`${VECTORS}-`) ? VECTORS : name;
}

/**
 * A source that proposes the same pins to everybody: it fills up lists for which the others have too little, and stands
 * behind them.
 */
export function isFiller(name: string): boolean {
  return name === 'popular-in-category';
}

/**
 * The union of several sources: row r is pin `pinIndexes[r]`, and `sourceScores[r * sourceNames.length + s]` the score
 * that source s gave it, NaN where s did not propose it. Rows stand in the order in which the merge took them.
 */
export interface CandidateList {
  readonly count: number;
  readonly pinIndexes: Int32Array;
  readonly sourceNames: readonly string[];
  readonly sourceScores: Float32Array;
}
