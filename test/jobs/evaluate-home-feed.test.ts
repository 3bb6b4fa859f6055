import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { job as build } from '../../src/jobs/candidates/build-candidates.ts';
import { job as evaluate } from '../../src/jobs/candidates/evaluate-home-feed.ts';
import { job as importCatalog } from '../../src/jobs/catalog/import-catalog.ts';
import { runJob } from '../run-job.ts';
import { sharedData } from '../shared-data.ts';
import { logList, plainOptions } from '../../src/lists/serve-list.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { openContext } from '../../src/service/context.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

const train = sharedData('datasets/pinterest-pins/train.txt');
const test = sharedData('datasets/pinterest-pins/test.txt');

/** Everybody saves, after the moment that is asked about, what the file holds out. */
async function saveLater(folder: string, held: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const context = await openContext(testConfig(folder), folder, { lock: true });
  const { log, parts, pins } = context;
  const at = Date.UTC(2026, 5, 1);
  for (const [userId, wanted] of Object.entries(held))
    for (let query = 0; query < pins.count; query++) {
      const recommendationId = `${userId} ${query}`;
      await logList(log, await relatedPins(parts, query, plainOptions({ recommendationId, now: at, userId })));
      const events = wanted.map((pinId, i) => ({
        eventId: `${recommendationId} ${pinId}`,
        type: 'save' as const,
        recommendationId,
        pinIndex: pins.indexOf(pinId),
        position: i + 1,
        userId,
        at: at + 1,
      }));
      await log.events.append(events);
    }
  await context.close();
}

it('a feed knows nothing of what people did after the moment it is made for: no history, no seen pin, no feature, no source', async () => {
  const folder = await worldFolder();
  const held = { 'ann-plant': ['plant-6', 'tattoo-6', 'tattoo-1'], 'bob-tattoo': ['tattoo-6', 'plant-2'] };
  const file = join(folder, 'held.txt');
  writeFileSync(
    file,
    Object.entries(held)
      .map(([user, pins]) => `${user} ${pins.join(' ')}\n`)
      .join(''),
  );
  const run = async (limit: number) => {
    const { millisecondsPerFeed: _, ...figures } = await runJob(evaluate, folder, { test: file, limit });
    return figures;
  };
  const limits = [1, 2, 3, 4, 6];
  const before: unknown[] = [];
  for (const limit of limits) before.push(await run(limit));
  expect(before[0]).toMatchObject({ users: 2 });
  await saveLater(folder, held);
  for (const [i, limit] of limits.entries()) expect(await run(limit)).toEqual(before[i]);
});

describe.skipIf(!train || !test)(`home feeds of real saves${train ? '' : ' (skipped: pinterest-pins is not beside the checkout)'}`, () => {
  it('hold five times what popular ones do, and within a seventh of what cosine votes over the whole history hold', async () => {
    const folder = temporaryFolder();
    const files = join(folder, 'in');
    execFileSync(process.execPath, ['docs/examples/import-interactions.mjs', train as string, files]);
    const given = { pins: join(files, 'pins.jsonl'), boards: join(files, 'boards.jsonl'), saves: join(files, 'saves.jsonl') };
    await runJob(importCatalog, folder, given);
    await runJob(build, folder, { method: 'cosine', neighbors: 200 });
    const receipt = await runJob(evaluate, folder, { test: test as string, users: 1500 });
    // All 37,499 users: 0.1496, the figure of cosine votes; a sample of 1,500 has a standard error of 0.006.
    expect(receipt).toMatchObject({ users: 1500, missing: { image: 1500 }, ignored: { alreadySaved: 8743 } });
    expect(receipt.recall20).toBeGreaterThan(0.13);
    expect((receipt.popular as { recall20: number }).recall20).toBeLessThan(0.03);
    expect(receipt.recall20).toBeGreaterThan(5 * (receipt.popular as { recall20: number }).recall20);
  }, 300_000);
});
