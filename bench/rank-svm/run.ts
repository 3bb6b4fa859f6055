/**
 * Rank-SVM: training time on 200,000 rows x 60 columns in lists of 25, against scikit-learn's LinearSVC (LIBLINEAR's
 * primal solver) on the explicit pair differences, to the same objective; then 5,000,000 rows alone, with peak memory.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/math/random.ts';
import { denseDesign } from '../../src/ranker/training/design-matrix.ts';
import { preferenceLists } from '../../src/ranker/training/preference-sums.ts';
import { trainRankSvm } from '../../src/ranker/training/rank-svm.ts';
import { peerPython } from '../python-peer.ts';
import { flagsOf } from '../flags.ts';

const COLUMNS = 60;
const LIST_LENGTH = 25;
const C = 0.01;
/** Of the gradient at zero; the peer then has to reach the objective that this gives. */
const TOLERANCE = 1e-3;

/** Lists with five grades from a noisy linear utility; float32 rows, as the log keeps them. */
function generated(rowCount: number, seed: number) {
  const random = seededRandom(seed);
  const truth = Array.from({ length: COLUMNS }, () => random.normal());
  const rows = new Float32Array(rowCount * COLUMNS);
  const grades = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    let utility = 0;
    for (let c = 0; c < COLUMNS; c++) {
      const value = Math.fround(random.next() * 2 - 1);
      rows[row * COLUMNS + c] = value;
      utility += value * truth[c];
    }
    const noisy = utility / 5 + random.next() * 2 - 1;
    grades[row] = noisy > 1.2 ? 4 : noisy > 0.9 ? 3 : noisy > 0.6 ? 2 : noisy > 0.3 ? 1 : 0;
  }
  return { rows, grades };
}

function train(rowCount: number, seed: number) {
  const { rows, grades } = generated(rowCount, seed);
  const lists = preferenceLists(
    grades,
    Array.from({ length: rowCount / LIST_LENGTH }, () => LIST_LENGTH),
  );
  const startedAt = performance.now();
  const cpuAt = process.cpuUsage();
  const result = trainRankSvm(denseDesign(rows, COLUMNS), lists, { c: C, tolerance: TOLERANCE });
  const { user, system } = process.cpuUsage(cpuAt);
  return { rows, grades, result, seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 };
}

interface Timed {
  readonly name: string;
  readonly seconds: number;
  /** Time of the processor, whatever else ran on the machine. */
  readonly cpuSeconds: number;
  readonly objective: number;
}

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const { noPeer, small: isSmall } = flagsOf(argv, { noPeer: false, small: false });
  const wanted = noPeer ? { python: null, missing: 'left out' } : peerPython(['numpy', 'scikit-learn'], ['numpy', 'sklearn']);
  const rounds = 3;
  const raw: Timed[] = [];
  let small = train(200_000, 1);
  for (let round = 0; round < rounds; round++) {
    if (round > 0) small = train(200_000, 1);
    const { seconds, cpuSeconds, result } = small;
    raw.push({ name: 'ours', seconds, cpuSeconds, objective: result.objective });
  }
  const peer = wanted.python === null ? null : peerSeconds(wanted.python, small.rows, small.grades, small.result.objective);
  if (peer) raw.push({ name: 'scikit-learn', ...peer });
  const mine = raw.filter((row) => row.name === 'ours');
  const ours = median(mine.map((row) => row.seconds));
  const oursCpu = median(mine.map((row) => row.cpuSeconds));
  const large = isSmall ? null : largeRun();
  const result = {
    question: 'seconds to train on 200,000 rows x 60 columns, lists of 25',
    ours,
    peer: peer?.seconds ?? null,
    ratio: peer ? peer.seconds / ours : null,
    // Beside the clock, for machines that are shared.
    cpu: { ours: oursCpu, peer: peer?.cpuSeconds ?? null, ratio: peer ? peer.cpuSeconds / oursCpu : null },
    peerNote: peer ? 'scikit-learn LinearSVC, primal, on explicit pair differences' : (wanted.missing ?? 'the peer failed'),
    pairs: small.result.pairs,
    iterations: small.result.iterations,
    fiveMillionRows: large,
    raw,
  };
  return result;
}

function largeRun() {
  const { result, seconds, cpuSeconds, rows } = train(5_000_000, 2);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return {
    seconds,
    cpuSeconds,
    pairs: result.pairs,
    iterations: result.iterations,
    converged: result.converged,
    dataBytes: rows.byteLength,
    peakBytes,
    peakOverData: peakBytes / rows.byteLength,
  };
}

/** Trains the peer at falling tolerances until it reaches our objective within 1e-4, and reports that training's seconds. */
function peerSeconds(python: string, rows: Float32Array, grades: Uint8Array, objective: number): Omit<Timed, 'name'> | null {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-bench-'));
  try {
    writeFileSync(join(folder, 'rows.f32'), new Uint8Array(rows.buffer));
    writeFileSync(join(folder, 'grades.u8'), grades);
    const script = fileURLToPath(new URL('../../../bench/rank-svm/peer.py', import.meta.url));
    const done = spawnSync(python, [script, folder, String(COLUMNS), String(LIST_LENGTH), String(C), String(objective)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return done.status === 0 ? (JSON.parse(done.stdout) as Omit<Timed, 'name'>) : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
