/**
 * Which pin is on which board, as two compressed sparse tables over the same distinct pairs: `boardPins` lists the pins
 * of board b at `boardStart[b] .. boardStart[b + 1]`, `pinBoards` the boards of pin i at `pinStart[i] .. pinStart[i + 1]`,
 * both ascending. They lie in one shared memory that WebAssembly and worker threads read, and that counters grow for their
 * own accumulators.
 */
export interface BoardPins {
  readonly boards: number;
  readonly pins: number;
  readonly pairs: number;
  readonly boardStart: Uint32Array;
  readonly boardPins: Uint32Array;
  readonly pinStart: Uint32Array;
  readonly pinBoards: Uint32Array;
  readonly memory: WebAssembly.Memory;
}

/**
 * Builds both tables from parallel columns of saves; a pin saved twice to a board counts once.
 *
 * Given    boardOf, pinOf  equal length, each within `boards` and `pins`
 * Returns  the tables; peak memory is the input plus two columns of its length
 * Throws   RangeError if the lengths differ or an index is out of range
 */
export function boardPinsOf(boardOf: Uint32Array, pinOf: Uint32Array, boards: number, pins: number): BoardPins {
  if (boardOf.length !== pinOf.length) throw new RangeError(`columns differ in length: ${boardOf.length} boards, ${pinOf.length} pins`);
  const saves = boardOf.length;
  const memory = sharedMemory(4 * (boards + pins + 2 + 2 * saves) + PAGE_BYTES);
  const column = columnsOf(memory);
  const byBoard = { start: column(boards + 1), values: column(saves) };
  const byPin = { start: column(pins + 1), values: column(saves) };
  // The second table's place holds the saves by pin, repeats and all, until the first one is made of them.
  const withRepeats = grouped(pinOf, boardOf, pins, byPin.values);
  transposed(withRepeats, boards, byBoard);
  const { start: boardStart, values: boardPins } = distinct(byBoard, boards);
  const pairs = boardPins.length;
  transposed({ start: boardStart, values: boardPins }, pins, byPin);
  return { boards, pins, pairs, boardStart, boardPins, pinStart: byPin.start, pinBoards: byPin.values.subarray(0, pairs), memory };
}

/**
 * The tables of some rows: boards that hold one of the pins `from .. to`, each whole, in ascending order. `pinBoards` has only
 * these pins; the others have no boards.
 *
 * Given    sizes, values  pieces in order: pins of each board, and the boards one after the other, each ascending and distinct
 */
export function boardPinsOfRows(
  sizes: readonly Uint32Array[],
  values: readonly Uint32Array[],
  pins: number,
  from: number,
  to: number,
): BoardPins {
  const boards = sizes.reduce((sum, piece) => sum + piece.length, 0);
  const pairs = values.reduce((sum, piece) => sum + piece.length, 0);
  const memory = sharedMemory(4 * (boards + pins + 2 + 2 * pairs) + PAGE_BYTES);
  const column = columnsOf(memory);
  const boardStart = column(boards + 1);
  const boardPins = column(pairs);
  let board = 0;
  for (const piece of sizes) for (const size of piece) boardStart[board + 1] = boardStart[board++] + size;
  let at = 0;
  for (const piece of values) {
    boardPins.set(piece, at);
    at += piece.length;
  }
  const pinStart = column(pins + 1);
  for (const pin of boardPins) if (pin >= from && pin < to) pinStart[pin + 1]++;
  for (let pin = 0; pin < pins; pin++) pinStart[pin + 1] += pinStart[pin];
  const pinBoards = column(pinStart[pins]);
  const next = pinStart.slice(from, to);
  for (let b = 0; b < boards; b++)
    for (let p = boardStart[b]; p < boardStart[b + 1]; p++)
      if (boardPins[p] >= from && boardPins[p] < to) pinBoards[next[boardPins[p] - from]++] = b;
  return { boards, pins, pairs, boardStart, boardPins, pinStart, pinBoards, memory };
}

const PAGE_BYTES = 65_536;

/** Shared memory that may grow to what WebAssembly can address. Throws RangeError beyond 4 GiB. */
function sharedMemory(bytes: number): WebAssembly.Memory {
  const initial = Math.ceil(bytes / PAGE_BYTES);
  if (initial > 65_536) throw new RangeError(`the saves need ${bytes} bytes, over the 4 GiB that can be addressed`);
  return new WebAssembly.Memory({ initial, maximum: 65_536, shared: true });
}

/** Cuts columns from the beginning of a memory, one after the other. */
function columnsOf(memory: WebAssembly.Memory): (length: number) => Uint32Array {
  let at = 0;
  return (length) => {
    const column = new Uint32Array(memory.buffer, at, length);
    at += length * 4;
    return column;
  };
}

/** New room at the end of a memory; returns its byte offset. */
export function grownBy(memory: WebAssembly.Memory, bytes: number): number {
  return memory.grow(Math.ceil(bytes / PAGE_BYTES)) * PAGE_BYTES;
}

interface Rows {
  readonly start: Uint32Array;
  readonly values: Uint32Array;
}

/** Counting sort of `values` by `keys` into `sorted`, stable. */
function grouped(keys: Uint32Array, values: Uint32Array, rows: number, sorted: Uint32Array): Rows {
  const start = new Uint32Array(rows + 1);
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] >= rows) throw new RangeError(`pin ${keys[i]} is out of range, there are ${rows}`);
    start[keys[i] + 1]++;
  }
  for (let r = 0; r < rows; r++) start[r + 1] += start[r];
  const next = start.slice(0, rows);
  for (let i = 0; i < keys.length; i++) sorted[next[keys[i]]++] = values[i];
  return { start, values: sorted };
}

/** Row r holding value v becomes row v holding value r; rows come out ascending. `into.start` comes as zeros. */
function transposed(table: Rows, columns: number, into: Rows): void {
  const { values } = table;
  const { start, values: turned } = into;
  for (let i = 0; i < values.length; i++) {
    if (values[i] >= columns) throw new RangeError(`board ${values[i]} is out of range, there are ${columns}`);
    start[values[i] + 1]++;
  }
  for (let c = 0; c < columns; c++) start[c + 1] += start[c];
  const next = start.slice(0, columns);
  for (let r = 0; r + 1 < table.start.length; r++) {
    for (let at = table.start[r]; at < table.start[r + 1]; at++) turned[next[values[at]]++] = r;
  }
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
  return { start, values: values.subarray(0, kept) };
}
