/**
 * The first `count` rows by score: score down, then pin index up (the tie rule of the project). Rows that are not among
 * the best so far cost one comparison; a short page of a long list is found in one pass.
 */
export function bestRows(scores: Float64Array, pinIndexes: Int32Array, count: number): Int32Array {
  const wanted = Math.min(count, scores.length);
  if (wanted > scores.length >> 2) return allRows(scores, pinIndexes).subarray(0, wanted);
  const kept = new Int32Array(wanted);
  let held = 0;
  for (let row = 0; row < scores.length; row++) {
    if (held === wanted && (wanted === 0 || !isBefore(scores, pinIndexes, row, kept[held - 1]))) continue;
    let place = held < wanted ? held++ : held - 1;
    while (place > 0 && isBefore(scores, pinIndexes, row, kept[place - 1])) {
      kept[place] = kept[place - 1];
      place--;
    }
    kept[place] = row;
  }
  return kept;
}

/** All rows, in the same order. */
export function allRows(scores: Float64Array, pinIndexes: Int32Array): Int32Array {
  const rows = new Int32Array(scores.length);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return rows.sort((a, b) => scores[b] - scores[a] || pinIndexes[a] - pinIndexes[b]);
}

function isBefore(scores: Float64Array, pinIndexes: Int32Array, row: number, other: number): boolean {
  return scores[row] > scores[other] || (scores[row] === scores[other] && pinIndexes[row] < pinIndexes[other]);
}
