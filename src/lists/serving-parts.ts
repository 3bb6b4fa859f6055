import type { CandidateSource } from '../candidates/candidate.ts';
import type { Surface } from '../catalog/log/served-list.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { Grades } from '../grades.ts';
import type { Ranker } from '../ranker/scoring/ranker.ts';
import type { PairEngagement, VectorCosines } from '../ranker/scoring/ranking-feature.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';

/** Something that could not be had; the reply and the log line both say so. */
export interface Degradation {
  readonly code: string;
  readonly reason: string;
}

/** Sources by name, with the largest share of the candidates that each gives. */
export type SourceShares = ReadonlyMap<string, number>;

/** What the spine reads. Members may be swapped between two requests, never within one: each is read once per request. */
export interface ServingParts {
  readonly pins: PinColumns;
  readonly visual: VisualFeatures | null;
  /** Imported vectors, a set per name. */
  readonly vectors: readonly VectorCosines[];
  /** In the order in which the merge prefers them. */
  readonly sources: readonly CandidateSource[];
  /** What was refused when artifacts or models were loaded; an earlier version or none serves instead. */
  readonly degraded: readonly Degradation[];
  readonly engagement: PairEngagement | null;
  /** The model of that name, or the promoted one (for a canary's share of units, the canary). @throws RANKER_MODEL_UNKNOWN */
  ranker(name: string | null, unit: string | null, surface: Surface): Ranker | Promise<Ranker>;
  /** Called when the serving model could not score a list. Gives the model that serves instead; absent: the order of retrieval does. */
  fallBack?(name: string, reason: string): Ranker;
  /** A user's pins of before `now` with weights (recency x strength by `grades`), strongest first; empty for strangers. */
  historyOf(userId: string, now: number, grades?: Grades): WeightedPins;
  /** Pins a user has saved or was shown in a feed before `now`. */
  seenBy(userId: string, now: number): ReadonlySet<number>;
  /** Pins a user has hidden up to `now`: neither they nor their near-duplicates stand in a list of that user. */
  hiddenBy(userId: string, now: number): ReadonlySet<number>;
  /** How often each of these pins stood in a list that somebody looked at. */
  impressionsOf(pinIndexes: Int32Array): Uint32Array;
  readonly limits: ServingLimits;
}

/** The same parts, serving in the order of the ranker: nothing is drawn, neither places nor rows for the log. */
export function inOrder(parts: ServingParts): ServingParts {
  // With all pins seen often enough there is nothing to explore.
  const impressionsOf = (pinIndexes: Int32Array): Uint32Array => new Uint32Array(pinIndexes.length).fill(0xffff_ffff);
  return { ...parts, impressionsOf, limits: { ...parts.limits, shuffledShare: 0, unservedRows: 0 } };
}

/** The same parts, knowing nothing of what people did with lists: where that is the very thing to be foretold. */
export function withoutLog(parts: ServingParts): ServingParts {
  return { ...parts, sources: parts.sources.filter(({ name }) => name !== 'remembered-winners'), engagement: null };
}

interface ServingLimits {
  /** The sources that are asked unless a treatment names others. */
  readonly sourceShares: SourceShares;
  /** Candidates ranked per request. */
  readonly candidates: number;
  /** Share of first closeup pages whose order is drawn at random. */
  readonly shuffledShare: number;
  /** Candidates not returned whose rows are logged too. */
  readonly unservedRows: number;
}
