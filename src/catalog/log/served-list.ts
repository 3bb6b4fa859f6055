import type { Matrix } from '../../math/matrix.ts';

/** The log keeps a surface by its place here: a new one goes behind the others. */
export const SURFACES = ['closeup', 'home-feed', 'rank', 'visual-search', 'lens', 'board', 'examples'] as const;
export type Surface = (typeof SURFACES)[number];

/** A region in fractions of the image. `byHand`: drawn by a person, not taken from a dot. */
export interface LoggedRegion {
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
  readonly byHand: boolean;
}

/**
 * A list as it was served, with everything a later model or report needs. Entries are columns over `count` candidates:
 * first the returned items in position order, then a few candidates that were not returned (position 0). `rows` are the
 * raw values of every ranking feature of the table, before normalization: what was scored is what is logged.
 */
export interface ServedList {
  readonly recommendationId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly surface: Surface;
  /** -1: a home feed, a board, several examples or an uploaded image. */
  readonly queryPinIndex: number;
  readonly userId: string | null;
  /** The caller's session, where experiments by session need one; absent: none was given. */
  readonly sessionId?: string | null;
  /** Labels that the caller gave it, by dimension; absent: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The experiment arm, or null outside of experiments. */
  readonly arm: string | null;
  readonly modelVersion: string;
  /** The treatment that served it, as JSON. */
  readonly treatment: string;
  /** The caller chose the treatment: kept out of training and reports. */
  readonly forced: boolean;
  /** The order of the returned items was drawn at random. */
  readonly shuffled: boolean;
  readonly latencyMs: number;
  /** Codes of what was missing when it was served. */
  readonly degraded: readonly string[];
  readonly items: ServedItems;
  /** Of a visual search of a pin: the region that was asked about. */
  readonly region?: LoggedRegion | null;
}

/** The columns of a list; arrays may be longer than `count`. */
export interface ServedItems {
  readonly count: number;
  readonly pinIndexes: Int32Array;
  /** From 1; 0: a candidate that was not returned. */
  readonly positions: Uint16Array;
  readonly scores: Float64Array;
  /** Probability with which the serving policy puts this item at this position (1: certain); 0 for those not returned. */
  readonly propensities: Float32Array;
  /** Rank among the candidates as retrieved, before the ranker, from 0. */
  readonly retrievedRanks: Int32Array;
  readonly sourceNames: readonly string[];
  /** count x sources, row-major; NaN where that source did not propose the item. */
  readonly sourceScores: Float32Array;
  /** count x ranking features. */
  readonly rows: Matrix;
}

/** Items that were certain to stand where they stand: the first at position 1, retrieved in this order, of no source, without rows. */
export function plainItems(pins: ArrayLike<number>): ServedItems {
  const count = pins.length;
  return {
    count,
    pinIndexes: Int32Array.from(pins),
    positions: Uint16Array.from(pins, (_, at) => at + 1),
    scores: new Float64Array(count),
    propensities: new Float32Array(count).fill(1),
    retrievedRanks: Int32Array.from(pins, (_, at) => at),
    sourceNames: [],
    sourceScores: new Float32Array(0),
    rows: { rows: 0, columns: 0, names: [], data: new Float32Array(0) },
  };
}

/** Proposes no candidate: an item that has this source was put there to get to know it. Its score is the chance it had. */
export const EXPLORATION = 'exploration';

/** The pins of a list that were put there to get to know them. */
export function exploredPins({ count, positions, pinIndexes, sourceNames, sourceScores }: ServedItems): ReadonlySet<number> {
  const at = sourceNames.indexOf(EXPLORATION);
  const explored = new Set<number>();
  if (at < 0) return explored;
  for (let i = 0; i < count; i++)
    if (positions[i] > 0 && !Number.isNaN(sourceScores[i * sourceNames.length + at])) explored.add(pinIndexes[i]);
  return explored;
}

const named = new Map<string, readonly string[]>();
/** More different lists of names than any service has. */
const NAMES_KEPT = 1000;

/** One array for equal names: lists from elsewhere share it, as those of one process do, and the log makes its text once. */
export function sharedNames(names: readonly string[]): readonly string[] {
  const key = names.join(' ');
  const shared = named.get(key);
  if (shared) return shared;
  if (named.size < NAMES_KEPT) named.set(key, names);
  return names;
}
