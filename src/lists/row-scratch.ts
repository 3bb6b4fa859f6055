import { FeatureColumns } from '../ranker/scoring/feature-columns.ts';

/**
 * Room for the ranking features of all candidates of a request. A thousand candidates take a quarter of a megabyte: made again
 * each time, most of a request would go into touching fresh memory. Whoever takes one gives it back; requests that wait
 * for a model of their own kind hold several at once.
 */
export class RowScratch {
  private readonly names: readonly string[];
  private readonly free: FeatureColumns[] = [];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** Empty columns; only until they are given back. */
  take(rows: number): FeatureColumns {
    const columns = this.free.pop() ?? new FeatureColumns(this.names);
    columns.begin(rows);
    return columns;
  }

  /** Eight at most are kept for later. */
  giveBack(columns: FeatureColumns): void {
    if (this.free.length < 8) this.free.push(columns);
  }
}
