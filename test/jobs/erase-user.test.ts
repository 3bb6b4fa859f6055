import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holds, job } from '../../src/jobs/catalog/erase-user.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, worldFolder } from '../world.ts';

describe('the proof that a person is gone', () => {
  it('is that no file holds the id any more, or which do', async () => {
    const folder = await worldFolder();
    writeFileSync(join(folder, 'notes.txt'), 'call bob-plant tomorrow');
    expect(await runJob(job, folder, { user: 'ann-plant' })).toMatchObject({ known: true, searched: true, filesThatStillHoldTheId: [] });
    const receipt = await runJob(job, folder, { user: 'bob-plant' });
    expect(receipt).toMatchObject({ searched: true, filesThatStillHoldTheId: ['notes.txt'] });
    expect(job.describe?.(receipt)).toContain('still found in: notes.txt');
  });

  // It was said that no file holds the id, and no file was looked into.
  it('is not claimed for an id that is too short to be looked for', async () => {
    const receipt = await runJob(job, await worldFolder(), { user: 'u1' });
    expect(receipt).toMatchObject({
      searched: false,
      filesThatStillHoldTheId: [],
      proof: expect.stringContaining('were not searched') as string,
    });
    expect(job.describe?.(receipt).join()).not.toContain('no file');
  });

  it('a file that went since it was listed holds nothing', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'here'), 'ann');
    expect(holds(join(folder, 'here'), [Buffer.from('ann')])).toBe(true);
    expect(holds(join(folder, 'log.sqlite-wal'), [Buffer.from('ann')])).toBe(false);
  });
});
