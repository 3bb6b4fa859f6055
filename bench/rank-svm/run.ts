/**
 * Rank-SVM: training time on 200,000 rows x 60 columns in lists of 25, against scikit-learn's LinearSVC (LIBLINEAR's
 * primal solver) on the explicit pair differences, to the same objective; then 5,000,000 rows alone, with peak memory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/math/random.ts';
import { denseDesign } from '../../src/ranker/training/design-matrix.ts';
import { preferenceLists } from '../../src/ranker/training/preference-sums.ts';
import { trainRankSvm } from '../../src/ranker/training/rank-svm.ts';
import { pairedRatio, reaches } from '../contest.ts';
import { flagsOf } from '../flags.ts';
import { median, peerPython } from '../python-peer.ts';

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
  readonly seconds: number;
  /** Time of the processor, whatever else ran on the machine. */
  readonly cpuSeconds: number;
  readonly objective: number;
}

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const { noPeer, small: isSmall, rounds } = flagsOf(argv, { noPeer: false, small: false, rounds: 9 });
  const wanted = noPeer ? { python: null, missing: 'left out' } : peerPython(['numpy', 'scikit-learn'], ['numpy', 'sklearn']);
  const { rows, grades, result: first } = train(200_000, 1);
  const peer = wanted.python === null ? null : new Peer(wanted.python, rows, grades, first.objective);
  const ours: Timed[] = [];
  const theirs: Timed[] = [];
  for (let round = 0; round < rounds; round++) {
    const { seconds, cpuSeconds, result } = train(200_000, 1);
    ours.push({ seconds, cpuSeconds, objective: result.objective });
    if (peer) theirs.push(await peer.train());
  }
  peer?.end();
  const cpu = (row: Timed): number => row.cpuSeconds;
  const ratio = peer ? pairedRatio(theirs.map(cpu), ours.map(cpu)) : null;
  return {
    question: 'seconds to train on 200,000 rows x 60 columns, lists of 25',
    ours: median(ours.map((row) => row.seconds)),
    peer: peer ? median(theirs.map((row) => row.seconds)) : null,
    // By processor time, for machines that are shared; so is the ratio.
    cpu: { ours: median(ours.map(cpu)), peer: peer ? median(theirs.map(cpu)) : null },
    ...ratio,
    twelveTimes: ratio && reaches(ratio, 12),
    peerNote: peer ? 'scikit-learn LinearSVC, primal, on explicit pair differences' : wanted.missing,
    pairs: first.pairs,
    iterations: first.iterations,
    fiveMillionRows: isSmall ? null : largeRun(),
    raw: { ours, peer: theirs },
  };
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

/** The peer, in a process of its own: it trains at falling tolerances until it reaches our objective within 1e-4, and then at that one. */
class Peer {
  private readonly folder: string;
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(python: string, rows: Float32Array, grades: Uint8Array, objective: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'related-pins-bench-'));
    writeFileSync(join(this.folder, 'rows.f32'), new Uint8Array(rows.buffer));
    writeFileSync(join(this.folder, 'grades.u8'), grades);
    const script = fileURLToPath(new URL('../../../bench/rank-svm/peer.py', import.meta.url));
    const numbers = [COLUMNS, LIST_LENGTH, C, objective].map(String);
    const child = spawn(python, [script, this.folder, ...numbers], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.child = child;
  }

  /** Trains once. */
  async train(): Promise<Timed> {
    this.child.stdin?.write('\n');
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the peer failed');
    return JSON.parse(value) as Timed;
  }

  end(): void {
    this.child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
