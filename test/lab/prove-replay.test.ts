import { describe, expect, it } from 'vitest';
import { job } from '../../lab/studies/prove-replay.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder } from '../world.ts';

describe('a replay of saves', () => {
  it('can tell no right answer by counts, and gives planted taste back', { timeout: 120_000 }, async () => {
    const { checks } = (await runJob(job, temporaryFolder(), { seeds: 2, closeups: 150 })) as {
      checks: { name: string; mean: number; count: number }[];
    };
    const of = (name: string): { mean: number; count: number } | undefined => checks.find((check) => check.name.startsWith(name));
    expect(of('counts')?.mean).toBe(0.5);
    expect(of('planted taste')?.mean).toBeGreaterThan(0.9);
    expect(of('random boards: AUC')?.mean).toBeGreaterThan(0.45);
    expect(of('random boards: AUC')?.mean).toBeLessThan(0.55);
    expect(of('random boards: models')?.count).toBe(0);
  });
});
