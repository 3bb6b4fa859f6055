/**
 * How fast are co-occurrence lists counted, and in how much memory? Cosine, K 50, over skewed saves, against implicit's
 * CosineRecommender with as many threads. Each contender runs in a process of its own that reads the same file of pairs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/math/random.ts';
import { projectRoot } from '../../src/worker-url.ts';
import { pairedRatio, reaches } from '../contest.ts';
import { median, peerPython, runPeer } from '../python-peer.ts';
import { flagsOf } from '../flags.ts';

const K = 50;
const LARGEST_BOARD = 1000;

interface Raw {
  readonly who: 'ours' | 'implicit';
  readonly threads: number;
  readonly round: number;
  readonly seconds: number;
  /** Of all threads together: on a machine shared with other work the fairer figure. */
  readonly processorSeconds: number;
  readonly peakMegabytes: number;
  /** Sums that both sides must agree on: entries kept, and their scores. */
  readonly entries: number;
  readonly scores: number;
}

const IMPLICIT = `
import json, os, resource, sys, time
os.environ['OPENBLAS_NUM_THREADS'] = '1'
import numpy as np, scipy.sparse as sp
from implicit.nearest_neighbours import CosineRecommender
import implicit
file, boards, pins, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
pairs = np.fromfile(file, dtype=np.uint32).reshape(2, -1)
model = CosineRecommender(K=${K + 1}, num_threads=threads)
start = time.perf_counter()
processor = time.process_time()
matrix = sp.csr_matrix((np.ones(pairs.shape[1], dtype=np.float32), (pairs[0], pairs[1])), shape=(boards, pins))
matrix.data[:] = 1
model.fit(matrix, show_progress=False)
seconds = time.perf_counter() - start
processor = time.process_time() - processor
s = model.similarity.tocoo()
off = s.row != s.col
print(json.dumps({'seconds': seconds, 'processorSeconds': processor, 'peakMegabytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 'entries': int(off.sum()), 'scores': float(s.data[off].sum()), 'version': implicit.__version__}))
`;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const flags = flagsOf(argv, { saves: 10_000_000, pins: 0, boards: 0, rounds: 3, noFile: false });
  const { saves, rounds, noFile } = flags;
  const pins = flags.pins || Math.max(100, Math.round(saves / 50));
  const boards = flags.boards || Math.max(100, Math.round(saves / 20));
  const peer = peerPython(['implicit'], ['implicit']);
  const folder = mkdtempSync(join(tmpdir(), 'bench-cooccurrence-'));
  try {
    const file = join(folder, 'pairs.bin');
    const work = writePairs(file, saves, boards, pins);
    const raw: Raw[] = [];
    let version = '';
    for (let round = 0; round < rounds; round++) {
      for (const threads of [1, 2]) {
        const args = [file, boards, pins, threads].map(String);
        const theirs = (): void => {
          if (!peer.python) return;
          const { version: found, ...figures } = runPeer(peer.python, IMPLICIT, args) as unknown as Raw & { version: string };
          version = found;
          raw.push({ ...figures, who: 'implicit', threads, round });
        };
        if (round % 2 === 1) theirs();
        raw.push({ ...ours(args), who: 'ours', threads, round });
        if (round % 2 === 0) theirs();
      }
    }
    const result = {
      ...summary(raw),
      unit: 'seconds',
      missingPeer: peer.missing,
      saves,
      pins,
      boards,
      k: K,
      pairVisits: work,
      machine: `${cpus().length} x ${cpus()[0].model}, node ${process.version}${version && `, implicit ${version}`}`,
      raw,
    };
    if (!noFile) writeFileSync(new URL('bench/results/cooccurrence.json', projectRoot()), `${JSON.stringify(result, null, 1)}\n`);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ours(args: readonly string[]): Omit<Raw, 'who' | 'threads' | 'round'> {
  const script = fileURLToPath(new URL('./contender.js', import.meta.url));
  const done = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`our contender failed: ${done.stderr}`);
  return JSON.parse(done.stdout) as Omit<Raw, 'who' | 'threads' | 'round'>;
}

function summary(raw: readonly Raw[]): Record<string, unknown> {
  const of = (who: Raw['who'], threads: number, what: 'seconds' | 'processorSeconds' | 'peakMegabytes'): number | null => {
    const values = raw.filter((row) => row.who === who && row.threads === threads).map((row) => row[what]);
    return values.length > 0 ? median(values) : null;
  };
  const table = [1, 2].map((threads) => {
    const [ours, peer] = [of('ours', threads, 'seconds'), of('implicit', threads, 'seconds')];
    const [oursMegabytes, peerMegabytes] = [of('ours', threads, 'peakMegabytes'), of('implicit', threads, 'peakMegabytes')];
    const processor = { ours: of('ours', threads, 'processorSeconds'), peer: of('implicit', threads, 'processorSeconds') };
    return { threads, ours, peer, ratio: ours && peer ? peer / ours : null, processor, oursMegabytes, peerMegabytes };
  });
  const { ours, peer } = table[1];
  const seconds = (who: Raw['who']): number[] => raw.filter((row) => row.who === who && row.threads === 2).map((row) => row.seconds);
  const [ourSeconds, peerSeconds] = [seconds('ours'), seconds('implicit')];
  // Above 1 ours is faster.
  const ratio = peerSeconds.length === ourSeconds.length ? pairedRatio(peerSeconds, ourSeconds) : null;
  const faster = ratio ? reaches(ratio, 1) : 'not resolved';
  const checks = raw.map((row) => row.scores / raw[0].scores);
  return { ours, peer, ...(ratio ?? { ratio: null }), faster, table, scoresAgree: checks.every((check) => Math.abs(check - 1) < 1e-4) };
}

/** Skewed saves: board sizes and pin popularity follow power laws, boards have up to a thousand pins. Returns the sum of |b|^2. */
/** Skewed saves, all boards first, then all pins, as u32. Returns the sum of squared board sizes. */
export function writePairs(file: string, saves: number, boards: number, pins: number): number {
  const random = seededRandom(20);
  const sizes = Float64Array.from({ length: boards }, () => Math.min(LARGEST_BOARD, (1 - random.next()) ** -0.7));
  const scale = saves / sizes.reduce((sum, size) => sum + size, 0);
  const pairs = new Uint32Array(2 * saves);
  let at = 0;
  let work = 0;
  for (let board = 0; at < saves; board = (board + 1) % boards) {
    const size = Math.min(LARGEST_BOARD, saves - at, Math.max(1, Math.round(sizes[board] * scale)));
    for (let s = 0; s < size; s++, at++) {
      pairs[at] = board;
      pairs[saves + at] = Math.floor(pins * random.next() ** 2);
    }
    work += size * size;
  }
  writeFileSync(file, pairs);
  return work;
}
