import { describe, expect, it } from 'vitest';
import { disk } from '../../torture/disk.ts';
import { overAllAttempts } from './lossless.ts';

const counted = overAllAttempts();

const CAN_MOUNT = process.getuid?.() === 0 && process.platform === 'linux';

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('a disk that is full', { retry: 2 }, () => {
  it.skipIf(!CAN_MOUNT)(
    `refuses writes by name, serves on, and loses nothing${CAN_MOUNT ? '' : ' (skipped: mounting a tmpfs needs root)'}`,
    { timeout: 120_000 },
    async () => {
      const result = counted(await disk({ minutes: 0.5, seed: 2, rounds: 1, say() {} }));
      expect(result.failures).toEqual([]);
      expect(result).toMatchObject({ lost: 0, doubled: 0 });
    },
  );
});
