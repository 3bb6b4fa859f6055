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
  /** Categories that are not the site's, kept all the same, with the rows that named each; absent when there were none. */
  readonly unknownCategories?: Readonly<Record<string, number>>;
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
  private readonly unknownCategories = new Map<string, number>();

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
    for (const [category, count] of Object.entries(from.unknownCategories ?? {})) this.unknownCategories.set(category, count);
  }

  reject(reason: RejectionReason, line: number): void {
    const entry = this.rejected.get(reason) ?? { count: 0, lines: [] };
    entry.count++;
    if (entry.lines.length < LINES_MAX) entry.lines.push(line);
    this.rejected.set(reason, entry);
  }

  readonly unknownField = (field: string): void => countName(this.unknownFields, field);

  unknownCategory(category: string): void {
    countName(this.unknownCategories, category);
  }

  receipt(): Receipt {
    return {
      read: this.read,
      written: this.written,
      unchanged: this.unchanged,
      rejected: Object.fromEntries([...this.rejected].map(([reason, entry]) => [reason, { ...entry, lines: [...entry.lines] }])),
      unknownFields: Object.fromEntries(this.unknownFields),
      ...(this.unknownCategories.size > 0 ? { unknownCategories: Object.fromEntries(this.unknownCategories) } : {}),
    };
  }
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
