import { describe, expect, it } from 'vitest';
import { nodes } from '../../torture/nodes.ts';
import { overAllAttempts } from './lossless.ts';

const counted = overAllAttempts();

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('nodes, writer, Redis and the published folder, each away for a moment', { retry: 1 }, () => {
  it('cost no list and no acknowledged event, and no list is of two versions', { timeout: 300_000 }, async () => {
    const result = counted(await nodes({ minutes: 3, seed: 2, rounds: 6, say() {} }));
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ lost: 0, doubled: 0, versionsPublished: 2, ordersSeen: 2 });
  });
});
