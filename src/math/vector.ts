/** Dense vectors over typed arrays. Lengths are checked on entry: a mismatch is a broken promise between our own functions. */
type Vector = Float32Array | Float64Array | readonly number[];

function sameLength(a: Vector, b: Vector): void {
  if (a.length !== b.length) throw new RangeError(`vector lengths differ: ${a.length} and ${b.length}`);
}

/** Sum of a_i b_i; 0 for empty vectors. Throws RangeError where lengths differ. */
export function dot(a: Vector, b: Vector): number {
  sameLength(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Euclidean length (L2). */
export function norm(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

/** Cosine of the angle; 0 if either is the zero vector. */
export function cosine(a: Vector, b: Vector): number {
  const length = norm(a) * norm(b);
  return length === 0 ? 0 : dot(a, b) / length;
}

/** A copy of length 1 (L2); the zero vector stays zero. */
export function normalized(a: Vector): Float32Array {
  const length = norm(a);
  const out = new Float32Array(a.length);
  if (length > 0) for (let i = 0; i < a.length; i++) out[i] = a[i] / length;
  return out;
}
