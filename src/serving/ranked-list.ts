import type { CandidateList } from '../candidates/candidate.ts';
import type { Surface } from '../catalog/served-list.ts';
import type { Matrix } from '../math/matrix.ts';
import type { Ranker, ScoringInputs } from '../ranker/ranker.ts';
import type { Treatment } from '../ranker/treatment.ts';
import type { Degradation } from './serving-parts.ts';

/** What every list request may say, whatever its surface. */
export interface ListOptions {
  readonly treatment: Treatment;
  /** The caller named the treatment: marked in the log and kept out of training. */
  readonly forced: boolean;
  /** Arms of running experiments, `key/arm;key/arm`, or null. */
  readonly arm: string | null;
  readonly userId: string | null;
  readonly limit: number;
  readonly cursor: string | null;
  /** Pins the caller does not want. */
  readonly exclude: ReadonlySet<number>;
  /** A category name every item must have, or null. */
  readonly category: string | null;
  readonly buyableOnly: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Born with the request; also seeds its random choices. */
  readonly recommendationId: string;
}

/** A page of an ordered list with all it was made from: what the reply, the explanation and the log are written from. */
export interface RankedList {
  readonly surface: Surface;
  readonly queryPinIndex: number;
  readonly options: ListOptions;
  readonly ranker: Ranker;
  readonly inputs: ScoringInputs;
  readonly candidates: CandidateList;
  /** A row per candidate, raw. */
  readonly rows: Matrix;
  readonly scores: Float64Array;
  /** Rows of `candidates` on this page, in served order. */
  readonly page: Int32Array;
  /** Position of the first item of the page, from 1. */
  readonly firstPosition: number;
  /** By place on the page. */
  readonly propensities: Float32Array;
  readonly shuffled: boolean;
  readonly nextCursor: string | null;
  readonly degraded: readonly Degradation[];
  readonly missing: readonly string[];
  readonly timings: StageTimings;
}

/** Milliseconds per stage. */
export interface StageTimings {
  candidatesMs: number;
  rowsMs: number;
  scoresMs: number;
  orderMs: number;
}
