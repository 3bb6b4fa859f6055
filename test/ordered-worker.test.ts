import { expect, test } from 'vitest';
import { OrderedWorker } from '../src/ordered-worker.ts';

const script = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
const DOUBLES = `import { parentPort } from 'node:worker_threads';
parentPort.on('message', (n) => { if (n === 0) throw new Error('no zero'); if (n < 0) process.exit(7); parentPort.postMessage(2 * n); });`;

test('answers come in order', async () => {
  const worker = new OrderedWorker<number, number>(script(DOUBLES), null);
  expect(await Promise.all([1, 2, 3].map((n) => worker.ask(n)))).toEqual([2, 4, 6]);
  await worker.close();
  expect(worker.crash).toBeNull();
});

test.each([
  [0, 'no zero'],
  [-1, 'the thread ended with 7'],
])('a thread that ends at %i rejects what waits and whatever is asked later', async (last, reason) => {
  const worker = new OrderedWorker<number, number>(script(DOUBLES), null);
  // An answer that is on its way when the thread ends may be lost with it.
  expect(await worker.ask(1)).toBe(2);
  for (const other of await Promise.allSettled([last, 2].map((n) => worker.ask(n))))
    expect(String((other as PromiseRejectedResult).reason)).toContain(reason);
  await expect(worker.ask(3)).rejects.toThrow(reason);
  await worker.close();
});
