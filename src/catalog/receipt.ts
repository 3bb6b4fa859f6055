/** What became of the rows of an import or a batch: every row is read, and then written, unchanged or rejected. */
import type { RejectionReason } from './records.ts';

export interface Receipt {
  readonly read: number;
  readonly written: number;
  readonly unchanged: number;
  /** `lines`: the first hundred, as line numbers of a file (from 1) or indexes of a batch (from 0). */
  readonly rejected: Readonly<Record<string, { readonly count: number; readonly lines: readonly number[] }>>;
  /** Fields that are not part of the record and were left out, with how often each was met. */
  readonly unknownFields: Readonly<Record<string, number>>;
}

const LINES_MAX = 100;
/** Different unknown names kept; further ones are counted together under "(others)". */
const NAMES_MAX = 100;

/** A receipt being filled. */
export class ReceiptTally {
  read = 0;
  written = 0;
  unchanged = 0;
  private readonly rejected = new Map<string, { count: number; lines: number[] }>();
  private readonly unknownFields = new Map<string, number>();

  /** Starts empty, or goes on from a receipt. */
  constructor(from?: Receipt) {
    if (!from) return;
    this.read = from.read;
    this.written = from.written;
    this.unchanged = from.unchanged;
    for (const [reason, { count, lines }] of Object.entries(from.rejected)) {
      this.rejected.set(reason, { count, lines: [...lines] });
    }
    for (const [field, count] of Object.entries(from.unknownFields)) this.unknownFields.set(field, count);
  }

  reject(reason: RejectionReason, line: number): void {
    const entry = this.rejected.get(reason) ?? { count: 0, lines: [] };
    entry.count++;
    if (entry.lines.length < LINES_MAX) entry.lines.push(line);
    this.rejected.set(reason, entry);
  }

  readonly unknownField = (field: string): void => {
    const name = this.unknownFields.has(field) || this.unknownFields.size < NAMES_MAX ? field : '(others)';
    this.unknownFields.set(name, (this.unknownFields.get(name) ?? 0) + 1);
  };

  receipt(): Receipt {
    return {
      read: this.read,
      written: this.written,
      unchanged: this.unchanged,
      rejected: Object.fromEntries(
        [...this.rejected].map(([reason, entry]) => [reason, { ...entry, lines: [...entry.lines] }]),
      ),
      unknownFields: Object.fromEntries(this.unknownFields),
    };
  }
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
