import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CatalogStore, openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { ingestFile } from '../../src/catalog/pins/ingest.ts';
import { FieldNames } from '../../src/catalog/readers/field-names.ts';
import { readCsv } from '../../src/catalog/readers/csv.ts';
import { readJsonLines } from '../../src/catalog/readers/json-lines.ts';
import { BEGINNING, type RowReader } from '../../src/catalog/readers/row-reader.ts';
import type { RejectedCell } from '../../src/catalog/pins/receipt.ts';
import type { SourceRow } from '../../src/catalog/pins/source-row.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';

const NOW = Date.UTC(2026, 0, 1);
let folder: string;
let catalog: CatalogStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ingest-'));
  catalog = openCatalog(':memory:');
});
afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

const options = () => ({ now: NOW, folders: { images: join(folder, 'images'), data: folder } });
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const lines = (records: readonly unknown[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Rows rejected for one reason: each has its line, its field and the value. */
function rejectedAs(...cells: readonly RejectedCell[]): object {
  return { count: cells.length, lines: cells.map(({ line }) => line), cells };
}

async function rowsOf(reader: RowReader, file: string): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  for await (const chunk of reader(file, new FieldNames('pins'), BEGINNING)) rows.push(...chunk.rows);
  return rows;
}

test('each bad pin is rejected by reason and line, and the good ones go in', async () => {
  const bad = [
    '{"id": "ok", "title": "fine", "colour": "red", "sizes": [1, 2]}',
    '{"id": ""}',
    `{"id": "${'x'.repeat(257)}"}`,
    '{"id": "later", "createdAt": "2026-01-03T00:00:00Z"}',
    '{"id": "when", "createdAt": "2026-02-30"}',
    '{"id": "half',
    '{"id": "out", "image": "../secret.jpg"}',
    '{"id": "ftp", "image": "file:///etc/passwd"}',
    '{"id": 7.5}',
    '{"title": "nobody"}',
    '{"id": "neg", "annotations": {"red": -1}}',
    '{"id": "lone \\ud800"}',
    '[1]',
    '',
    '{"id": "in", "image": "sub/../a.jpg", "createdAt": "2025-12-31T23:00:00+01:00"}',
  ].join('\n');
  const bytes = Buffer.concat([Buffer.from(`${bad}\n{"id": "`), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]);
  const receipt = await ingestFile(catalog, 'pins', write('pins.jsonl', bytes), options());
  expect(receipt).toEqual({
    read: 15,
    written: 2,
    unchanged: 0,
    rejected: {
      ID_EMPTY: rejectedAs({ line: 2, field: 'id', value: '' }),
      ID_TOO_LONG: rejectedAs({ line: 3, field: 'id', value: `${'x'.repeat(80)}...` }),
      TIME_FUTURE: rejectedAs({ line: 4, field: 'createdAt', value: '2026-01-03T00:00:00Z' }),
      TIME_INVALID: rejectedAs({ line: 5, field: 'createdAt', value: '2026-02-30' }),
      ROW_MALFORMED: rejectedAs({ line: 6, value: '{"id": "half' }, { line: 13, value: '[1]' }),
      IMAGE_OUTSIDE_FOLDER: rejectedAs({ line: 7, field: 'image', value: '../secret.jpg' }),
      IMAGE_ADDRESS_INVALID: rejectedAs({ line: 8, field: 'image', value: 'file:///etc/passwd' }),
      FIELD_TYPE: rejectedAs({ line: 9, field: 'id', value: '7.5' }),
      FIELD_MISSING: rejectedAs({ line: 10, field: 'id', value: 'not among title' }),
      MAP_INVALID: rejectedAs({ line: 11, field: 'annotations', value: 'red: -1' }),
      TEXT_NOT_UTF8: rejectedAs({ line: 12, field: 'id', value: 'lone \ufffd' }, { line: 16 }),
    },
    unknownFields: { sizes: 1 },
  });
  expect(catalog.pins.get(catalog.pins.indexOf('in'))).toMatchObject({
    image: 'images/a.jpg',
    createdAt: Date.UTC(2025, 11, 31, 22),
  });
});

test('the same pins as JSON Lines, CSV and Parquet are the same pins', async () => {
  const pins = [
    {
      id: '1',
      title: 'Stuhl, "rot"\nzwei Zeilen',
      annotations: { rot: 0.5 },
      buyable: true,
      createdAt: 1_700_000_000_000,
    },
    { id: '2', title: 'Café', image: 'b.jpg' },
  ];
  const csv = `\ufeffid,title,annotations,buyable,createdAt,image\n1,"Stuhl, ""rot""\nzwei Zeilen","{""rot"":0.5}",true,1700000000000,\n2,Café,,,,b.jpg\n`;
  const column = (name: string, type: string, data: unknown[]) => ({ name, type, data, nullable: true });
  const parquet = parquetWriteBuffer({
    columnData: [
      column('id', 'INT64', [1n, 2n]),
      column(
        'title',
        'STRING',
        pins.map((pin) => pin.title),
      ),
      column('annotations', 'STRING', ['{"rot":0.5}', null]),
      column('buyable', 'BOOLEAN', [true, null]),
      column('createdAt', 'INT64', [1_700_000_000_000n, null]),
      column('image', 'STRING', [null, 'b.jpg']),
    ] as Parameters<typeof parquetWriteBuffer>[0]['columnData'],
  });
  expect(await ingestFile(catalog, 'pins', write('pins.jsonl', lines(pins)), options())).toMatchObject({ written: 2 });
  for (const file of [write('pins.csv', csv), write('pins.parquet', new Uint8Array(parquet))]) {
    expect(await ingestFile(catalog, 'pins', file, options())).toMatchObject({ read: 2, unchanged: 2, rejected: {} });
  }
});

test('a save of an unknown pin or board is rejected; without a user it is the board owner', async () => {
  upsertBatch(catalog, 'pins', [{ id: 'p' }], options());
  upsertBatch(catalog, 'boards', [{ id: 'b', ownerId: 'ann', category: 'art' }], options());
  const saves = [
    { pinId: 'p', boardId: 'b' },
    { pinId: '?', boardId: 'b' },
    { pinId: 'p', boardId: '?' },
    { pinId: 'p', boardId: 'b' },
  ];
  const { receipt, changedPins } = upsertBatch(catalog, 'saves', saves, options());
  expect(receipt).toEqual({
    read: 4,
    written: 1,
    unchanged: 1,
    rejected: {
      PIN_UNKNOWN: rejectedAs({ line: 1, field: 'pinId', value: '?' }),
      BOARD_UNKNOWN: rejectedAs({ line: 2, field: 'boardId', value: '?' }),
    },
    unknownFields: {},
  });
  expect(changedPins).toEqual([0]);
  expect(catalog.saves.ofUser(catalog.users.indexOf('ann'))).toEqual([{ pinIndex: 0, boardIndex: 0, at: NOW }]);
  expect(catalog.pins.get(0)?.categoryVector).toEqual({ art: 1 });
});

test.each(['jsonl', 'csv'])('an import stopped in the middle goes on, and the last receipt is the whole one (%s)', async (format) => {
  const ids = Array.from({ length: 30_000 }, (_, i) => (i % 1000 === 7 ? '' : `pin-${i}`));
  const title = 'x'.repeat(400);
  const text = format === 'csv' ? `id,title\n${ids.map((id) => `${id},${title}\n`).join('')}` : lines(ids.map((id) => ({ id, title })));
  const file = write(`pins.${format}`, text);
  const stop = new AbortController();
  stop.abort();
  let stops = 0;
  for (;;) {
    try {
      const receipt = await ingestFile(catalog, 'pins', file, {
        ...options(),
        signal: stops < 2 ? stop.signal : undefined,
      });
      expect(receipt).toMatchObject({ read: 30_000, written: 29_970, unchanged: 0 });
      const offset = format === 'csv' ? 9 : 8;
      expect(receipt.rejected.ID_EMPTY.count).toBe(30);
      expect(receipt.rejected.ID_EMPTY.lines.slice(0, 2)).toEqual([offset, offset + 1000]);
      break;
    } catch (error) {
      expect(error).toMatchObject({ code: 'JOB_STOPPED' });
      stops++;
      expect(catalog.pins.count()).toBeGreaterThan(0);
      expect(catalog.pins.count()).toBeLessThan(29_970);
    }
  }
  expect(stops).toBe(2);
  expect(await ingestFile(catalog, 'pins', file, options())).toMatchObject({
    read: 30_000,
    written: 0,
    unchanged: 29_970,
  });
});

test('any records survive JSON Lines and CSV as they were', async () => {
  const cell = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .filter((text) => text.trim() !== '' && !/[\r\ufeff]/.test(text) && text === text.trim());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ id: cell, title: cell }), { minLength: 1, maxLength: 20 }), async (records) => {
      const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
      const csv = `id,title\n${records.map(({ id, title }) => `${quoted(id)},${quoted(title)}\n`).join('')}`;
      const fromJson = await rowsOf(readJsonLines, write('any.jsonl', lines(records)));
      const fromCsv = await rowsOf(readCsv, write('any.csv', csv));
      expect(fromJson.map((row) => row.value)).toEqual(records);
      expect(fromCsv.map((row) => row.value)).toEqual(records);
    }),
    { numRuns: 60, seed: 3 },
  );
});

test('any bytes are read as rows with a reason, never as a crash, and every line is accounted for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const receipt = await ingestFile(openCatalog(':memory:'), 'pins', write('bytes.jsonl', bytes), options());
      const rejected = Object.values(receipt.rejected).reduce((sum, { count }) => sum + count, 0);
      expect(receipt.read).toBe(receipt.written + receipt.unchanged + rejected);
    }),
    { numRuns: 40, seed: 5 },
  );
});

test('a line too long to hold costs only itself', async () => {
  const file = write('long.jsonl', `{"id":"a"}\n{"id":"b","title":"${'x'.repeat(9 << 20)}"}\n{"id":"c"}\n`);
  const receipt = await ingestFile(catalog, 'pins', file, options());
  expect(receipt).toMatchObject({ read: 3, written: 2, rejected: { ROW_TOO_LONG: { count: 1, lines: [2] } } });
});

test('a file that is not there is refused by name', async () => {
  await expect(ingestFile(catalog, 'pins', join(folder, 'none.jsonl'), options())).rejects.toMatchObject({
    code: 'CATALOG_FILE_UNREADABLE',
  });
});

test("a category that is not the site's is kept and counted", () => {
  const categories = new Set(['art']);
  const pins = [
    { id: 'p', categories: { Art: 1, Falconry: 0.5 } },
    { id: 'q', categories: { falconry: 1 } },
  ];
  const { receipt } = upsertBatch(catalog, 'pins', pins, { ...options(), categories });
  expect(receipt).toMatchObject({ written: 2, unknownCategories: { falconry: 2 } });
});
