/** The real service and the real jobs as child processes, to be killed. Needs the build in dist/. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../src/worker-url.ts';

export const CLI = fileURLToPath(new URL('dist/src/cli.js', projectRoot()));
/** Patience with a machine that is busy with something else. */
const START_MS = 180_000;

export type Environment = Readonly<Record<string, string>>;

export interface ServiceProcess {
  readonly url: string;
  readonly pid: number;
  /** kill -9; settles when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; settles with the exit status. */
  stop(): Promise<number | null>;
  /** What it wrote to standard error so far. */
  said(): string;
}

function environmentOf(more: Environment): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('RELATED_PINS_'));
  return { ...Object.fromEntries(kept), RELATED_PINS_LOG_LEVEL: 'error', ...more };
}

/** Starts `serve` on a free port, or that of the settings, and waits until it says that it serves. */
export async function startService(dataFolder: string, more: Environment = {}): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [CLI, 'serve', '--data', dataFolder, '--port', more.RELATED_PINS_PORT ?? '0'], {
    env: environmentOf(more),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const ended = new Promise<number | null>((resolve) => child.once('exit', (status) => resolve(status)));
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      // Left alone it would hold the data folder, and no service after it could start.
      child.kill('SIGKILL');
      reject(new Error(`the service did not start: ${said}`));
    }, START_MS);
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
      const found = /serving .* on (http:\S+)/.exec(said);
      if (found) {
        clearTimeout(late);
        resolve(found[1]);
      }
    });
    child.once('exit', (status) => reject(new Error(`the service stopped with ${status}: ${said}`)));
  });
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    pid: child.pid ?? 0,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    said: () => said,
  };
}

export interface JobEnd {
  /** null: it was killed. */
  readonly status: number | null;
  readonly receipt: Readonly<Record<string, unknown>> | null;
  readonly said: string;
  readonly ms: number;
}

interface JobOptions {
  /** Kills it (-9) then; absent: it runs to its end. */
  readonly killAfterMs?: number;
  readonly more?: Environment;
}

export async function runJob(args: readonly string[], { killAfterMs, more = {} }: JobOptions = {}): Promise<JobEnd> {
  const startedAt = performance.now();
  const child: ChildProcess = spawn(process.execPath, [CLI, ...args, '--json'], {
    env: environmentOf(more),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const timer = killAfterMs === undefined ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const status = await new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  if (timer) clearTimeout(timer);
  return { status, receipt: receiptOf(out), said, ms: performance.now() - startedAt };
}

function receiptOf(out: string): Readonly<Record<string, unknown>> | null {
  const last = out.trim().split('\n').at(-1) ?? '';
  return last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : null;
}
