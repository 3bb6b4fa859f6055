/** The whole line on real photos: twenty rooms and their products, from the files of the data set to an explained list by a trained model. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { openContext } from '../../src/service/context.ts';
import { job as build } from '../../src/jobs/candidates/build-candidates.ts';
import { job as detect } from '../../src/jobs/nets/detect-objects.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { job as importCatalog } from '../../src/jobs/catalog/import-catalog.ts';
import { job as promote } from '../../src/jobs/models/promote-model.ts';
import { job as replay } from '../../src/jobs/log/replay-saves.ts';
import { job as train } from '../../src/jobs/models/train-ranker.ts';
import { runJob } from '../run-job.ts';
import { sharedData } from '../shared-data.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const ROOMS = 20;
const source = sharedData('datasets/ikea-rooms');

interface Row {
  readonly id: string;
  readonly boardId: string;
  readonly pinId: string;
}

/** The converter's files, cut to the first rooms that hold several products, and those products. */
function firstRooms(out: string): { pins: string; boards: string; saves: string; count: number } {
  const files = { pins: join(out, 'pins.jsonl'), boards: join(out, 'boards.jsonl'), saves: join(out, 'saves.jsonl') };
  const rows = (file: string): Row[] =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const boards = rows(files.boards).slice(0, ROOMS);
  const kept = new Set(boards.map(({ id }) => id));
  const saves = rows(files.saves).filter(({ boardId }) => kept.has(boardId));
  const saved = new Set(saves.map(({ pinId }) => pinId));
  const pins = rows(files.pins).filter(({ id }) => saved.has(id));
  for (const [file, kind] of [
    [files.pins, pins],
    [files.boards, boards],
    [files.saves, saves],
  ] as const) {
    writeFileSync(file, kind.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  return { ...files, count: pins.length };
}

describe.skipIf(!source)(`real rooms${source ? '' : ' (skipped: ikea-rooms is not beside the checkout)'}`, () => {
  it('come in as photos and boards and go out as explained lists of a model trained on their own log', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'in');
    execFileSync(process.execPath, ['docs/examples/import-ikea-rooms.mjs', source as string, out]);
    const { count, ...files } = firstRooms(out);
    expect(await runJob(importCatalog, folder, { ...files, images: source as string })).toMatchObject({
      rejected: {},
      pins: { written: count },
    });
    expect(await runJob(extract, folder)).toMatchObject({ written: count, rejected: {} });
    expect(await runJob(detect, folder)).toMatchObject({ written: count, refused: {} });
    await runJob(build, folder);
    const log = await runJob(replay, folder, { perBoard: 4 });
    expect(log.lists).toBeGreaterThan(10);
    const trained = await runJob(train, folder, { c: 0.01 });
    await runJob(promote, folder, { force: true, why: 'a few lists only' });

    const context = await openContext(testConfig(folder), folder, {});
    const app = await buildApp(context);
    try {
      for (let pin = 0; pin < 40; pin++) {
        const reply = await app.inject(`/v1/pins/${encodeURIComponent(context.pins.idOf(pin))}/related?explain=true&limit=20`);
        const { items, modelVersion } = reply.json<ListReplyBody>();
        expect(modelVersion).toBe('model' in trained ? trained.model : null);
        expect(items.length).toBe(20);
        const groups = items.map(({ pinId }) => context.pins.group[context.pins.indexOf(pinId)]);
        expect(new Set([...groups, context.pins.group[pin]]).size).toBe(21);
        for (const { score, terms } of items) expect(terms?.reduce((sum, { contribution }) => sum + contribution, 0)).toBe(score);
      }
    } finally {
      await app.close();
      await context.close();
    }
  }, 300_000);
});
