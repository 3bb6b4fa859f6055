import { expect, test } from 'vitest';
import { soak } from '../../torture/soak.ts';

// Ten seconds: enough to see that everything is asked and answered; growth and drift are judged from two minutes on.
test('the soak asks for lists, thumbnails, crops, uploads and Lens beside an import, and every request is answered', async () => {
  const result = await soak({ minutes: 1, seed: 4, rounds: 1, say() {} });
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ rounds: 1, lost: 0, doubled: 0, judged: false });
  expect(result.acknowledged).toBeGreaterThan(0);
  // On a busy machine some are told to wait; all others are answered.
  const { answered } = result.pictures as { answered: number };
  expect(answered + (result.toldToWait as number)).toBeGreaterThanOrEqual(36);
  expect(answered).toBeGreaterThan(12);
}, 240_000);
