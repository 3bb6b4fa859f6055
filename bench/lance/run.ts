/** From which size on does LanceDB find neighbors faster than the exact scan, and how many of them? See the README beside this file. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { ExactIndexPool } from '../../src/candidates/visual/exact-index-pool.ts';
import type { NeighborIndex, Neighbors } from '../../src/candidates/visual/neighbor-index.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import type { CodeTable } from '../../src/features/visual-features.ts';
import { seededRandom } from '../../src/math/random.ts';
import { median } from '../python-peer.ts';
import { LanceIndex, whyNoLance } from './lance-index.ts';
import { flagsOf } from '../flags.ts';

const K = 10;
const RECALL = 0.95;
const MILLISECONDS = 10;
const PROBES = [1, 2, 4, 8, 12, 16, 20, 24, 32, 48, 64, 96];
/** A quarter of what LanceDB advises: at a million codes half the codes are looked into for the same recall (docs/DECISIONS.md). */
const ROWS_PER_LIST = 1024;

/** Points of a mixture, and the signs of sparse random projections of them. */
const LATENT = 64;
const KINDS = 3000;
const SPREAD = 0.6;
const TERMS = 4;

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const missing = whyNoLance();
  if (missing !== null) return { missing };
  const { bits, queries, codes, rowsPerList, build } = flagsOf(argv, {
    bits: 2048,
    queries: 40,
    codes: [100_000, 300_000, 1_000_000],
    rowsPerList: ROWS_PER_LIST,
    build: false,
  });
  const counts = [...codes].sort((a, b) => a - b);
  const most = counts[counts.length - 1];
  // The queries are the last rows, which no index holds.
  const drawn = codesOf(bits, most + queries);
  const words = bits / 32;
  const asked = Array.from({ length: queries }, (_, q) => drawn.slice((most + q) * words, (most + q + 1) * words));
  const sizes: Size[] = [];
  for (const count of counts) {
    const table = allocateCodeTable(bits, count);
    table.codes.set(drawn.subarray(0, count * words));
    table.has.fill(1);
    const lists = Math.max(16, Math.round(count / rowsPerList));
    const made = await lanceOf(table, lists);
    if (build) continue;
    sizes.push({ count, lists, buildSeconds: made.seconds, ...(await measured(table, made.index, lists, asked)) });
  }
  const largest = sizes.at(-1)?.enough ?? null;
  return {
    bits,
    k: K,
    queries,
    unit: `milliseconds per query, median; LanceDB with the fewest lists that give recall ${RECALL}`,
    sizes,
    overtakesFrom: sizes.find(({ enough, exactTwo }) => enough !== null && enough.milliseconds < exactTwo)?.count ?? null,
    isWithinTheBar: largest === null ? null : largest.milliseconds < MILLISECONDS,
  };
}

interface Probed {
  readonly probes: number;
  readonly recall: number;
  readonly milliseconds: number;
}

interface Size {
  readonly count: number;
  readonly lists: number;
  /** Null where the index was there from a run before. */
  readonly buildSeconds: number | null;
  /** Of the scan with one thread, and with two. */
  readonly exactOne: number;
  readonly exactTwo: number;
  readonly probed: readonly Probed[];
  readonly enough: Probed | null;
}

async function measured(
  table: CodeTable,
  index: LanceIndex,
  lists: number,
  asked: readonly Uint32Array[],
): Promise<Pick<Size, 'exactOne' | 'exactTwo' | 'probed' | 'enough'>> {
  const one = await timed(new ExactIndex(table), asked);
  const pool = new ExactIndexPool(table, 2);
  const two = await timed(pool, asked);
  await pool.close();
  const probed: Probed[] = [];
  for (const probes of PROBES.filter((probes) => probes <= lists)) {
    index.probes = probes;
    // Lists are read from disk when they are met first: that round is not counted.
    await timed(index, asked);
    const { found, milliseconds } = await timed(index, asked);
    probed.push({ probes, recall: recall(found, one.found), milliseconds });
  }
  const enough = probed.find((row) => row.recall >= RECALL) ?? null;
  return { exactOne: one.milliseconds, exactTwo: two.milliseconds, probed, enough };
}

async function timed(
  index: NeighborIndex<Uint32Array>,
  asked: readonly Uint32Array[],
): Promise<{ found: Neighbors[]; milliseconds: number }> {
  const found: Neighbors[] = [];
  const times: number[] = [];
  for (const query of asked) {
    const startedAt = performance.now();
    found.push(await index.search(query, K));
    times.push(performance.now() - startedAt);
  }
  return { found, milliseconds: median(times) };
}

/** What is as near as the last of the true neighbors is a true one: codes have many equal distances. */
function recall(found: readonly Neighbors[], truth: readonly Neighbors[]): number {
  const hits = found.map(({ distances }, q) => distances.filter((distance) => distance <= truth[q].distances[K - 1]).length / K);
  return hits.reduce((sum, share) => sum + share, 0) / hits.length;
}

/** The index of a size, made once and kept for later runs. */
async function lanceOf(table: CodeTable, lists: number): Promise<{ index: LanceIndex; seconds: number | null }> {
  const folder = join(tmpdir(), `related-pins-bench-lance-${table.bits}-${table.capacity}-${lists}`);
  const whole = join(folder, 'whole');
  if (existsSync(whole)) return { index: await LanceIndex.open(folder, table.words, 1), seconds: null };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const startedAt = performance.now();
  const index = await LanceIndex.make(folder, table, lists, 1);
  const seconds = (performance.now() - startedAt) / 1000;
  writeFileSync(whole, '');
  return { index, seconds };
}

function codesOf(bits: number, rows: number): Uint32Array {
  const path = join(tmpdir(), `related-pins-bench-codes-${bits}-${rows}.bin`);
  if (existsSync(path)) {
    const { buffer, byteOffset, byteLength } = readFileSync(path);
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  }
  const codes = drawnCodes(bits, rows);
  writeFileSync(path, codes);
  return codes;
}

function drawnCodes(bits: number, rows: number): Uint32Array {
  const random = seededRandom(1);
  const normals = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const kinds = Array.from({ length: KINDS }, () => normals(LATENT));
  const weights = normals(bits * TERMS);
  const terms = Uint8Array.from(weights, () => random.integer(LATENT));
  const codes = new Uint32Array((rows * bits) / 32);
  const point = new Float32Array(LATENT);
  for (let row = 0; row < rows; row++) {
    // Some kinds are more frequent than others.
    const kind = kinds[Math.floor(random.next() ** 1.5 * KINDS)];
    for (let i = 0; i < LATENT; i++) point[i] = kind[i] + SPREAD * random.normal();
    for (let bit = 0, t = 0; bit < bits; bit++) {
      let sum = 0;
      for (let n = 0; n < TERMS; n++, t++) sum += weights[t] * point[terms[t]];
      if (sum > 0) codes[(row * bits + bit) >>> 5] |= 1 << (bit & 31);
    }
  }
  return codes;
}
