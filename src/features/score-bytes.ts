/**
 * Class scores as the ranking compares them: rounded to whole numbers of -127 .. 127, the largest to 127. A cosine does not
 * see the scale, and sums of whole numbers are exact, so every way of computing it gives the same bits. A row of 225
 * scores is four cache lines long and not fifteen. This is the definition, wherever class scores are compared.
 */
const LARGEST = 127;

/** A row's bytes, and the sum of their squares. */
export interface ScoreBytes {
  readonly bytes: Int8Array;
  readonly squares: number;
}

/** Rounds a row; null when a score is not a number: such a row counts as missing. */
export function scoreBytes(scores: Float32Array, bytes = new Int8Array(scores.length)): ScoreBytes | null {
  let largest = 0;
  for (let i = 0; i < scores.length; i++) {
    const size = Math.abs(scores[i]);
    if (!(size < Number.POSITIVE_INFINITY)) return null;
    if (size > largest) largest = size;
  }
  const scale = largest === 0 ? 0 : LARGEST / largest;
  let squares = 0;
  for (let i = 0; i < scores.length; i++) {
    const byte = Math.round(scores[i] * scale);
    bytes[i] = byte;
    squares += byte * byte;
  }
  return { bytes, squares };
}

/** Dot product of two rows. */
export function byteDot(a: Int8Array, b: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Cosine of two rows by their dot product and squares; 0 if either is zero. */
export function byteCosine(dot: number, squares: number, otherSquares: number): number {
  const scale = Math.sqrt(squares * otherSquares);
  return scale === 0 ? 0 : dot / scale;
}
