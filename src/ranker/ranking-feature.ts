import type { CandidateList } from '../candidates/candidate.ts';
import type { PinColumns } from '../catalog/pin-columns.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { Matrix } from '../math/matrix.ts';

/** What an image, or a crop of it, looks like. */
export interface VisualSide {
  readonly code: Uint32Array;
  readonly scores: Float32Array | null;
}

/** The query as the treatment sees it. */
export interface QuerySide {
  /** -1: an uploaded image or a home feed. */
  readonly pinIndex: number;
  /** The whole image, or the dominant object's crop where the treatment says so; null without visual features. */
  readonly visual: VisualSide | null;
  /** The dominant object, or null. */
  readonly object: (VisualSide & { readonly label: string }) | null;
}

/** The user's recent past, for the home feed. */
export interface HistorySide {
  /** Mix of the categories of the pins saved and opened lately, L2-normalized, by category ordinal. */
  readonly categories: Float32Array;
  /** Those pins, latest first. */
  readonly pinIndexes: Int32Array;
}

/** Clicks over expected clicks of query-candidate pairs, shrunk towards 1; null: nothing is known of any pair. */
export interface PairEngagement {
  of(queryPinIndex: number, pinIndex: number): number;
}

/** Everything that ranking features read, gathered once a request. */
export interface RankingInputs {
  readonly query: QuerySide;
  readonly candidates: CandidateList;
  readonly pins: PinColumns;
  readonly visual: VisualFeatures | null;
  readonly history: HistorySide | null;
  readonly engagement: PairEngagement | null;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * One ranking feature: its columns and how they are filled. `fill` writes column `firstColumn + c` of every row; the
 * matrix comes zeroed, and a value that is missing stays 0 (the one rule for missing values: in the log, in training, in
 * serving, in exported files; indicators tell a missing 0 from a true one).
 */
export interface RankingFeature {
  readonly name: string;
  readonly columns: readonly string[];
  fill(inputs: RankingInputs, out: Matrix, firstColumn: number): void;
}
