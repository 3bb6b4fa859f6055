import { describe, expect, it } from 'vitest';
import { nodes } from '../../torture/nodes.ts';
import { HAS_S3, NO_S3 } from '../../torture/s3-server.ts';
import { overAllAttempts } from './lossless.ts';

const counted = overAllAttempts();

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('nodes, writer, Redis and the published folder, each away for a moment', { retry: 1 }, () => {
  it('cost no list and no acknowledged event, and no list is of two versions', { timeout: 300_000 }, async () => {
    const result = counted(await nodes({ minutes: 3, seed: 2, rounds: 7, say() {} }));
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ lost: 0, doubled: 0, versionsPublished: 2, ordersSeen: 2 });
    // Not a bound on time: each was gone from both nodes in the end, and nothing was published meanwhile.
    expect(result.takenBack).toMatchObject({ pin: { times: 5 }, key: { times: 5 }, person: { times: 5 } });
  });
});

describe.skipIf(!HAS_S3)(`a bucket whose server is killed, also in the middle of a publication${NO_S3}`, { retry: 1 }, () => {
  it('costs no list and no acknowledged event, and no list is of two versions', { timeout: 300_000 }, async () => {
    const result = counted(await nodes({ minutes: 3, seed: 2, rounds: 2, only: ['take the store away'], store: 's3', say() {} }));
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ rounds: 2, lost: 0, doubled: 0, versionsPublished: 2 });
  });
});
