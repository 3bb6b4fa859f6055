import { expect, test } from 'vitest';
import { job as judgeStudy } from '../../lab/studies/judge-study.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder } from '../world.ts';

interface Count {
  readonly right: number;
  readonly wrong: number;
  readonly cannotTell: number;
}

/**
 * The reduced judge study. A judge that believed the log would be wrong about a third of what it tells, and be seen here: of 24
 * that tell, more than two wrong have a chance of 1 in 300 at the nominal 2.5 %, and of 99 in 100 at a third.
 */
test('the judge of models prefers the truly better one nine times in ten, or says that it cannot tell', { timeout: 240_000 }, async () => {
  const receipt = await runJob(judgeStudy, temporaryFolder(), { pairs: 12, lists: 2000, seed: 1 });
  const { judge, experiment } = receipt.counts as Record<string, Count>;
  expect(judge.right + judge.wrong + judge.cannotTell).toBe(48);
  expect(judge.right + judge.wrong).toBeGreaterThanOrEqual(18);
  expect(judge.wrong).toBeLessThanOrEqual(2);
  expect(experiment.right).toBeGreaterThanOrEqual(3);
  expect(experiment.wrong).toBe(0);
  expect(receipt.passed).toBe(true);
});
