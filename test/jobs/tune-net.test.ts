import { expect, test } from 'vitest';
import { job as tuneNet } from '../../src/jobs/nets/tune-net.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder } from '../world.ts';

test.each(['../evil', '/tmp/evil', '.hidden', 'a b', ''])(
  'the name %j is no name of a net, and nothing is learned for it',
  async (name) => {
    await expect(runJob(tuneNet, temporaryFolder(), { name })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  },
);
