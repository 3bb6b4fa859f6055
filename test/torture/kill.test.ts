import { describe, expect, it } from 'vitest';
import { kill } from '../../torture/kill.ts';
import { overAllAttempts } from './lossless.ts';

const counted = overAllAttempts();

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('a process that is killed', { retry: 2 }, () => {
  it('has lost nothing it acknowledged, and repeating what it was told changes nothing', { timeout: 120_000 }, async () => {
    const result = counted(await kill({ minutes: 1, seed: 5, rounds: 6, say() {} }));
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ lost: 0, doubled: 0, failed: 0 });
    expect(result.rounds).toBeGreaterThanOrEqual(2);
    expect(result.acknowledged).toBeGreaterThan(0);
  });
});
