/**
 * Numbers as much of Europe writes them: `48,00`, `1.234,50`. One cell alone can't say whether `1,234` and `1.234` are more
 * than a thousand, so a column is read so only where all of it fits and a cell of it can be nothing else.
 */

const WITH_COMMA = /^-?(?:0|[1-9]\d{0,14}|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d{1,15})?$/;
/** A comma that is no thousands separator: not three digits behind it, or a 0 or a point before it. */
const SURELY = /,(?:\d{1,2}|\d{4,})$|^-?0,|\..*,/;
/** In the head of a file: a cell, alone or in quotes, that may be such a number. */
const HINT = /(?:^|["\t;|\r\n])-?\d[\d.]*,\d+(?=["\t;|\r\n]|$)/;
/** Text that is a number to its writer: digits in groups, and at least one comma. */
const WRITTEN_NUMBER = /^-?(?:\d+|\d{1,3}(?:[., ']\d{3})+)(?:[.,]\d+)?$/;

/** The number that a cell of such a column is; null for any other cell. */
export function numberWithComma(cell: string): number | null {
  return WITH_COMMA.test(cell) ? Number(cell.replaceAll('.', '').replace(',', '.')) : null;
}

/** Whether a text is a number written with a comma: kept as text, it has no order. */
export function isWrittenWithComma(text: string): boolean {
  return text.length <= 32 && text.includes(',') && WRITTEN_NUMBER.test(text);
}

/**
 * The columns, of those at the places `among`, whose cells are all empty or numbers with a decimal comma. The rows are read
 * once for it, and only where the head of the file (64 KiB) holds a cell that looks like one.
 */
export async function commaColumns(
  among: readonly number[],
  head: string,
  rows: () => AsyncIterable<readonly string[]>,
): Promise<ReadonlySet<number>> {
  const fitting = new Set(among);
  const sure = new Set<number>();
  if (!HINT.test(head) || fitting.size === 0) return sure;
  for await (const cells of rows()) {
    for (const at of fitting) {
      const cell = cells[at] ?? '';
      if (cell === '' || cell === '\\N') continue;
      if (!WITH_COMMA.test(cell)) fitting.delete(at);
      else if (SURELY.test(cell)) sure.add(at);
    }
    if (fitting.size === 0) break;
  }
  return new Set([...sure].filter((at) => fitting.has(at)));
}
