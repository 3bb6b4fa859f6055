import type { Accept } from '../candidates/visual/neighbor-index.ts';
import type { CandidateList } from '../candidates/candidate.ts';
import type { Surface } from '../catalog/log/served-list.ts';
import type { Matrix } from '../math/matrix.ts';
import type { Ranker, ScoringInputs, Term } from '../ranker/scoring/ranker.ts';
import type { Treatment } from '../treatment.ts';
import type { Placing } from './composition.ts';
import type { Degradation } from './serving-parts.ts';

/** An arm of an interleaved experiment. */
export interface InterleavedArm {
  readonly key: string;
  readonly treatment: Treatment;
}

/** What every list request may say, whatever its surface. */
export interface ListOptions {
  readonly treatment: Treatment;
  /** The caller named the treatment: marked in the log and kept out of training. */
  readonly forced: boolean;
  /** Arms of running experiments, `key/arm;key/arm`, or null. */
  readonly arm: string | null;
  readonly userId: string | null;
  /** The caller's session, the unit of experiments by session. */
  readonly sessionId?: string | null;
  /** Labels that the caller gave the list, by dimension; absent: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Arms that share the page by team draft; null or absent: one list. */
  readonly interleave?: readonly InterleavedArm[] | null;
  /** What experiments had to do without: an arm's model that is gone. */
  readonly degraded?: readonly Degradation[];
  readonly limit: number;
  readonly cursor: string | null;
  /** Pins the caller does not want. */
  readonly exclude: ReadonlySet<number>;
  /** A category name every item must have, or null. */
  readonly category: string | null;
  readonly buyableOnly: boolean;
  /** What the fields of every item must be; absent or null: anything. */
  readonly filter?: Accept | null;
  /** Keep the terms of every score on the page. */
  readonly explain?: boolean;
  /** Keep what was scored, of every candidate: for those who measure other rankers on the same candidates. */
  readonly keepInputs?: boolean;
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
  readonly candidates: CandidateList;
  readonly scores: Float64Array;
  /** Rows of `candidates` on this page, in served order. */
  readonly page: Int32Array;
  /** Rows of a few candidates that are not on the page, for the log. */
  readonly unserved: Int32Array;
  /** Raw ranking features of the page, then of the unserved. */
  readonly rows: Matrix;
  /** What was scored, of every candidate; null unless asked for. */
  readonly inputs: ScoringInputs | null;
  /** By place on the page; null unless asked for. */
  readonly terms: readonly (readonly Term[])[] | null;
  /** Position of the first item of the page, from 1. */
  readonly firstPosition: number;
  /** By place on the page. */
  readonly propensities: Float32Array;
  readonly shuffled: boolean;
  /** By place on the page: where composition moved an item, and why; null: the page was not composed. */
  readonly placings: readonly (Placing | null)[] | null;
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

/** Kendall's tau between served order and the order of retrieval: rows are numbered as retrieved. */
export function kendallTau(page: Int32Array): number | null {
  const pairs = (page.length * (page.length - 1)) / 2;
  if (pairs === 0) return null;
  let agreeing = 0;
  for (let i = 0; i < page.length; i++) for (let j = i + 1; j < page.length; j++) if (page[i] < page[j]) agreeing++;
  return Math.round(((2 * agreeing) / pairs - 1) * 1000) / 1000;
}
