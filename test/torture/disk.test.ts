import { describe, expect, it } from 'vitest';
import { disk } from '../../torture/disk.ts';

const CAN_MOUNT = process.getuid?.() === 0 && process.platform === 'linux';

describe('a disk that is full', () => {
  it.skipIf(!CAN_MOUNT)(`refuses writes by name, serves on, and loses nothing${CAN_MOUNT ? '' : ' (skipped: mounting a tmpfs needs root)'}`, { timeout: 120_000 }, async () => {
    const result = await disk({ minutes: 0.5, seed: 2, rounds: 1, say() {} });
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ lost: 0, doubled: 0 });
  });
});
