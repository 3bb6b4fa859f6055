/**
 * What is left different of two pictures when the one is laid over the other as well as can be, in percent of what is to be
 * seen in them: near zero for copies, also for cropped and captioned ones, large for pictures that are only alike.
 *
 * Pictures come as colour cells (`fingerprint.ts`). The window of the first that the second shows may begin and end up to
 * REACH outside or inside each of its sides; coordinate descent over the four sides, from no crop, finds it. A cell's
 * difference counts only as far as it exceeds RAMP times the range of colours around that cell in either picture: along
 * edges a shift by part of a cell changes much and means nothing. With `ramp` 0 edges count in full, which distinguishes letters of one
 * size in one place apart: where copies keep their edges, other words do not. A strip along the top or the foot may be left out, as a
 * caption would lie there, for a small charge. What is to be seen is the mean distance of the cells from their median
 * colour: a thin shelf on white differs little from another in all, and much for what there is of it.
 *
 * Choice: all constants, by the recall at a precision of 0.98 on the drawn copies of a demo world (docs/DECISIONS.md).
 */
import { COLOUR_SIDE } from './fingerprint.ts';

const SIDE = COLOUR_SIDE;
/** Places a side of the window may take, in steps of STEP shares of the picture, REACH each way of no crop. */
const STEP = 0.02;
const REACH = 5;
const PLACES = 2 * REACH + 1;
const RAMP = 0.3;
/** Rows a caption may cover, and what leaving them out costs. */
const CAPTION_ROWS = 3;
const CAPTION_FACTOR = 1.05;
const CAPTION_CHARGE = 0.1;
/** Steps of the descent, in places. */
const STRIDES = [2, 1] as const;
const ROUNDS = 4;
/** A difference that after a round is still more than this ends the search. */
const HOPELESS = 8;

/** Where a cell of the second picture falls in the first along one axis: between two cells, or outside (share -1). */
interface Taps {
  readonly first: Uint8Array;
  readonly share: Float32Array;
  readonly nearest: Uint8Array;
}

/** By place of the near side x PLACES + place of the far side. */
const TAPS: readonly Taps[] = Array.from({ length: PLACES * PLACES }, (_, i) =>
  tapsOf((Math.floor(i / PLACES) - REACH) * STEP, ((i % PLACES) - REACH) * STEP),
);

function tapsOf(near: number, far: number): Taps {
  const taps = { first: new Uint8Array(SIDE), share: new Float32Array(SIDE), nearest: new Uint8Array(SIDE) };
  for (let i = 0; i < SIDE; i++) {
    const along = near + ((1 - near - far) * (i + 0.5)) / SIDE;
    const at = Math.max(0, Math.min(SIDE - 1, along * SIDE - 0.5));
    taps.first[i] = Math.min(SIDE - 2, Math.floor(at));
    taps.share[i] = along < 0 || along > 1 ? -1 : at - taps.first[i];
    taps.nearest[i] = Math.round(at);
  }
  return taps;
}

export interface LaidPicture {
  readonly cells: Uint8Array;
  /** The colours around each cell: highest less lowest of the 3 x 3 cells, by channel. */
  readonly range: Uint8Array;
  /** Mean distance of the cells from their median colour, 0..255. */
  readonly content: number;
}

/** A blank picture counts as if it showed this much. */
const CONTENT_MIN = 1;

export function laidPicture(cells: Uint8Array): LaidPicture {
  const range = new Uint8Array(cells.length);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      for (let channel = 0; channel < 3; channel++) {
        let [low, high] = [255, 0];
        for (let v = Math.max(0, y - 1); v <= Math.min(SIDE - 1, y + 1); v++)
          for (let u = Math.max(0, x - 1); u <= Math.min(SIDE - 1, x + 1); u++) {
            const value = cells[(v * SIDE + u) * 3 + channel];
            if (value < low) low = value;
            if (value > high) high = value;
          }
        range[(y * SIDE + x) * 3 + channel] = high - low;
      }
  return { cells, range, content: contentOf(cells) };
}

function contentOf(cells: Uint8Array): number {
  let sum = 0;
  for (let channel = 0; channel < 3; channel++) {
    const values = cells.filter((_, i) => i % 3 === channel).sort();
    const median = values[values.length >> 1];
    for (const value of values) sum += Math.abs(value - median);
  }
  return sum / cells.length;
}

/** The least difference over windows and over which picture lies below, in percent of the content of the emptier one. */
export function laidOverDifference(a: LaidPicture, b: LaidPicture, ramp = RAMP): number {
  const one = bestOver(a, b, ramp);
  const least = one > HOPELESS ? one : Math.min(one, bestOver(b, a, ramp));
  return (100 * least) / Math.max(CONTENT_MIN, Math.min(a.content, b.content));
}

/** Mean difference (0..255) over the window, the least over windows of `a`. */
function bestOver(a: LaidPicture, b: LaidPicture, ramp: number): number {
  const window = [REACH, REACH, REACH, REACH];
  let least = differenceAt(a, b, window, 2 * HOPELESS, ramp);
  for (const stride of STRIDES) {
    for (let round = 0, better = true; better && round < ROUNDS; round++) {
      better = false;
      for (let move = 0; move < 8; move++) {
        const side = move >> 1;
        const before = window[side];
        window[side] += move & 1 ? stride : -stride;
        const inReach = window[side] >= 0 && window[side] < PLACES;
        const found = inReach ? differenceAt(a, b, window, least, ramp) : Number.POSITIVE_INFINITY;
        if (found < least) [least, better] = [found, true];
        else window[side] = before;
      }
      if (least > HOPELESS) return least;
    }
  }
  return least;
}

const BLOCKS = 4;
const BLOCK_SIDE = SIDE / BLOCKS;

/** Mean difference (0..255) of the sixteenths of two pictures as they are: a quick look. */
export function coarseDifference(a: Uint8Array, b: Uint8Array): number {
  const sums = new Int32Array(BLOCKS * BLOCKS * 3);
  for (let i = 0; i < a.length; i++) {
    const cell = Math.floor(i / 3);
    const block = Math.floor(cell / SIDE / BLOCK_SIDE) * BLOCKS + Math.floor((cell % SIDE) / BLOCK_SIDE);
    sums[block * 3 + (i % 3)] += a[i] - b[i];
  }
  return sums.reduce((total, sum) => total + Math.abs(sum), 0) / a.length;
}

const rowMeans = new Float64Array(SIDE);

/** `window`: places of left, top, right and lower side. Infinity as soon as it is sure to be more than `most`. */
function differenceAt(a: LaidPicture, b: LaidPicture, [left, top, right, foot]: readonly number[], most: number, ramp: number): number {
  const across = TAPS[left * PLACES + right];
  const down = TAPS[top * PLACES + foot];
  let rows = 0;
  let headless = 0;
  for (let y = 0; y < SIDE; y++) {
    if (down.share[y] < 0) continue;
    rowMeans[rows] = rowDifference(a, b, y, down, across, ramp);
    if (rows >= CAPTION_ROWS) headless += rowMeans[rows];
    rows++;
    if (headless > most * SIDE && y < SIDE - 2 * CAPTION_ROWS) return Number.POSITIVE_INFINITY;
  }
  let [whole, footless] = [headless, headless];
  for (let row = 0; row < CAPTION_ROWS; row++) {
    whole += rowMeans[row];
    footless += rowMeans[row] - rowMeans[rows - 1 - row];
  }
  const captioned = (CAPTION_FACTOR * Math.min(headless, footless)) / (rows - CAPTION_ROWS) + CAPTION_CHARGE;
  return Math.min(whole / rows, captioned);
}

function rowDifference(a: LaidPicture, b: LaidPicture, y: number, down: Taps, across: Taps, ramp: number): number {
  const above = down.first[y] * SIDE;
  const nearestRow = down.nearest[y] * SIDE;
  const v = down.share[y];
  let sum = 0;
  let seen = 0;
  for (let x = 0; x < SIDE; x++) {
    const u = across.share[x];
    if (u < 0) continue;
    seen++;
    const at = (above + across.first[x]) * 3;
    const nearest = (nearestRow + across.nearest[x]) * 3;
    const mine = (y * SIDE + x) * 3;
    for (let channel = 0; channel < 3; channel++) {
      const i = at + channel;
      const upper = a.cells[i] + u * (a.cells[i + 3] - a.cells[i]);
      const lower = a.cells[i + 3 * SIDE] + u * (a.cells[i + 3 * SIDE + 3] - a.cells[i + 3 * SIDE]);
      const away = Math.abs(upper + v * (lower - upper) - b.cells[mine + channel]);
      const range = Math.max(a.range[nearest + channel], b.range[mine + channel]);
      if (away > ramp * range) sum += away - ramp * range;
    }
  }
  return sum / (3 * seen);
}
