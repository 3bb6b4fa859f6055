import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, it } from 'vitest';
import { parquetColumns } from '../../src/catalog/readers/parquet-columns.ts';
import { temporaryFolder } from '../world.ts';

// A column of several pages came in pieces, of which the last one was taken for the whole.
it('columns of several pages are read whole', async () => {
  const path = join(temporaryFolder(), 'columns.parquet');
  const rows = 900;
  const bytes = Array.from({ length: rows }, (_, row) => Uint8Array.from({ length: 4000 }, (_, at) => (row + at) % 251));
  const columnData = [
    { name: 'number', type: 'INT32', data: Int32Array.from({ length: rows }, (_, row) => row), nullable: false },
    { name: 'bytes', type: 'BYTE_ARRAY', data: bytes, nullable: false },
  ] as const;
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData: [...columnData], codec: 'UNCOMPRESSED', rowGroupSize: rows })));
  const columns = await parquetColumns(path, { utf8: false });
  expect([columns.number.length, columns.bytes.length]).toEqual([rows, rows]);
  for (const row of [0, 1, 450, rows - 1]) {
    expect(columns.number[row]).toBe(row);
    expect(Buffer.compare(columns.bytes[row] as Uint8Array, bytes[row])).toBe(0);
  }
});
