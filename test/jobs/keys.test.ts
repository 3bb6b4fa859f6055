import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createKey, readKeys, revokeKey } from '../../src/access-keys.ts';
import { takeLock } from '../../src/catalog/artifacts/exclusive-lock.ts';
import { changeKeys } from '../../src/jobs/job-lock.ts';
import { job as backUp } from '../../src/jobs/operation/back-up.ts';
import { job as restore } from '../../src/jobs/operation/restore.ts';
import { runJob as runCommand } from '../../torture/service-process.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, worldFolder } from '../world.ts';

// A key that had been revoked after the backup was valid again, and nobody was told.
it('a restored folder has no keys unless they are asked for, and never comes up open', async () => {
  const folder = await worldFolder();
  const out = join(temporaryFolder(), 'copy');
  createKey(folder, 'web', ['events']);
  await runJob(backUp, folder, { out });
  revokeKey(folder, 'web');
  const [without, with_] = ['without', 'with'].map((name) => join(temporaryFolder(), name));
  expect(await runJob(restore, without, { from: out })).toMatchObject({ keysLeftOut: ['web'], keysValidAgain: [] });
  expect(readKeys(without)).toEqual([]);
  expect(statSync(join(without, 'keys.json')).isFile(), 'closed, not open').toBe(true);
  expect(await runJob(restore, with_, { from: out, withKeys: true })).toMatchObject({ keysLeftOut: [], keysValidAgain: ['web'] });
  expect(readKeys(with_).map(({ name }) => name)).toEqual(['web']);
});

it('a change of the keys waits for another one and sees what it did', async () => {
  const folder = temporaryFolder();
  createKey(folder, 'old', ['read']);
  mkdirSync(join(folder, 'locks'), { recursive: true });
  const held = takeLock(join(folder, 'locks'), 'keys');
  const changed = changeKeys(folder, () => createKey(folder, 'new', ['read']));
  revokeKey(folder, 'old');
  if ('release' in held) held.release();
  await changed;
  expect(readKeys(folder).map(({ name }) => name)).toEqual(['new']);
});

it('what the program writes is readable by its own user alone', async () => {
  const folder = join(temporaryFolder(), 'var');
  await runCommand(['create-key', 'shop', '--scopes', 'read', '--data', folder]);
  await runCommand(['back-up', '--data', folder, '--out', join(folder, '..', 'copy')]);
  const modeOf = (...path: string[]): string => (statSync(join(folder, '..', ...path)).mode & 0o777).toString(8);
  expect([modeOf('var'), modeOf('var', 'keys.json'), modeOf('var', 'locks'), modeOf('copy'), modeOf('copy', 'data', 'keys.json')]).toEqual([
    '700',
    '600',
    '700',
    '700',
    '600',
  ]);
});
