/**
 * What does counting on Spark cost? The skewed saves of `bench/cooccurrence`, Spark `local[2]` against our own counter with two threads in
 * the same run, a self-join in SQL (DuckDB) beside them, then a master and two workers of which one is killed. The lists must agree to the bit.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { boardPinsOf } from '../../src/candidates/cooccurrence/board-pins.ts';
import { type PlanSummary, writeCountingPlan } from '../../src/candidates/cooccurrence/counting-plan.ts';
import { countedLists } from '../../src/candidates/cooccurrence/counting-shards.ts';
import { newDigest } from '../../src/catalog/artifacts/digest.ts';
import { readConfig } from '../../src/config.ts';
import { runOnSpark, type ShardReceipts } from '../../src/jobs/spark.ts';
import { type Progress, SILENT } from '../../src/progress.ts';
import { pairedRatio, round } from '../contest.ts';
import { writePairs } from '../cooccurrence/run.ts';
import { flagsOf } from '../flags.ts';
import { peerPython, runPeer } from '../python-peer.ts';
import { type SparkCluster, startCluster } from './cluster.ts';
import { withUsage } from './process-tree.ts';

const OPTIONS = { ...DEFAULT_COOCCURRENCE, method: 'cosine', neighbors: 50 } as const;
const PARTS = 8;

const SELF_JOIN = `
import duckdb, json, resource, sys, time
db = duckdb.connect()
db.execute("SET threads = 2")
start = time.perf_counter()
rows = db.execute(f"""
CREATE TABLE lists AS
WITH saves AS (SELECT board, pin FROM '{sys.argv[1]}'), n AS (SELECT pin, count(*) AS n FROM saves GROUP BY pin),
  pairs AS (SELECT a.pin AS i, b.pin AS j, count(*) AS c FROM saves a JOIN saves b USING (board) WHERE a.pin <> b.pin GROUP BY i, j),
  weighed AS (SELECT i, j, c / sqrt(ni.n * nj.n) AS w FROM pairs JOIN n ni ON ni.pin = i JOIN n nj ON nj.pin = j)
SELECT i, j, w FROM weighed QUALIFY row_number() OVER (PARTITION BY i ORDER BY w DESC, j) <= 50""")
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
entries = db.execute("SELECT count(*) FROM lists").fetchone()[0]
print(json.dumps({'seconds': seconds, 'processorSeconds': used.ru_utime + used.ru_stime, 'peakMegabytes': used.ru_maxrss / 1024, 'entries': entries, 'version': duckdb.__version__}))
`;

interface Work {
  readonly pairs: string;
  readonly saves: number;
  readonly boards: number;
  readonly pins: number;
}

interface OwnFigures {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakMegabytes: number;
  readonly entries: number;
  readonly digest: string;
}

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const flags = { saves: 10_000_000, pairs: 1, oneSize: false, noSql: false, noCluster: false, noKill: false };
  const { saves, pairs, oneSize, noSql, noCluster, noKill } = flagsOf(argv, flags);
  const folder = mkdtempSync(join(tmpdir(), 'bench-spark-'));
  // Spark's processes find each other on loopback alone.
  process.env.SPARK_LOCAL_IP = '127.0.0.1';
  try {
    const { submit, start } = await startOfSpark(folder);
    const sizes = (oneSize ? [saves] : [saves / 10, (3 * saves) / 10, saves]).map(Math.round);
    const local = [];
    for (const size of sizes) {
      const work = workOf(folder, size);
      const ours = own(work);
      const spark = await withUsage(() => counted(folder, work, 'local[2]'));
      local.push({ saves: size, sameBits: spark.digest === ours.digest, ours, spark });
    }
    const { ours, spark } = local[local.length - 1];
    const work = workOf(folder, saves);
    const sql = noSql ? { missing: '--no-sql' } : selfJoin(folder, work);
    const cluster = noCluster ? null : await onCluster({ folder, work, submit, digest: ours.digest, pairs, kill: !noKill });
    return {
      unit: 'seconds',
      parts: PARTS,
      startSeconds: start,
      ratio: round((spark.seconds - start) / ours.seconds),
      processorRatio: round(spark.processorSeconds / ours.processorSeconds),
      cost: local.map(costOf),
      sql,
      cluster,
      local: local.map(({ spark: { plan: _, ...figures }, ...row }) => ({ ...row, spark: figures })),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The seconds of a job without pieces: what Spark takes before and after any work. */
async function startOfSpark(folder: string): Promise<{ submit: string; start: number }> {
  const startedAt = performance.now();
  await runOnSpark(sparkInput(folder, 'local[2]'), 'bench', join(folder, 'start'), []);
  return { submit: readConfig().sparkSubmit, start: secondsSince(startedAt) };
}

function workOf(folder: string, saves: number): Work {
  const work = { saves, boards: Math.max(100, Math.round(saves / 20)), pins: Math.max(100, Math.round(saves / 50)) };
  const pairs = join(folder, `pairs-${saves}.bin`);
  writePairs(pairs, saves, work.boards, work.pins);
  return { pairs, ...work };
}

function own({ pairs, boards, pins }: Work): OwnFigures {
  const script = fileURLToPath(new URL('../cooccurrence/contender.js', import.meta.url));
  const done = spawnSync(process.execPath, [script, pairs, String(boards), String(pins), '2'], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`our counter failed: ${done.stderr}`);
  return JSON.parse(done.stdout) as OwnFigures;
}

function sparkInput(folder: string, master: string, progress: Partial<Progress> = {}) {
  const config = readConfig(process.env, { data: folder });
  const options = { on: 'spark', master } as const;
  return { options, config, dataFolder: folder, progress: { ...SILENT, ...progress }, signal: new AbortController().signal };
}

/** Counts on Spark: from the pairs in memory to the lists, which are then taken in for their digest. */
async function counted(folder: string, work: Work, master: string, progress?: Partial<Progress>) {
  const shared = join(folder, 'counting');
  const table = tableOf(work);
  const startedAt = performance.now();
  const plan = writeCountingPlan(shared, boardsOf(table), work, OPTIONS, PARTS);
  const writing = secondsSince(startedAt);
  const receipts = await runOnSpark(sparkInput(folder, master, progress), 'bench', shared, [
    ['split', plan.files],
    ['count', PARTS],
  ]);
  const seconds = secondsSince(startedAt);
  const digest = await digestOf(shared, plan);
  rmSync(shared, { recursive: true });
  return { seconds, writingSeconds: writing, digest, plan, steps: stepsOf(receipts) };
}

function tableOf({ pairs, boards, pins }: Work) {
  const bytes = readFileSync(pairs);
  const all = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return boardPinsOf(all.subarray(0, all.length / 2), all.subarray(all.length / 2), boards, pins);
}

function* boardsOf({ boards, boardStart, boardPins }: ReturnType<typeof tableOf>) {
  for (let boardIndex = 0; boardIndex < boards; boardIndex++)
    yield { boardIndex, pinIndexes: boardPins.subarray(boardStart[boardIndex], boardStart[boardIndex + 1]) };
}

function stepsOf(receipts: ShardReceipts) {
  const sum = (step: string, what: string): number => receipts[step].reduce((total, row) => total + Number(row[what]), 0);
  return Object.keys(receipts).map((step) => ({
    step,
    pieces: receipts[step].length,
    copies: sum(step, 'copies'),
    processorSeconds: round(sum(step, 'processorSeconds')),
  }));
}

const piecesOf = (steps: ReturnType<typeof stepsOf>): number => steps.reduce((sum, { processorSeconds }) => sum + processorSeconds, 0);

async function digestOf(shared: string, plan: PlanSummary): Promise<string> {
  const digest = newDigest();
  for (const what of ['pinIndexes', 'scores'] as const)
    for await (const lists of countedLists(shared, plan)) digest.update(bytesOf(lists[what]));
  return digest.hex();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** The bound and the work beside what the pieces took. */
function costOf({ saves, spark }: { readonly saves: number; readonly spark: Awaited<ReturnType<typeof counted>> }) {
  const { copiesMost, visits, pairs } = spark.plan;
  const [split, count] = spark.steps;
  return {
    saves,
    pairs,
    copiesMost,
    copies: split.copies,
    visits,
    splitSecondsPerMillionCopies: round(split.processorSeconds / (split.copies / 1e6)),
    countSecondsPerMillionCopies: round(count.processorSeconds / (split.copies / 1e6)),
    countSecondsPerMillionVisits: round(count.processorSeconds / (visits / 1e6)),
  };
}

function selfJoin(folder: string, work: Work): Record<string, unknown> {
  const { python, missing } = peerPython(['duckdb'], ['duckdb']);
  if (!python) return { missing };
  const shared = join(folder, 'sql');
  mkdirSync(shared);
  writeCountingPlan(shared, boardsOf(tableOf(work)), work, OPTIONS, PARTS);
  try {
    return runPeer(python, SELF_JOIN, [join(shared, 'saves', '*.parquet')]);
  } catch (error) {
    return { failed: (error as Error).message };
  } finally {
    rmSync(shared, { recursive: true });
  }
}

interface ClusterRun {
  readonly folder: string;
  readonly work: Work;
  readonly submit: string;
  /** Of the lists that our counter makes. */
  readonly digest: string;
  readonly pairs: number;
  readonly kill: boolean;
}

/** The cluster beside `local[2]`, pair by pair, each pair in the other order; then once more with a worker killed. */
async function onCluster({ folder, work, submit, digest, pairs, kill }: ClusterRun) {
  const cluster = await startCluster(submit, folder);
  const figuresOn = async (master: string) => {
    const { plan: _, ...figures } = await withUsage(() => counted(folder, work, master));
    return { ...figures, sameBits: figures.digest === digest };
  };
  try {
    // Master and workers run for days: what they compile when they first have a job is not counted.
    await runOnSpark(sparkInput(folder, cluster.master), 'bench', join(folder, 'start'), []);
    const here: Awaited<ReturnType<typeof figuresOn>>[] = [];
    const there: typeof here = [];
    for (let pair = 0; pair < pairs; pair++)
      for (const [master, runs] of inTurn(pair, ['local[2]', here] as const, [cluster.master, there] as const))
        runs.push(await figuresOn(master));
    const ratioOf = (of: (figures: (typeof here)[number]) => number) => pairedRatio(there.map(of), here.map(of));
    return {
      processorRatio: ratioOf(({ processorSeconds }) => processorSeconds),
      secondsRatio: ratioOf(({ seconds }) => seconds),
      piecesRatio: ratioOf(({ steps }) => piecesOf(steps)),
      pairs: { cluster: there, local: here },
      killed: kill ? await killedRun(folder, work, cluster, digest) : null,
    };
  } finally {
    cluster.stop();
  }
}

const inTurn = <T>(pair: number, first: T, second: T): readonly T[] => (pair % 2 === 0 ? [first, second] : [second, first]);

/** Kills a worker when the first part is counted. */
async function killedRun(folder: string, work: Work, cluster: SparkCluster, digest: string) {
  let step = '';
  let killed = false;
  const progress = {
    start: (name: string): void => void (step = name),
    update(done: number): void {
      if (killed || step !== 'count' || done < 1) return;
      killed = true;
      cluster.killWorker();
    },
  };
  const { seconds, digest: after } = await counted(folder, work, cluster.master, progress);
  return { killed, seconds, sameBits: after === digest };
}

const secondsSince = (startedAt: number): number => round((performance.now() - startedAt) / 1000);
