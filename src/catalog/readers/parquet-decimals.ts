/**
 * DECIMAL columns of Parquet as exact text. hyparquet makes floats of them, so that ids beyond 2^53 lose their last digits
 * and two become one. Here the column is read as the whole number it is stored as, and its point is set afterwards.
 */
import type { FileMetaData, SchemaElement } from 'hyparquet';

/** Digits after the point, by column. */
export type DecimalColumns = ReadonlyMap<string, number>;

/** The metadata with its own decimal columns (not those within lists and structs) left as whole numbers. */
export function undecoded(metadata: FileMetaData): { metadata: FileMetaData; decimals: DecimalColumns } {
  const decimals = new Map<string, number>();
  const own = ownColumns(metadata.schema);
  const schema = metadata.schema.map((element, i) => {
    const isDecimal = element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL';
    if (!isDecimal || !own.has(i)) return element;
    decimals.set(element.name, element.scale ?? 0);
    const { converted_type: _, logical_type: __, ...plain } = element;
    // Bytes pass through a parser of ours; 32 and 64 bits come as they are.
    const isBytes = element.type === 'BYTE_ARRAY' || element.type === 'FIXED_LEN_BYTE_ARRAY';
    return (isBytes ? { ...plain, logical_type: { type: 'GEOGRAPHY' } } : plain) as SchemaElement;
  });
  return { metadata: { ...metadata, schema }, decimals };
}

/** Positions in the flat schema of the columns that stand directly in a row. */
function ownColumns(schema: readonly SchemaElement[]): ReadonlySet<number> {
  const own = new Set<number>();
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at].num_children ?? 0) && next < schema.length; child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) if (!schema[at].num_children) own.add(at);
  return own;
}

/** Bytes of a decimal, most significant first, in two's complement. */
export const decimalParser = {
  geographyFromBytes(bytes: Uint8Array): bigint | undefined {
    if (!bytes) return undefined;
    let value = 0n;
    for (const byte of bytes) value = value * 256n + BigInt(byte);
    return BigInt.asIntN(8 * bytes.length, value);
  },
};

/** The number with its point; zeros after the point of a whole number are left out. 1250 at 2 digits is "12.50". */
export function decimalText(unscaled: unknown, scale: number): unknown {
  if (typeof unscaled !== 'bigint' && typeof unscaled !== 'number') return unscaled;
  const digits = String(unscaled)
    .replace('-', '')
    .padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const part = digits.slice(digits.length - scale);
  const sign = unscaled < 0 ? '-' : '';
  return scale === 0 || /^0*$/.test(part) ? `${sign}${whole}` : `${sign}${whole}.${part}`;
}
