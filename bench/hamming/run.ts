/**
 * How fast is the exact Hamming scan? Top 100 of codes of 4,096 bits, against faiss IndexBinaryFlat over the same number
 * of codes, with as many threads. One query at a time and batches of 20. Rounds alternate between ours and the peer.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { plainNeighbors } from '../../test/candidates/plain-neighbors.ts';
import { ExactIndexPool } from '../../src/candidates/visual/exact-index-pool.ts';
import type { BatchSearch } from '../../src/candidates/visual/visual-neighbors.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import type { CodeTable } from '../../src/features/visual-features.ts';
import { projectRoot } from '../../src/worker-url.ts';
import { median, peerPython, runPeer } from '../python-peer.ts';
import { flagsOf } from '../flags.ts';

const BITS = 4096;
const K = 100;
const BATCH = 20;
const SINGLES = 9;
const BATCHES = 2;

interface Raw {
  readonly who: 'ours' | 'faiss';
  readonly threads: number;
  readonly round: number;
  /** Milliseconds of each single query, and per query of each batch. */
  readonly one: readonly number[];
  readonly batch: readonly number[];
}

const FAISS = `
import faiss, json, sys, time
import numpy as np
rows, threads, singles, batches, batch = map(int, sys.argv[1:6])
faiss.omp_set_num_threads(threads)
rng = np.random.default_rng(1)
index = faiss.IndexBinaryFlat(${BITS})
for at in range(0, rows, 100000):
    index.add(rng.integers(0, 256, size=(min(100000, rows - at), ${BITS} // 8), dtype=np.uint8))
queries = rng.integers(0, 256, size=(batch, ${BITS} // 8), dtype=np.uint8)
def timed(count, what, per):
    what(0)
    out = []
    for i in range(count):
        start = time.perf_counter()
        what(i)
        out.append((time.perf_counter() - start) * 1000 / per)
    return out
one = timed(singles, lambda i: index.search(queries[i % batch:i % batch + 1], ${K}), 1)
many = timed(batches, lambda i: index.search(queries, ${K}), batch)
print(json.dumps({'one': one, 'batch': many, 'version': faiss.__version__}))
`;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { codes: rows, rounds, noFile } = flagsOf(argv, { codes: 1_000_000, rounds: 3, noFile: false });
  const peer = peerPython(['faiss-cpu'], ['faiss']);
  const { table, queries } = world(rows);
  const exact = proof(table, queries);
  const raw: Raw[] = [];
  let version = '';
  for (let round = 0; round < rounds; round++) {
    for (const threads of [1, 2]) {
      const theirs = (): void => {
        if (!peer.python) return;
        const args = [rows, threads, SINGLES, BATCHES, BATCH].map(String);
        const { one, batch, version: found } = runPeer(peer.python, FAISS, args) as unknown as Raw & { version: string };
        version = found;
        raw.push({ who: 'faiss', threads, round, one, batch });
      };
      if (round % 2 === 1) theirs();
      raw.push({ who: 'ours', threads, round, ...(await measure(table, queries, threads)) });
      if (round % 2 === 0) theirs();
    }
  }
  const result = {
    ...summary(raw),
    unit: 'milliseconds per query',
    missingPeer: peer.missing,
    exact,
    codes: rows,
    bits: BITS,
    k: K,
    memoryShare: (table.memory.buffer.byteLength + table.has.byteLength) / (rows * table.words * 4),
    machine: `${cpus().length} x ${cpus()[0].model}, node ${process.version}${version && `, faiss ${version}`}`,
    raw,
  };
  if (!noFile) writeFileSync(new URL('bench/results/hamming.json', projectRoot()), `${JSON.stringify(result, null, 1)}\n`);
  return result;
}

/** Medians over all rounds; `ratio` is faiss over ours, above 1 is better, for the four ways of asking. */
function summary(raw: readonly Raw[]): Record<string, unknown> {
  const of = (who: Raw['who'], threads: number, what: 'one' | 'batch'): number | null => {
    const values = raw.filter((row) => row.who === who && row.threads === threads).flatMap((row) => row[what]);
    return values.length > 0 ? median(values) : null;
  };
  const ways = ([1, 2] as const).flatMap((threads) => (['one', 'batch'] as const).map((what) => ({ threads, what })));
  const table = ways.map(({ threads, what }) => {
    const [ours, peer] = [of('ours', threads, what), of('faiss', threads, what)];
    return { threads, what, ours, peer, ratio: ours && peer ? peer / ours : null };
  });
  const twoWorkers = table.find((row) => row.threads === 2 && row.what === 'one');
  return { ours: twoWorkers?.ours, peer: twoWorkers?.peer, ratio: twoWorkers?.ratio, table };
}

async function measure(table: CodeTable, queries: readonly Uint32Array[], threads: number): Promise<{ one: number[]; batch: number[] }> {
  const pool = threads > 1 ? new ExactIndexPool(table, threads) : null;
  const search: BatchSearch = pool ?? new ExactIndex(table);
  // The engine compiles hot code after a while: a few queries first.
  for (let q = 0; q < 4; q++) await search.searchBatch([queries[q]], K);
  const timed = async (asked: readonly Uint32Array[]): Promise<number> => {
    const start = performance.now();
    await search.searchBatch(asked, K);
    return (performance.now() - start) / asked.length;
  };
  const one: number[] = [];
  const batch: number[] = [];
  for (let q = 0; q < SINGLES; q++) one.push(await timed([queries[q % BATCH]]));
  for (let b = 0; b < BATCHES; b++) batch.push(await timed(queries));
  await pool?.close();
  return { one, batch };
}

/** Random codes by xorshift (Marsaglia 2003), quick enough for half a gigabyte. */
function world(rows: number): { table: CodeTable; queries: Uint32Array[] } {
  const table = allocateCodeTable(BITS, rows);
  table.has.fill(1);
  let state = 2463534242;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  for (let w = 0; w < table.codes.length; w++) table.codes[w] = next();
  return { table, queries: Array.from({ length: BATCH }, () => Uint32Array.from({ length: table.words }, next)) };
}

/** The scan must agree with the plain twin before anything is timed. */
function proof(table: CodeTable, queries: readonly Uint32Array[]): boolean {
  const found = new ExactIndex(table).search(queries[0], K);
  const plain = plainNeighbors(table, queries[0], K);
  return found.pinIndexes.every((pin, n) => pin === plain.pinIndexes[n] && found.distances[n] === plain.distances[n]);
}
