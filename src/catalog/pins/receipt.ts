/** What became of the rows of an import or a batch: every row is read, and then written, unchanged or rejected. */
import type { Rejection } from './rejection.ts';

/** The value that a row was rejected for, and the field it stands in; without a field: the beginning of the row. */
export interface RejectedCell {
  readonly line: number;
  readonly field?: string;
  /** At most 80 characters, as JSON where it is no text. */
  readonly value?: string;
}

interface RejectedRows {
  readonly count: number;
  /** The first hundred, as line numbers of a file (from 1) or indexes of a batch (from 0). */
  readonly lines: readonly number[];
  /** What was found on these lines. */
  readonly cells: readonly RejectedCell[];
}

export function cellText({ line, field, value }: RejectedCell): string {
  const found = field === undefined ? (value ?? '') : `${field}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`;
  return found === '' ? `line ${line}` : `line ${line}: ${found}`;
}

export interface Receipt {
  readonly read: number;
  readonly written: number;
  readonly unchanged: number;
  readonly rejected: Readonly<Record<string, RejectedRows>>;
  /** Fields that are not part of the record and were left out, with how often each was met. */
  readonly unknownFields: Readonly<Record<string, number>>;
  /** Categories that are not the site's, kept all the same, with the rows that named each; absent when there were none. */
  readonly unknownCategories?: Readonly<Record<string, number>>;
  /** What was read in a way that the writer of the rows should know of, with the rows it was met in; absent when there was nothing. */
  readonly notes?: Readonly<Record<string, number>>;
  /** Columns of the file that go by another name, and the field each was read as; absent when there were none. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Rows taken away because the file no longer names them; null: none was, for not all of it could be read. Absent without --replace. */
  readonly removed?: number | null;
  /** Where reading stopped before the end of the file, and why; absent when all was read. */
  readonly stopped?: { readonly line: number; readonly reason: string };
}

const LINES_MAX = 100;
/** Different unknown names kept; further ones are counted together under "(others)". */
const NAMES_MAX = 100;

/** A receipt being filled. */
export class ReceiptTally {
  read = 0;
  written = 0;
  unchanged = 0;
  private readonly rejected = new Map<string, { count: number; lines: number[]; cells: RejectedCell[] }>();
  private readonly unknownFields = new Map<string, number>();
  private readonly unknownCategories = new Map<string, number>();
  private readonly notes = new Map<string, number>();
  private readonly columns = new Map<string, string>();
  private stopped: Receipt['stopped'];
  removed: Receipt['removed'];

  /** Starts empty, or goes on from a receipt. */
  constructor(from?: Receipt) {
    if (!from) return;
    this.read = from.read;
    this.written = from.written;
    this.unchanged = from.unchanged;
    for (const [reason, { count, lines, cells }] of Object.entries(from.rejected)) {
      this.rejected.set(reason, { count, lines: [...lines], cells: [...(cells ?? [])] });
    }
    for (const [field, count] of Object.entries(from.unknownFields)) this.unknownFields.set(field, count);
    for (const [category, count] of Object.entries(from.unknownCategories ?? {})) this.unknownCategories.set(category, count);
    for (const [note, count] of Object.entries(from.notes ?? {})) this.notes.set(note, count);
    for (const [column, field] of Object.entries(from.columns ?? {})) this.columns.set(column, field);
  }

  reject({ reason, field, value }: Rejection, line: number): void {
    const entry = this.rejected.get(reason) ?? { count: 0, lines: [], cells: [] };
    entry.count++;
    if (entry.lines.length < LINES_MAX) {
      entry.lines.push(line);
      entry.cells.push({ line, ...(field === null ? {} : { field }), ...(value === undefined ? {} : { value: shownValue(value) }) });
    }
    this.rejected.set(reason, entry);
  }

  unknownField(field: string): void {
    countName(this.unknownFields, field);
  }

  note(field: string, what: string, example?: string): void {
    const note = `${field}: ${what}`;
    if (example === undefined) return countName(this.notes, note);
    const told = [...this.notes.keys()].find((name) => name.startsWith(note));
    countName(this.notes, told ?? `${note}, as ${JSON.stringify(example)}`);
  }

  /** A column that goes by another name in this file. */
  column(theirs: string, field: string): void {
    if (this.columns.size < NAMES_MAX) this.columns.set(theirs, field);
  }

  /** Whether the file was read to its end. */
  get isWhole(): boolean {
    return this.stopped === undefined;
  }

  /** Nothing was read from this line on. */
  stop(line: number, reason: string): void {
    this.stopped = { line, reason };
  }

  unknownCategory(category: string): void {
    countName(this.unknownCategories, category);
  }

  receipt(): Receipt {
    return {
      read: this.read,
      written: this.written,
      unchanged: this.unchanged,
      rejected: Object.fromEntries(
        [...this.rejected].map(([reason, entry]) => [reason, { ...entry, lines: [...entry.lines], cells: [...entry.cells] }]),
      ),
      unknownFields: Object.fromEntries(this.unknownFields),
      ...(this.unknownCategories.size > 0 ? { unknownCategories: Object.fromEntries(this.unknownCategories) } : {}),
      ...(this.notes.size > 0 ? { notes: Object.fromEntries(this.notes) } : {}),
      ...(this.columns.size > 0 ? { columns: Object.fromEntries(this.columns) } : {}),
      ...(this.removed === undefined ? {} : { removed: this.removed }),
      ...(this.stopped ? { stopped: this.stopped } : {}),
    };
  }
}

const VALUE_LENGTH_MAX = 80;

function shownValue(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : (JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? '?');
  const shown = text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}...`;
  return shown.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** One sentence on a file of which nothing went in, with the most frequent reason; null when something did. */
export function nothingWentIn(kind: string, receipt: Receipt): string | null {
  if (receipt.written + receipt.unchanged > 0) return null;
  const [most] = Object.entries(receipt.rejected).sort(([, a], [, b]) => b.count - a.count);
  if (!most) return `Nothing of the ${kind} went in: the file has no rows.`;
  const [reason, { count, cells }] = most;
  const cell = cells.find(({ field }) => field !== undefined) ?? cells[0];
  const value =
    cell?.value === undefined ? '' : reason === 'FIELD_MISSING' ? `${cell.value}; see --map` : `value ${JSON.stringify(cell.value)}`;
  const example = [`line ${cell?.line}`, cell?.field === undefined ? '' : `field ${cell.field}`, value]
    .filter((part) => part !== '')
    .join(', ');
  return `Nothing of the ${kind} went in: ${count} of ${receipt.read} rows were rejected as ${reason} (${example}).`;
}

function countName(counts: Map<string, number>, name: string): void {
  const kept = counts.has(name) || counts.size < NAMES_MAX ? name : '(others)';
  counts.set(kept, (counts.get(kept) ?? 0) + 1);
}

/** Adds up the counts of several receipts; lines stay with the single receipts, for they mean different files. */
export function totalOf(receipts: readonly Receipt[]): {
  read: number;
  written: number;
  unchanged: number;
  rejected: Record<string, { count: number }>;
} {
  const total = { read: 0, written: 0, unchanged: 0, rejected: {} as Record<string, { count: number }> };
  for (const receipt of receipts) {
    total.read += receipt.read;
    total.written += receipt.written;
    total.unchanged += receipt.unchanged;
    for (const [reason, { count }] of Object.entries(receipt.rejected)) {
      total.rejected[reason] = { count: (total.rejected[reason]?.count ?? 0) + count };
    }
  }
  return total;
}
