import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lastCounted } from '../../src/candidates/cooccurrence/cooccurrence-store.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { job as buildCandidates } from '../../src/jobs/candidates/build-candidates.ts';
import { job as refresh } from '../../src/jobs/catalog/refresh.ts';
import { runJob } from '../run-job.ts';
import { topicFolder } from './topic-folder.ts';

it('auto prints what it tried, the lists remember the choice, and later builds take it over until a method is given', async () => {
  const folder = topicFolder();
  const artifacts = join(folder, 'artifacts');
  const receipt = await runJob(buildCandidates, folder, { method: 'auto' });
  expect(receipt).toMatchObject({ choice: { heldOut: { saves: 60 }, chosen: { boards: 60 } } });
  const lines = buildCandidates.describe?.(receipt) ?? [];
  expect(lines[0]).toBe('60 saves held out, one save of a board, drawn by lot (seed 1)');
  expect(lines.filter((line) => / (count|cosine|jaccard|p3alpha|rp3beta), neighbors/.test(line)).length).toBeGreaterThan(20);
  const chosen = lastCounted(artifacts);
  expect(chosen?.choice).toEqual(receipt.choice);
  expect(chosen?.options).toEqual(chosen?.choice?.chosen.options);
  await runJob(buildCandidates, folder);
  expect(lastCounted(artifacts)).toMatchObject({ options: chosen?.options, choice: { heldOut: { saves: 60 } } });
  const catalog = openCatalog(folder);
  const options = { now: Date.now(), folders: { images: folder, data: folder } };
  upsertBatch(catalog, 'saves', [{ boardId: 'b0', pinId: 'p59' }], options);
  catalog.close();
  await runJob(refresh, folder, { objects: false });
  expect(lastCounted(artifacts)).toMatchObject({ options: chosen?.options, choice: { heldOut: { saves: 60 } } });
  await runJob(buildCandidates, folder, { method: 'count' });
  expect(lastCounted(artifacts)?.options.method).toBe('count');
  expect(lastCounted(artifacts)?.choice).toBeUndefined();
});

it('auto takes no settings beside it', async () => {
  await expect(runJob(buildCandidates, topicFolder(), { method: 'auto', alpha: 0.5 })).rejects.toMatchObject({ code: 'JOB_USAGE' });
});
