import { describe, expect, it } from 'vitest';
import { overload } from '../../torture/overload.ts';

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('a service asked for more than it can do, and by rude clients', { retry: 2 }, () => {
  it('refuses with 503 and Retry-After, serves the others, takes events, and recovers', { timeout: 120_000 }, async () => {
    const result = await overload({ minutes: 0.5, seed: 3, rounds: 9, say() {} });
    expect(result.failures).toEqual([]);
  });
});
