/**
 * What a build of a graph leaves where it is stopped, so that the next start goes on from there. It counts only for the same
 * vectors and the same options, and only while the file is the one that was written. The build draws new
 * levels for the pins that come after, so a resumed graph has other bits than one built without a stop. Its recall is measured, too.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, digestOfFile } from '../../catalog/artifacts/digest.ts';
import { replaceFile } from '../../swapped-file.ts';
import { HnswIndex, type HnswOptions } from '../visual/hnsw-index.ts';
import { spaceOf, type VectorTable } from './vector-set.ts';

interface Note {
  readonly key: string;
  /** Rows of the table that are in the graph. */
  readonly rows: number;
  /** Of the graph's file. */
  readonly digest: string;
}

export class GraphDraft {
  private readonly folder: string;
  private readonly table: VectorTable;
  private readonly options: HnswOptions;
  private readonly key: string;

  /** `folder`: of the versions of the set that is built. */
  constructor(folder: string, table: VectorTable, options: HnswOptions) {
    const { metric, dimensions, pinIndexes, data } = table;
    const { links, buildBreadth, seed } = options;
    const bytes = [pinIndexes, data].map(({ buffer, byteOffset, byteLength }) => digestOf(new Uint8Array(buffer, byteOffset, byteLength)));
    this.folder = folder;
    this.table = table;
    this.options = options;
    this.key = JSON.stringify([metric, dimensions, links, buildBreadth, seed, ...bytes]);
  }

  /** The graph as far as it came, with the rows that it has; null when there is none of these vectors. */
  async open(): Promise<{ readonly index: HnswIndex; readonly rows: number } | null> {
    if (!existsSync(this.notePath)) return null;
    const { key, rows, digest } = JSON.parse(readFileSync(this.notePath, 'utf8')) as Note;
    if (key !== this.key || !existsSync(this.graphPath) || digestOfFile(this.graphPath).digest !== digest) return null;
    const { dimensions, metric } = this.table;
    return { index: await HnswIndex.open(this.graphPath, dimensions, this.options.searchBreadth, spaceOf(metric)), rows };
  }

  async save(index: HnswIndex, rows: number): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    await index.save(this.graphPath);
    const { digest } = digestOfFile(this.graphPath);
    replaceFile(this.notePath, JSON.stringify({ key: this.key, rows, digest } satisfies Note));
  }

  discard(): void {
    for (const path of [this.notePath, this.graphPath]) rmSync(path, { force: true });
  }

  // Backups leave out what ends in .tmp.
  private get notePath(): string {
    return join(this.folder, 'graph-draft.json.tmp');
  }

  private get graphPath(): string {
    return join(this.folder, 'graph-draft.hnsw.tmp');
  }
}
