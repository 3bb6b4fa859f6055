/**
 * What serving reads of one net's visual features: binary codes of whole images (resident, in memory that WebAssembly can
 * read), class scores, and the dominant object's crop. Rows are pin indexes.
 */
export interface CodeTable {
  readonly bits: number;
  readonly words: number;
  readonly capacity: number;
  /** Row r at r * words. */
  readonly codes: Uint32Array;
  /** 1 where the pin has a code. */
  readonly has: Uint8Array;
  readonly memory: WebAssembly.Memory;
  readonly byteOffset: number;
}

export interface ClassScoreTable {
  readonly length: number;
  /** Cosine of `query` (any scale) with each pin's scores into `out`, both as score-bytes.ts rounds them; NaN where the pin has none. */
  cosines(query: Float32Array, pinIndexes: Int32Array, count: number, out: Float32Array): void;
  /** As rounded, so their scale is not the net's; null where the pin has none. */
  scoresOf(pinIndex: number): Float32Array | null;
}

/** The dominant object's crop, seen by the same net. */
export interface ObjectFeatures {
  readonly label: string;
  readonly code: Uint32Array;
  readonly scores: Float32Array;
}

export interface VisualFeatures {
  readonly netDigest: string;
  readonly image: CodeTable;
  readonly imageScores: ClassScoreTable;
  /** The crop of the dominant object, or null where there is none. */
  objectOf(pinIndex: number): ObjectFeatures | null;
  /** The class of that object alone, for asking about many pins. */
  objectLabelOf(pinIndex: number): string | null;
}
