import { describe, expect, it } from 'vitest';
import { fuzz } from '../../torture/fuzz.ts';

describe('every parser takes or refuses damaged input', () => {
  it('turns of a tenth of a second for every parser, fifteen seconds in all', { timeout: 180_000 }, async () => {
    const result = await fuzz({ minutes: 0.25, seed: 7, rounds: 10_000, say() {} });
    expect(result.failures).toEqual([]);
    const few = Object.entries(result.cases as Record<string, number>).filter(([, count]) => count < 1);
    expect(few).toEqual([]);
  });
});
