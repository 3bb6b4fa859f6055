/** Has Apache Spark call `related-pins shard` for every piece of a job: `spark-submit` with the driver of `deploy/spark/`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ServiceError } from '../errors.ts';
import { projectRoot, workerUrl } from '../worker-url.ts';
import { flags, type JobInput, type OptionsOf } from './job.ts';

/** The flags of jobs that can be dealt to many machines. */
export const SPARK_FLAGS = flags([
  { flag: '--on <engine>', meaning: 'where it runs: local, or spark, docs/SCALE.md (default: local)', choices: ['local', 'spark'] },
  { flag: '--master <url>', meaning: 'with --on spark: its master, as spark://HOST:7077 or yarn (default: local[*], this machine)' },
  { flag: '--shared <folder>', meaning: 'with --on spark: a folder that all its machines reach (default: spark in the data folder)' },
  { flag: '--parts <n>', meaning: 'with --on spark: pieces of the work (default: by the size)', kind: 'integer', range: [1, 100_000] },
]);

type SparkInput = Pick<JobInput<OptionsOf<typeof SPARK_FLAGS>>, 'options' | 'config' | 'progress' | 'signal' | 'dataFolder'>;

/** Steps in order, each of so many pieces that do not depend on one another. */
type Steps = readonly (readonly [step: string, parts: number])[];

/** What each piece said, by step. */
export type ShardReceipts = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** The folder of a job on the path that all machines reach. */
export const sharedFolder = ({ options, dataFolder }: SparkInput, job: string): string =>
  resolve(options.shared ?? join(dataFolder, 'spark'), job);

/**
 * Runs the steps and resolves to what the pieces said. Spark's own words go to `spark.log` in the folder.
 * Throws SPARK_UNAVAILABLE when there is no spark-submit, SPARK_FAILED with the words of the piece that failed, JOB_STOPPED.
 */
export async function runOnSpark(input: SparkInput, name: string, folder: string, steps: Steps): Promise<ShardReceipts> {
  const { config, options, progress, signal } = input;
  const { master = 'local[*]' } = options;
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'spark.log');
  const [submit, driver] = ['submit.sh', 'run_shards.py'].map((file) => fileURLToPath(new URL(`deploy/spark/${file}`, projectRoot())));
  const command =
    config.sparkProgram.length > 0 ? config.sparkProgram : [process.execPath, fileURLToPath(workerUrl(import.meta.url, '../cli.ts'))];
  const order = JSON.stringify({ name: `related-pins ${name}`, command, folder, steps });
  const file = openSync(log, 'a');
  const child = spawn('sh', [submit, config.sparkSubmit, '--master', retrying(master), driver, order], {
    stdio: ['ignore', 'pipe', file],
  });
  closeSync(file);
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  progress.note(`${steps.map(([step, parts]) => `${parts} x ${step}`).join(', ')} on Spark ${master}; its log: ${log}`);
  try {
    const said = await listen(child, input);
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    if (said.receipts) return said.receipts;
    if (child.exitCode === 127) throw new ServiceError('SPARK_UNAVAILABLE', { reason: `there is no ${config.sparkSubmit}` });
    throw new ServiceError('SPARK_FAILED', {
      reason: said.failed ?? `spark-submit ended with ${child.exitCode ?? child.signalCode}.`,
      log,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    progress.stop();
  }
}

interface Said {
  readonly receipts?: ShardReceipts;
  readonly failed?: string;
}

/** Shows progress until the process ends, and gives the driver's last word. */
async function listen(child: ChildProcess, { progress }: SparkInput): Promise<Said> {
  let said: Said = {};
  let showing = '';
  const ended = new Promise<void>((done, reject) => {
    child.on('error', (error) => reject(new ServiceError('SPARK_UNAVAILABLE', { reason: error.message }, error)));
    child.on('close', () => done());
  });
  ended.catch(() => {});
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (!line.startsWith('{')) continue;
    const record = JSON.parse(line) as Said & { readonly step?: string; readonly done?: number; readonly total?: number };
    if (record.step === undefined) said = { ...said, ...record };
    else {
      if (record.step !== showing) progress.start((showing = record.step), record.total ?? 0);
      progress.update(record.done ?? 0);
    }
  }
  await ended;
  return said;
}

/** In one process a task is never repeated unless its master says how often: as often as on a cluster. */
function retrying(master: string): string {
  return master.replace(/^local\[(\d+|\*)\]$/, 'local[$1,4]');
}
