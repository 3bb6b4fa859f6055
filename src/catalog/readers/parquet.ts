/** Parquet through hyparquet, a slice of rows at a time; `line` is the row's number from 1. Resumes by row. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { RecordShape } from '../records.ts';
import { valueOfColumn } from './cell.ts';
import type { RowReader } from './row-reader.ts';

const ROWS_PER_CHUNK = 8192;

export const readParquet: RowReader = async function* (path, shape, from) {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const total = Number(metadata.num_rows);
    for (let start = from.rows; start < total; start += ROWS_PER_CHUNK) {
      const end = Math.min(total, start + ROWS_PER_CHUNK);
      const objects = await parquetReadObjects({ file, metadata, compressors, rowStart: start, rowEnd: end });
      const rows = objects.map((row, i) => ({ line: start + i + 1, value: recordOf(row, shape) }));
      yield { rows, next: { byte: 0, rows: end, line: end } };
    }
  } catch (error) {
    throw new ServiceError(
      'CATALOG_FILE_UNREADABLE',
      { file: path, format: 'Parquet', reason: reasonOf(error) },
      error,
    );
  }
};

function recordOf(row: Readonly<Record<string, unknown>>, shape: RecordShape): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    record[name] = valueOfColumn(value, Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined);
  }
  return record;
}
