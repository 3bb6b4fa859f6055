import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { movesConnections, SHARES_PORTS } from '../src/api/shell/listen.ts';
import { measuredLines } from '../src/jobs/models/train-ranker.ts';
import { folderImages } from '../src/jobs/nets/labelled-images.ts';
import { job as doctor } from '../src/jobs/operation/doctor.ts';
import { runJob } from './run-job.ts';
import { temporaryFolder } from './world.ts';

test('a training without later lists says that nothing judges, and prints no zero', () => {
  const nothing = { mean: 0, low: 0, high: 0, queries: 0 };
  expect(measuredLines({ trained: nothing, shuffled: nothing })).toEqual(['  no later list: there is nothing to judge by']);
  expect(measuredLines({ trained: { mean: 0.5, low: 0.4, high: 0.6, queries: 9 }, control: nothing })).toEqual([
    '  NDCG@10 trained      0.5000 (0.4000 .. 0.6000)',
  ]);
  const one = { mean: 0.5, low: Number.NaN, high: Number.NaN, queries: 3 };
  expect(measuredLines({ trained: one })).toEqual(['  NDCG@10 trained      0.5000 (one cluster: no interval)']);
});

test('class folders that are links are followed; a link to nothing is none', () => {
  const [root, elsewhere] = [temporaryFolder(), temporaryFolder()];
  for (const name of ['one.jpg', 'two.jpg']) writeFileSync(join(elsewhere, name), '');
  symlinkSync(elsewhere, join(root, 'chairs'));
  symlinkSync(join(elsewhere, 'gone'), join(root, 'tables'));
  mkdirSync(join(root, 'lamps'));
  expect(folderImages(root).map(({ label }) => label)).toEqual(['chairs', 'chairs']);
});

test('doctor keeps a blank after the longest name of a check', () => {
  const findings = [{ check: 'artifact features-6ec4c3bb-75fca973', health: 'ok' as const, says: 'version 000001 is whole', wayOut: '' }];
  expect(doctor.describe!({ findings, ok: 1, bad: 0, warn: 0 })[0]).toBe(
    'ok   artifact features-6ec4c3bb-75fca973 version 000001 is whole',
  );
});

test('doctor says whether one thread answers or several that share the port', async () => {
  const threads = async (workers: number) => {
    const { findings } = await runJob(doctor, temporaryFolder(), {}, { workers });
    return findings.find(({ check }) => check === 'threads');
  };
  expect(await threads(1)).toMatchObject({ health: 'ok', says: expect.stringContaining('one thread answers and writes') as string });
  // Elsewhere threads cannot share one, and the way out is said; so it is where the kernel resets connections to a listener that closes.
  const several = SHARES_PORTS
    ? {
        health: movesConnections() ? 'ok' : 'warn',
        says: expect.stringContaining('3 threads answer, each with a listener') as string,
        wayOut: movesConnections() ? '' : (expect.stringContaining('net.ipv4.tcp_migrate_req') as string),
      }
    : { health: 'bad', wayOut: expect.stringContaining('RELATED_PINS_WORKERS') as string };
  expect(await threads(3)).toMatchObject(several);
});
