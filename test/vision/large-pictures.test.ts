import { expect, it } from 'vitest';
import { inTurn } from '../../src/vision/large-pictures.ts';

const LARGE = 100_000_000;

// A dozen uploads of a few bytes that claimed 100 million interlaced pixels each were decoded at the same time: gigabytes.
it('large pictures are decoded one after another, also when one fails; ordinary ones do not wait', async () => {
  let running = 0;
  let most = 0;
  const decode = async (fails: boolean): Promise<string> => {
    most = Math.max(most, ++running);
    await new Promise((done) => setTimeout(done, 5));
    running--;
    if (fails) throw new Error('broken');
    return 'pixels';
  };
  const large = [false, true, false].map((fails) => inTurn(LARGE, () => decode(fails)));
  await expect(inTurn(1000, async () => most)).resolves.toBe(0);
  const ends = await Promise.allSettled(large);
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(most).toBe(1);
});
