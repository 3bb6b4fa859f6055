/**
 * Large pictures are decoded one after another in each thread: an interlaced one of 100 million pixels needs hundreds of
 * MiB, a few bytes of a stranger are enough to claim it, and a dozen at the same time would need all there is.
 */

/** An ordinary photo of a camera is below; four of these at the same time cost what one at the limit does. */
const LARGE_PIXELS = 25_000_000;

let last: Promise<unknown> = Promise.resolve();

/** Runs `decode` at once for an ordinary picture, for a large one when those before it are done. */
export function inTurn<T>(pixels: number, decode: () => Promise<T>): Promise<T> {
  if (pixels <= LARGE_PIXELS) return decode();
  const turn = last.then(decode);
  last = turn.catch(() => undefined);
  return turn;
}
