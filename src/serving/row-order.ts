/** The first `count` rows by score: score down, then pin index up (the tie rule of the project). */
export function bestRows(scores: Float64Array, pinIndexes: Int32Array, count: number): Int32Array {
  const rows = new Int32Array(scores.length);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  rows.sort((a, b) => scores[b] - scores[a] || pinIndexes[a] - pinIndexes[b]);
  return count < rows.length ? rows.subarray(0, count) : rows;
}
