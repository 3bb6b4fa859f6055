import { describe, expect, it } from 'vitest';
import { fuzz } from '../../torture/fuzz.ts';

describe('every parser takes or refuses damaged input', () => {
  it('ten thousand cases each, images fewer', async () => {
    const result = await fuzz({ minutes: 0.5, seed: 7, rounds: 10_000, say() {} });
    expect(result.failures).toEqual([]);
    expect(result.rounds).toBeGreaterThan(20_000);
  });
});
