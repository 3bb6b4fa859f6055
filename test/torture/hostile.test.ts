import { describe, expect, it } from 'vitest';
import { hostile } from '../../torture/hostile.ts';

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('strangers, with and without a key in the way', { retry: 2 }, () => {
  it('get in nowhere, learn nothing, and stop nothing', { timeout: 240_000 }, async () => {
    const result = await hostile({ minutes: 3, seed: 5, rounds: 1, say() {} });
    expect(result.failures).toEqual([]);
    expect(result.rounds).toBe(1);
  });
});
