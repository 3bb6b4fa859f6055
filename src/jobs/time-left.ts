/** How much time a long job has left, for its progress. */
import type { Progress } from '../progress.ts';

const TOLD_MS = 10_000;

/** Says every ten seconds how many of `of` things are done, and how long the rest takes if it goes on so. */
export function timeLeft(progress: Progress, things: string, of: number): (done: number) => void {
  const startedAt = performance.now();
  let toldAt = startedAt;
  return (done) => {
    const now = performance.now();
    if (now - toldAt < TOLD_MS) return;
    toldAt = now;
    progress.note(`${done} of ${of} ${things}, about ${Math.ceil(((of - done) * (now - startedAt)) / (1000 * done))} s left`);
  };
}
