/** What people's files look like: `test/cases/import.json` has a file and the pins it must become. */
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CatalogStore, openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { ingestFile } from '../../src/catalog/pins/ingest.ts';
import { nothingWentIn, type Receipt } from '../../src/catalog/pins/receipt.ts';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly encoding?: 'utf-16le' | 'utf-16be';
  readonly packing?: 'gzip' | 'zstd';
  readonly map?: Readonly<Record<string, string>>;
  readonly pins: readonly Readonly<Record<string, unknown>>[];
  readonly rejected?: Readonly<Record<string, readonly unknown[]>>;
  readonly notes?: Receipt['notes'];
  readonly columns?: Receipt['columns'];
  readonly stopped?: number;
}

const CASES = JSON.parse(readFileSync(join(import.meta.dirname, '../cases/import.json'), 'utf8')) as readonly Case[];
const NOW = Date.UTC(2026, 0, 1);
let folder: string;
let catalog: CatalogStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-cases-'));
  catalog = openCatalog(':memory:');
});
afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

function bytesOf({ text, encoding, packing }: Case): Buffer {
  let bytes = Buffer.from(text, encoding ? 'utf16le' : 'utf8');
  if (encoding === 'utf-16be') bytes = bytes.swap16();
  if (packing === 'gzip') return gzipSync(bytes);
  return packing === 'zstd' ? zstdCompressSync(bytes) : bytes;
}

function ingest(name: string, bytes: Uint8Array, columns?: ReadonlyMap<string, string>): Promise<Receipt> {
  writeFileSync(join(folder, name), bytes);
  return ingestFile(catalog, 'pins', join(folder, name), { now: NOW, folders: { images: folder, data: folder }, columns });
}

/** The stored pins, of each the fields that the case names. */
function stored(like: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  return Array.from({ length: catalog.pins.count() }, (_, pinIndex) => catalog.pins.get(pinIndex)).map((pin, i) =>
    Object.fromEntries(Object.keys(like[i] ?? { id: '' }).map((field) => [field, pin?.[field as keyof typeof pin]])),
  );
}

describe('files as people have them', () => {
  test.each(CASES.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const receipt = await ingest(row.file, bytesOf(row), row.map && new Map(Object.entries(row.map)));
    expect(stored(row.pins)).toEqual(row.pins);
    const cells = Object.fromEntries(Object.entries(receipt.rejected).map(([reason, { cells }]) => [reason, cells]));
    expect(cells).toEqual(row.rejected ?? {});
    expect(receipt.read).toBe(row.pins.length + Object.values(row.rejected ?? {}).flat().length);
    expect(receipt.notes).toEqual(row.notes);
    expect(receipt.columns).toEqual(row.columns);
    expect(receipt.stopped?.line).toBe(row.stopped);
  });
});

describe('Parquet as databases write it', () => {
  type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];
  const write = (columnData: Columns, schema?: unknown): Uint8Array =>
    new Uint8Array(parquetWriteBuffer({ columnData, ...(schema ? { schema } : {}) } as Parameters<typeof parquetWriteBuffer>[0]));

  test('decimal ids beyond 2^53 stay apart, whatever they are stored as', async () => {
    const root = { name: 'root', num_children: 2 };
    const ids = [9007199254740993n, 9007199254740992n];
    const decimal = { name: 'id', converted_type: 'DECIMAL', scale: 0, precision: 28, repetition_type: 'REQUIRED' };
    const price = { name: 'title', converted_type: 'DECIMAL', scale: 2, precision: 9, type: 'INT32', repetition_type: 'REQUIRED' };
    const wide = write(
      [
        { name: 'id', data: ids },
        { name: 'title', data: [1250n, -300n] },
      ] as Columns,
      [root, { ...decimal, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 12 }, price],
    );
    expect(await ingest('wide.parquet', wide)).toMatchObject({ written: 2, rejected: {} });
    expect(
      stored([
        { id: '', title: '' },
        { id: '', title: '' },
      ]),
    ).toEqual([
      { id: '9007199254740993', title: '12.50' },
      { id: '9007199254740992', title: '-3' },
    ]);
    const narrow = write(
      [
        { name: 'id', data: ids },
        { name: 'title', data: [1250n, -300n] },
      ] as Columns,
      [root, { ...decimal, type: 'INT64', precision: 18 }, price],
    );
    expect(await ingest('narrow.parquet', narrow)).toMatchObject({ written: 0, unchanged: 2 });
  });

  test('64-bit integers become numbers wherever they stand, and are exact as ids', async () => {
    const file = write([
      { name: 'id', type: 'INT64', data: [9223372036854775807n, 5n] },
      { name: 'createdAt', type: 'INT64', data: [1763712000n, 1763712000000000n] },
      { name: 'buyable', type: 'INT64', data: [1n, 0n] },
      { name: 'stock', type: 'INT64', data: [1n, 9223372036854775807n] },
    ] as Columns);
    expect(await ingest('integers.parquet', file)).toMatchObject({ written: 2, rejected: {} });
    expect(catalog.pins.get(0)?.fields).toEqual({ stock: 1 });
    expect(catalog.pins.get(1)?.fields).toEqual({ stock: '9223372036854775807' });
    expect(
      stored([
        { id: '', createdAt: 0, buyable: true },
        { id: '', createdAt: 0, buyable: true },
      ]),
    ).toEqual([
      { id: '9223372036854775807', createdAt: 1763712000000, buyable: true },
      { id: '5', createdAt: 1763712000000, buyable: false },
    ]);
  });

  test('a dictionary as pandas writes it: a struct in which absent keys are null', async () => {
    const struct = (name: string, children: number): object => ({ name, num_children: children, repetition_type: 'OPTIONAL' });
    const number = (name: string, type: string): object => ({ name, type, repetition_type: 'OPTIONAL' });
    const file = write(
      [
        { name: 'id', data: ['a', 'b'] },
        {
          name: 'annotations',
          data: [
            { elm: 0.5, oak: null },
            { elm: null, oak: 2n },
          ],
        },
      ] as Columns,
      [
        { name: 'root', num_children: 2 },
        { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
        struct('annotations', 2),
        number('elm', 'DOUBLE'),
        number('oak', 'INT64'),
      ],
    );
    expect(await ingest('struct.parquet', file)).toMatchObject({ written: 2, rejected: {} });
    expect(stored([{ annotations: {} }, { annotations: {} }])).toEqual([{ annotations: { elm: 0.5 } }, { annotations: { oak: 2 } }]);
  });

  test('a Parquet file that is packed once more is refused with the way out', async () => {
    await expect(ingest('a.parquet.gz', gzipSync(Buffer.from('PAR1')))).rejects.toThrow(/unpack it first/);
  });
});

test('a gzip file that was cut keeps the rows before the cut and names the line', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `{"id":"p${i}","title":"${(i * 2654435761) % 4294967296}"}\n`).join('');
  const whole = gzipSync(Buffer.from(rows));
  const receipt = await ingest('cut.jsonl.gz', whole.subarray(0, whole.length >> 1));
  expect(receipt.written).toBeGreaterThan(5000);
  expect(receipt.written).toBeLessThan(15_000);
  expect(receipt.stopped).toEqual({ line: receipt.written + 1, reason: expect.stringMatching(/end of file/) as string });
});

test.each(['damaged.jsonl.gz', 'damaged.csv.gz', 'damaged.txt'])(
  'a packed file that is damaged from the start is refused (%s)',
  async (name) => {
    const bytes = gzipSync(Buffer.from('{"id":"a"}\n'));
    bytes.fill(0xff, 10);
    await expect(ingest(name, bytes)).rejects.toMatchObject({ code: 'CATALOG_FILE_UNREADABLE' });
  },
);

test('JSON Lines whose lines end in carriage returns are rows, and UTF-32 is refused by name', async () => {
  expect(await ingest('cr.jsonl', Buffer.from('{"id":"2"}\r{"id":"3","title":"a } { b"}\r'))).toMatchObject({ read: 2, written: 2 });
  const wide = (text: string): Buffer => Buffer.from(Uint32Array.from(text, (each) => each.codePointAt(0) ?? 0).buffer);
  for (const bytes of [wide('\ufeffid,title\na,b\n'), wide('id,title\na,b\n')]) {
    await expect(ingest('wide.csv', bytes)).rejects.toMatchObject({ message: expect.stringContaining('UTF-32') as string });
  }
});

test('empty tags are no entries, and a map that is refused names its wrong entry', async () => {
  const rows = [
    { id: 'a', annotations: ['oak', null, ''] },
    { id: 'b', annotations: { oak: null, x: 0, y: -1 } },
  ];
  const receipt = await ingest('tags.jsonl', Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')));
  expect(receipt).toMatchObject({ written: 1, rejected: { MAP_INVALID: { cells: [{ line: 2, field: 'annotations', value: 'y: -1' }] } } });
});

test('a file of which nothing went in is told in one sentence with reason, field, value and line', async () => {
  const receipt = await ingest('a.csv', Buffer.from('id,buyable\na,maybe\nb,perhaps\n,yes\n'));
  expect(nothingWentIn('pins', receipt)).toBe(
    'Nothing of the pins went in: 2 of 3 rows were rejected as FIELD_TYPE (line 2, field buyable, value "maybe").',
  );
  expect(nothingWentIn('pins', await ingest('b.csv', Buffer.from('sku;name\na;b\n')))).toMatch(
    /FIELD_MISSING \(line 2, field id, not among sku, name; see --map\)/,
  );
  expect(nothingWentIn('pins', await ingest('c.jsonl', Buffer.from('')))).toBe('Nothing of the pins went in: the file has no rows.');
});
