import { asyncBufferFromFile, parquetRead } from 'hyparquet';
import { ServiceError } from '../../errors.ts';

type Column = ArrayLike<unknown>;

/**
 * The columns of a Parquet file of ours, each whole: the library hands on a column of several pages in pieces.
 * `utf8` false: byte arrays stay bytes. Throws CATALOG_FILE_UNREADABLE.
 */
export async function parquetColumns(path: string, { utf8 }: { readonly utf8: boolean }): Promise<Readonly<Record<string, Column>>> {
  const pieces = new Map<string, Column[]>();
  const onChunk = ({ columnName, columnData }: { readonly columnName: string; readonly columnData: Column }): void => {
    pieces.set(columnName, [...(pieces.get(columnName) ?? []), columnData]);
  };
  try {
    await parquetRead({ file: await asyncBufferFromFile(path), onChunk, utf8 });
  } catch (error) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file: path, format: 'Parquet', reason: (error as Error).message }, error);
  }
  return Object.fromEntries(Array.from(pieces, ([name, parts]) => [name, parts.length === 1 ? parts[0] : joined(parts)]));
}

function joined(parts: readonly Column[]): Column {
  const all = new Array<unknown>(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) for (let i = 0; i < part.length; i++) all[at++] = part[i];
  return all;
}
