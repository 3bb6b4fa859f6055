import { expect, it } from 'vitest';
import { restore } from '../../torture/restore.ts';

it(
  'of a machine that is lost, everything acknowledged before its newest backup began comes back',
  { timeout: 300_000, retry: 1 },
  async () => {
    const { failures, rounds, figures } = await restore({ minutes: 3, seed: 3, rounds: 1, say() {} });
    expect(failures).toEqual([]);
    expect(rounds).toBe(1);
    // Something was acknowledged, and not all of it was younger than the newest backup.
    const [{ acknowledged, gone }] = figures as { acknowledged: number; gone: number }[];
    expect(acknowledged).toBeGreaterThan(gone);
  },
);
