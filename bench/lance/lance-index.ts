/** LanceDB behind the contract of the neighbor indexes, for `bench/lance` and the tests: nothing serves from it (docs/DECISIONS.md). */
import { createRequire } from 'node:module';
import type { Accept, NeighborIndex, Neighbors } from '../../src/candidates/visual/neighbor-index.ts';
import { reasonOf } from '../../src/errors.ts';
import type { CodeTable } from '../../src/features/visual-features.ts';

/** What is used of `@lancedb/lancedb` 0.39 and of `apache-arrow` 18, which are not among the packages of the program. */
interface Lance {
  connect(folder: string): Promise<{
    createTable(name: string, rows: unknown): Promise<Table>;
    openTable(name: string): Promise<Table>;
  }>;
  readonly Index: {
    ivfFlat(options: { distanceType: 'hamming'; numPartitions: number; maxIterations: number; sampleRate: number }): unknown;
  };
}
interface Table {
  add(rows: unknown): Promise<unknown>;
  createIndex(column: string, options: { config: unknown }): Promise<void>;
  query(): { nearestTo(code: Uint8Array): VectorQuery };
}
interface VectorQuery {
  distanceType(name: 'hamming'): VectorQuery;
  column(name: string): VectorQuery;
  nprobes(lists: number): VectorQuery;
  select(columns: readonly string[]): VectorQuery;
  limit(rows: number): VectorQuery;
  toArrow(): Promise<{ getChild(name: string): { toArray(): ArrayLike<number> } | null }>;
}
// The library builds its types from constructors, and gives none that fit another copy of it.
type Arrow = Record<string, any>;

const NAME = 'codes';
const BATCH_ROWS = 50_000;
/** Rows beyond `k` that are asked for: rows at the same distance as the last come in no order. */
const MORE = 32;

/** Why LanceDB can't be used here, with the way out; null where it can. */
export function whyNoLance(): string | null {
  try {
    load();
    return null;
  } catch (error) {
    return `npm install --no-save @lancedb/lancedb@0.39.0 apache-arrow@18.1.0 (${reasonOf(error).split('\n')[0]})`;
  }
}

function load(): { lance: Lance; arrow: Arrow } {
  const require = createRequire(import.meta.url);
  return { arrow: require('apache-arrow') as Arrow, lance: require('@lancedb/lancedb') as Lance };
}

/** Codes in lists (IVF_FLAT), each searched whole: the distances are true, and what stands in a list that is not searched is missed. */
export class LanceIndex implements NeighborIndex<Uint32Array> {
  readonly name = 'lance';
  readonly exact = false;
  /** Lists that a search looks into. */
  probes: number;
  private readonly table: Table;
  private readonly words: number;

  private constructor(table: Table, words: number, probes: number) {
    this.table = table;
    this.words = words;
    this.probes = probes;
  }

  /** Writes all codes of a table below `folder`, and `lists` lists over them; with one list all codes are compared. */
  static async make(folder: string, codes: CodeTable, lists: number, probes: number): Promise<LanceIndex> {
    const { lance, arrow } = load();
    const database = await lance.connect(folder);
    let table: Table | null = null;
    for (let from = 0; from < codes.capacity; from += BATCH_ROWS) {
      const rows = batch(arrow, codes, from, Math.min(codes.capacity, from + BATCH_ROWS));
      if (table === null) table = await database.createTable(NAME, rows);
      else await table.add(rows);
    }
    if (table === null) throw new RangeError('codes: there is none');
    const config = lance.Index.ivfFlat({ distanceType: 'hamming', numPartitions: lists, maxIterations: 10, sampleRate: 64 });
    if (lists > 1) await table.createIndex('code', { config });
    return new LanceIndex(table, codes.words, probes);
  }

  static async open(folder: string, words: number, probes: number): Promise<LanceIndex> {
    return new LanceIndex(await (await load().lance.connect(folder)).openTable(NAME), words, probes);
  }

  async search(query: Uint32Array, k: number, accept?: Accept): Promise<Neighbors> {
    if (query.length !== this.words) throw new RangeError(`query: expected ${this.words} words, got ${query.length}`);
    for (let limit = k + MORE; ; limit *= 4) {
      const { pins, distances } = await this.nearest(query, limit);
      const order = pins.map((_, n) => n).filter((n) => accept?.(pins[n]) ?? true);
      if (order.length < k && pins.length === limit) continue;
      order.sort((a, b) => distances[a] - distances[b] || pins[a] - pins[b]);
      const best = order.slice(0, k);
      return { pinIndexes: Int32Array.from(best, (n) => pins[n]), distances: Float64Array.from(best, (n) => distances[n]) };
    }
  }

  private async nearest(query: Uint32Array, limit: number): Promise<{ pins: number[]; distances: number[] }> {
    const bytes = new Uint8Array(query.buffer, query.byteOffset, query.byteLength);
    const asked = this.table.query().nearestTo(bytes).column('code').distanceType('hamming');
    const found = await asked.nprobes(this.probes).select(['pin', '_distance']).limit(limit).toArrow();
    const column = (name: string): number[] => Array.from(found.getChild(name)?.toArray() ?? []);
    return { pins: column('pin'), distances: column('_distance') };
  }
}

/** Rows `first .. last` as an Arrow table over a copy of their bytes. */
function batch(arrow: Arrow, { codes, words, byteOffset }: CodeTable, first: number, last: number): unknown {
  const [length, bytes] = [last - first, words * 4];
  const data = new Uint8Array(length * bytes);
  data.set(new Uint8Array(codes.buffer, byteOffset + first * bytes, length * bytes));
  const code = new arrow.FixedSizeList(bytes, new arrow.Field('item', new arrow.Uint8(), false));
  const schema = new arrow.Schema([new arrow.Field('pin', new arrow.Int32(), false), new arrow.Field('code', code, false)]);
  const child = arrow.makeData({ type: new arrow.Uint8(), length: length * bytes, nullCount: 0, data });
  const pins = Int32Array.from({ length }, (_, n) => first + n);
  const children = [
    arrow.makeData({ type: new arrow.Int32(), length, nullCount: 0, data: pins }),
    arrow.makeData({ type: code, length, nullCount: 0, child }),
  ];
  const rows = arrow.makeData({ type: new arrow.Struct(schema.fields), length, nullCount: 0, children });
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, rows)]);
}
