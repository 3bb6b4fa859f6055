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

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('the receipt has each kind and the totals', async () => {
  const file = (name: string, lines: string[]): string => write(name, lines.join('\n'));
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

test('nothing that went in is a failure told in one sentence, unless that is allowed', async () => {
  const pins = write('pins.csv', 'id,buyable\na,maybe\n');
  const receipt = await run({ pins });
  expect(receipt.problems).toEqual([
    'Nothing of the pins went in: 1 of 1 rows were rejected as FIELD_TYPE (line 2, field buyable, value "maybe").',
  ]);
  expect(job.exitCode?.(receipt)).toBe(1);
  expect(job.exitCode?.(await run({ pins, allowEmpty: true }))).toBe(0);
});

test('a file that breaks off keeps its first rows, and the job fails with the line', async () => {
  const pins = write('pins.csv', 'id,title\na,one\nb,"two\n');
  const receipt = await run({ pins });
  expect(receipt).toMatchObject({ written: 1, problems: [expect.stringContaining('stopped at line 3: a quote is opened here')] });
  expect(job.exitCode?.(receipt)).toBe(1);
});

test('a dry run changes nothing and shows the first rows as understood', async () => {
  const pins = write('pins.csv', 'ID;available;created\na;yes;1763712000\nb;perhaps;\n');
  const options = { pins, dryRun: true, map: ['available=buyable', 'created=createdAt'] };
  expect(await run(options)).toMatchObject({ dryRun: true, pins: { written: 1 } });
  expect(existsSync(join(folder, 'data'))).toBe(false);
  await run({ pins: write('other.jsonl', '{"id":"a","buyable":true,"createdAt":1763712000000}\n') });
  const receipt = await run(options);
  expect(receipt).toMatchObject({ read: 2, written: 0, unchanged: 1, rejected: { FIELD_TYPE: { count: 1 } } });
  expect(receipt.pins).toMatchObject({
    columns: { ID: 'id', available: 'buyable', created: 'createdAt' },
    firstRows: [
      { line: 2, record: { id: 'a', buyable: true, createdAt: 1763712000000 } },
      { line: 3, rejected: 'FIELD_TYPE (buyable)' },
    ],
  });
  expect(job.describe?.(receipt)).toContain('  2     a   true     2025-11-21T08:00:00.000Z');
  await expect(run({ pins, map: ['available=sellable'] })).rejects.toMatchObject({ code: 'JOB_USAGE' });
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

test('an import that replaces takes away what the file no longer names, unless rows could not be read', async () => {
  const pins = (text: string) => run({ pins: write('pins.jsonl', text), replace: true });
  await pins('{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n');
  await run({ boards: write('boards.jsonl', '{"id":"x"}\n{"id":"y"}\n') });
  const saves = (text: string) => run({ saves: write('saves.jsonl', text), replace: true });
  await saves('{"pinId":"a","boardId":"x"}\n{"pinId":"b","boardId":"x"}\n');
  expect(await saves('{"pinId":"a","boardId":"x"}\n')).toMatchObject({ saves: { unchanged: 1, removed: 1 } });
  expect(await pins('{"id":"a"}\n{"id":"b","buyable":"perhaps"}\n')).toMatchObject({ pins: { removed: 1 } });
  const damaged = await pins('{"id":"a"}\n{"id":"b"\n');
  expect(damaged).toMatchObject({ pins: { removed: null }, problems: [expect.stringContaining('not all rows could be read')] });
  expect(job.exitCode?.(damaged)).toBe(1);
  expect(await run({ boards: write('boards.jsonl', '{"id":"y"}\n'), replace: true })).toMatchObject({ boards: { removed: 1 } });
  const catalog = openCatalog(join(folder, 'data'));
  const state = ['a', 'b', 'c'].map((id) => catalog.pins.get(catalog.pins.indexOf(id))?.removed);
  expect(state).toEqual([false, false, true]);
  expect([catalog.boards.indexOf('x'), catalog.saves.count()]).toEqual([-1, 0]);
  catalog.close();
});

test('the receipt names a column of --map that no file has once', async () => {
  const pins = write('pins.csv', 'sku,photo\na,a.jpg\n');
  const receipt = await run({ pins, map: ['sku=id', 'nope=title'] });
  expect(receipt).toMatchObject({
    notes: ['--map nope=title did nothing: no file has a column "nope" to read as title.'],
    problems: [],
  });
  expect(await run({ pins, map: ['sku=id'] })).not.toHaveProperty('notes');
});
