import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { imageLocation } from '../../src/catalog/pins/image-reference.ts';
import { loadPinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { readConfig } from '../../src/config.ts';
import { job } from '../../src/jobs/catalog/import-catalog.ts';
import { SILENT } from '../../src/progress.ts';
import { sharedData } from '../shared-data.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (options: Record<string, unknown>): ReturnType<typeof job.run> => {
  const data = join(folder, 'data');
  const signal = new AbortController().signal;
  return job.run({ options, args: [], config: readConfig({}, { data }), dataFolder: data, progress: SILENT, signal });
};

test('the receipt has each kind and the totals', async () => {
  const file = (name: string, lines: string[]): string => {
    writeFileSync(join(folder, name), lines.join('\n'));
    return join(folder, name);
  };
  const pins = file('pins.jsonl', ['{"id":"a","image":"a.jpg"}', '{"id":""}']);
  const boards = file('boards.csv', ['id,ownerId,category', 'x,ann,art']);
  const saves = file('saves.jsonl', ['{"pinId":"a","boardId":"x"}', '{"pinId":"a","boardId":"y"}']);
  const receipt = await run({ pins, boards, saves });
  expect(receipt).toMatchObject({
    read: 5,
    written: 3,
    unchanged: 0,
    rejected: { ID_EMPTY: { count: 1 }, BOARD_UNKNOWN: { count: 1 } },
    saves: { read: 2, written: 1, rejected: { BOARD_UNKNOWN: { count: 1, lines: [2] } } },
  });
  expect(await run({ saves })).toMatchObject({ read: 2, written: 0, unchanged: 1 });
  await expect(run({})).rejects.toMatchObject({ code: 'JOB_USAGE' });
});

const rooms = sharedData('datasets/ikea-rooms');
test.skipIf(rooms === null)(`real rooms and products come in whole${rooms ? '' : ' (skipped: ikea-rooms is not here)'}`, async () => {
  const out = join(folder, 'ikea');
  execFileSync(process.execPath, [join(import.meta.dirname, '../../docs/examples/import-ikea-rooms.mjs'), String(rooms), out]);
  const files = { pins: join(out, 'pins.jsonl'), boards: join(out, 'boards.jsonl'), saves: join(out, 'saves.jsonl') };
  const receipt = await run({ ...files, images: rooms });
  expect(receipt).toMatchObject({
    pins: { written: 2187, rejected: {} },
    boards: { written: 320, rejected: {} },
    saves: { rejected: {} },
  });
  const catalog = openCatalog(join(folder, 'data'));
  const columns = loadPinColumns(catalog);
  expect(columns.count).toBe(2187);
  expect(catalog.text.search('reversible bed', 3)[0].pinIndex).toBe(columns.indexOf('802.538.09'));
  for (const { image } of catalog.pins.images()) expect(existsSync(imageLocation(image, join(folder, 'data')))).toBe(true);
  const linked = [...catalog.pins.columnRows()].filter((row) => row[5] === '{"home decor":1}').length;
  expect(linked).toBe(2175);
  catalog.close();
  expect(await run({ ...files, images: rooms })).toMatchObject({ written: 0, rejected: {} });
});
