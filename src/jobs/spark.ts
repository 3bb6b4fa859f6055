/** Has Apache Spark call `related-pins shard` for every piece of a job: `spark-submit` with the driver of `deploy/spark/`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, fstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
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

type PieceReceipts = ShardReceipts[string];

/** Has a step done for some pieces; what each said, in their order. `question`: what they are asked, for steps that answer one. */
type RunPieces = (step: string, pieces: readonly number[], question?: string) => Promise<PieceReceipts>;

/** Whether a job runs there. Throws JOB_USAGE for flags that say how, of a job that runs here. */
export function isOnSpark({ on, master, shared, parts }: SparkInput['options']): boolean {
  if (on === 'spark') return true;
  const given = Object.entries({ master, shared, parts }).find(([, value]) => value !== undefined);
  if (given) throw new ServiceError('JOB_USAGE', { reason: `--${given[0]} is for --on spark` });
  return false;
}

/** The folder of a job on the path that all machines reach. Throws JOB_USAGE where this one cannot write there. */
export function sharedFolder({ options, dataFolder }: SparkInput, job: string): string {
  const folder = resolve(options.shared ?? join(dataFolder, 'spark'), job);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    const reason = `--shared names a folder that all machines can write to; here ${(error as Error).message}`;
    throw new ServiceError('JOB_USAGE', { reason }, error);
  }
  return folder;
}

/** Runs the steps and resolves to what the pieces said. Throws as `onSpark` does. */
export async function runOnSpark(input: SparkInput, name: string, folder: string, steps: Steps): Promise<ShardReceipts> {
  input.progress.note(steps.map(([step, parts]) => `${parts} x ${step}`).join(', '));
  return onSpark(input, name, folder, async (run) => {
    const receipts: Record<string, PieceReceipts> = {};
    for (const [step, parts] of steps) receipts[step] = await run(step, [...Array(parts).keys()]);
    return receipts;
  });
}

/**
 * Starts Spark once for all that `work` has it do. Spark's own words go to `spark.log` in the folder.
 * Throws SPARK_UNAVAILABLE when there is no spark-submit, SPARK_FAILED with the words of the piece that failed, JOB_STOPPED.
 */
export async function onSpark<Result>(
  input: SparkInput,
  name: string,
  folder: string,
  work: (run: RunPieces) => Promise<Result>,
): Promise<Result> {
  const { progress, signal } = input;
  mkdirSync(folder, { recursive: true });
  // In a folder that only this user can enter: whoever connects gives the orders.
  const own = mkdtempSync(join(tmpdir(), 'pins-spark-'));
  const address = join(own, 'driver');
  if (address.length > SOCKET_MOST) {
    rmSync(own, { recursive: true });
    throw new ServiceError('JOB_USAGE', {
      reason: `the path of a socket would be too long: set TMPDIR to a shorter path than ${tmpdir()}`,
    });
  }
  const driver = new Driver(input, name, folder, address);
  const stop = (): void => driver.kill();
  signal.addEventListener('abort', stop, { once: true });
  progress.note(`on Spark ${input.options.master ?? LOCAL}; its log: ${driver.log}`);
  try {
    const result = await work((step, pieces, question) => driver.run(step, pieces, question));
    await driver.end();
    return result;
  } catch (error) {
    driver.kill();
    throw signal.aborted ? new ServiceError('JOB_STOPPED') : error;
  } finally {
    signal.removeEventListener('abort', stop);
    progress.stop();
    rmSync(own, { recursive: true, force: true });
  }
}

const LOCAL = 'local[*]';

/** Bytes of a Unix socket's path; Linux takes 107, macOS 103. */
const SOCKET_MOST = 103;

/**
 * Java starts, passes messages and ends: compiling its code a second time, better, does not pay for itself. What a cluster sets as
 * extraJavaOptions comes behind this and wins.
 */
const JAVA = ['driver', 'executor'].flatMap((side) => ['--conf', `spark.${side}.defaultJavaOptions=-XX:TieredStopAtLevel=1`]);

/** What the driver says, a line of JSON each. */
interface Said {
  readonly done?: number;
  readonly note?: string;
  readonly receipts?: PieceReceipts;
  readonly failed?: string;
}

/** The driver of `deploy/spark/`: orders and answers go over one connection, and it ends when that is closed. */
class Driver {
  readonly log: string;
  /** Where the words of this start begin. */
  private readonly logFrom: number;
  private readonly child: ChildProcess;
  private readonly lines: Promise<AsyncIterator<string>>;
  private readonly progress: SparkInput['progress'];
  private readonly server: Server;
  private socket: Socket | null = null;

  constructor({ config, options, progress }: SparkInput, name: string, folder: string, address: string) {
    this.progress = progress;
    this.log = join(folder, 'spark.log');
    const [submit, driver] = ['submit.sh', 'run_shards.py'].map((file) => fileURLToPath(new URL(`deploy/spark/${file}`, projectRoot())));
    const command =
      config.sparkProgram.length > 0 ? config.sparkProgram : [process.execPath, fileURLToPath(workerUrl(import.meta.url, '../cli.ts'))];
    this.server = createServer().listen(address);
    const log = openSync(this.log, 'a');
    this.logFrom = fstatSync(log).size;
    const master = options.master ?? LOCAL;
    const about = ascii(JSON.stringify({ name: `related-pins ${name}`, master, command, folder, address }));
    const args = ['--master', retrying(master), ...JAVA, driver, about];
    this.child = spawn('sh', [submit, config.sparkSubmit, ...args], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.lines = this.connected(config.sparkSubmit);
    this.lines.catch(() => {});
  }

  private connected(submit: string): Promise<AsyncIterator<string>> {
    return new Promise((done, reject) => {
      this.server.once('connection', (socket) => {
        this.socket = socket;
        const lines = createInterface({ input: socket });
        // When the driver is killed, or this job is stopped, the lines end, and `run` tells that.
        socket.on('error', () => socket.destroy());
        socket.on('close', () => lines.close());
        done(lines[Symbol.asyncIterator]());
      });
      this.server.once('error', reject);
      this.child.once('error', (error) => reject(new ServiceError('SPARK_UNAVAILABLE', { reason: error.message }, error)));
      this.child.once('exit', (code) => {
        // What a shell ends with that finds no such program, or may not start it.
        const cannot = code === 126 || code === 127;
        reject(cannot ? new ServiceError('SPARK_UNAVAILABLE', { reason: this.lastWords() || `there is no ${submit}` }) : this.failed());
      });
    });
  }

  private failed(reason?: string): ServiceError {
    const { exitCode, signalCode } = this.child;
    const words = this.lastWords();
    const ended = `spark-submit ended with ${exitCode ?? signalCode}${words === '' ? '' : ` and said: ${words}`}`;
    return new ServiceError('SPARK_FAILED', { reason: `${(reason ?? ended).replace(/\.$/, '')}.`, log: this.log });
  }

  /** The last lines of the log that are no message of progress and no place in a program; empty where there is none. */
  private lastWords(): string {
    const lines = readFileSync(this.log).subarray(this.logFrom).toString().split('\n');
    const said = lines.filter((line) => /^\S/.test(line) && !/ (INFO|WARN) |^WARNING: /.test(line));
    return said.slice(-2).join(' | ').slice(0, 1000);
  }

  async run(step: string, pieces: readonly number[], question?: string): Promise<PieceReceipts> {
    const lines = await this.lines;
    this.progress.start(step, pieces.length);
    this.socket?.write(`${JSON.stringify({ step, pieces, question })}\n`);
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      const { done, note, receipts, failed } = JSON.parse(line.value) as Said;
      if (done !== undefined) this.progress.update(done);
      if (note !== undefined) this.progress.note(note);
      if (receipts) return receipts;
      if (failed !== undefined) throw this.failed(failed);
    }
    await this.exited();
    throw this.failed();
  }

  /** Closes the connection and waits until Spark has stopped. */
  async end(): Promise<void> {
    await this.lines;
    this.socket?.end();
    this.server.close();
    await this.exited();
    if (this.child.exitCode !== 0) throw this.failed();
  }

  private async exited(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }

  kill(): void {
    this.child.kill('SIGTERM');
    this.socket?.destroy();
    this.server.close();
  }
}

/** Java reads arguments by the language that is set, and most servers set none. */
const ascii = (json: string): string =>
  json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** In one process a task is never repeated unless its master says how often: as often as on a cluster. */
function retrying(master: string): string {
  return master.replace(/^local\[(\d+|\*)\]$/, 'local[$1,4]');
}
