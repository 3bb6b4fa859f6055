import { describe, expect, it } from 'vitest';
import { hostile } from '../../torture/hostile.ts';

// How long /health/live took is judged by `npm run torture -- hostile` (`slow`), not here.
describe('strangers, with and without a key in the way', () => {
  it('get in nowhere, learn nothing, and stop nothing', { timeout: 240_000 }, async () => {
    const result = await hostile({ minutes: 3, seed: 5, rounds: 1, say() {} });
    expect(result.failures).toEqual([]);
    expect(result.rounds).toBe(1);
  });
});
