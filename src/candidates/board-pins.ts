/**
 * Which pin is on which board, as two compressed sparse tables over the same distinct pairs: `boardPins` lists the pins
 * of board b at `boardStart[b] .. boardStart[b + 1]`, `pinBoards` the boards of pin i at `pinStart[i] .. pinStart[i + 1]`,
 * both ascending. Backed by shared memory, so that worker threads read one copy.
 */
export interface BoardPins {
  readonly boards: number;
  readonly pins: number;
  readonly pairs: number;
  readonly boardStart: Uint32Array;
  readonly boardPins: Uint32Array;
  readonly pinStart: Uint32Array;
  readonly pinBoards: Uint32Array;
}

/**
 * Builds both tables from parallel columns of saves; a pin saved twice to a board counts once.
 *
 * Given    boardOf, pinOf  equal length, each within `boards` and `pins`
 * Returns  the tables; peak memory is the input plus three columns of its length
 * Throws   RangeError if the lengths differ or an index is out of range
 */
export function boardPinsOf(boardOf: Uint32Array, pinOf: Uint32Array, boards: number, pins: number): BoardPins {
  if (boardOf.length !== pinOf.length)
    throw new RangeError(`columns differ in length: ${boardOf.length} boards, ${pinOf.length} pins`);
  const byPin = grouped(pinOf, boardOf, pins);
  const byBoard = distinct(transposed(byPin, boards), boards);
  const boardsByPin = transposed(byBoard, pins);
  return {
    boards,
    pins,
    pairs: byBoard.values.length,
    boardStart: byBoard.start,
    boardPins: byBoard.values,
    pinStart: boardsByPin.start,
    pinBoards: boardsByPin.values,
  };
}

interface Rows {
  readonly start: Uint32Array;
  readonly values: Uint32Array;
}

export function sharedUint32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * 4));
}

/** Counting sort of `values` by `keys`, stable. */
function grouped(keys: Uint32Array, values: Uint32Array, rows: number): Rows {
  const start = new Uint32Array(rows + 1);
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] >= rows) throw new RangeError(`pin ${keys[i]} is out of range, there are ${rows}`);
    start[keys[i] + 1]++;
  }
  for (let r = 0; r < rows; r++) start[r + 1] += start[r];
  const next = start.slice(0, rows);
  const sorted = new Uint32Array(values.length);
  for (let i = 0; i < keys.length; i++) sorted[next[keys[i]]++] = values[i];
  return { start, values: sorted };
}

/** Row r holding value v becomes row v holding value r; rows come out ascending. */
function transposed(table: Rows, columns: number): Rows {
  const start = sharedUint32(columns + 1);
  const values = table.values;
  for (let i = 0; i < values.length; i++) {
    if (values[i] >= columns) throw new RangeError(`board ${values[i]} is out of range, there are ${columns}`);
    start[values[i] + 1]++;
  }
  for (let c = 0; c < columns; c++) start[c + 1] += start[c];
  const next = start.slice(0, columns);
  const turned = sharedUint32(values.length);
  for (let r = 0; r + 1 < table.start.length; r++) {
    for (let at = table.start[r]; at < table.start[r + 1]; at++) turned[next[values[at]]++] = r;
  }
  return { start, values: turned };
}

/** Drops repeats from rows that are ascending. */
function distinct(table: Rows, rows: number): Rows {
  const { start, values } = table;
  let kept = 0;
  let from = 0;
  for (let r = 0; r < rows; r++) {
    const end = start[r + 1];
    const first = kept;
    for (let at = from; at < end; at++) {
      if (kept === first || values[kept - 1] !== values[at]) values[kept++] = values[at];
    }
    from = end;
    start[r + 1] = kept;
  }
  if (kept === values.length) return table;
  const fewer = sharedUint32(kept);
  fewer.set(values.subarray(0, kept));
  return { start, values: fewer };
}
