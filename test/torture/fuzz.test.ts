import { describe, expect, it } from 'vitest';
import { fuzz } from '../../torture/fuzz.ts';

describe('every parser takes or refuses damaged input', () => {
  it('fifteen seconds of them in turns: every parser has its cases, twenty thousand in all', { timeout: 180_000 }, async () => {
    const result = await fuzz({ minutes: 0.25, seed: 7, rounds: 10_000, say() {} });
    expect(result.failures).toEqual([]);
    expect(result.rounds).toBeGreaterThan(20_000);
    // Parquet and sessions of ONNX start a thread or a runtime for each case.
    const few = Object.entries(result.cases as Record<string, number>).filter(([, count]) => count < 1);
    expect(few).toEqual([]);
  });
});
