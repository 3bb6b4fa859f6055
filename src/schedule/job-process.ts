/** A job as a process of its own, so that what it costs, and how it ends, is nothing to the process that serves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { workerUrl } from '../worker-url.ts';
import type { RunState } from './job-run-store.ts';

/** Where a job stands. */
export interface JobProgress {
  readonly step: string;
  readonly done: number;
  /** 0: unknown. */
  readonly total: number;
}

/** How a job ended; `said`: the last 4,000 characters of its standard error. */
interface JobEnd {
  readonly state: Exclude<RunState, 'running' | 'lost'>;
  /** The last line of its standard output, read as JSON; null when there was none. */
  readonly receipt: unknown;
  readonly said: string;
}

/** A job that was started; `ended` is always fulfilled, also for one that could not begin. */
export interface JobProcess {
  readonly pid: number | null;
  /** As `/proc` says; null where there is no `/proc`. */
  readonly born: string | null;
  readonly progress: JobProgress | null;
  readonly ended: Promise<JobEnd>;
  /** Asks it to stop at its next safe point. */
  stop(): void;
}

/** Exit codes of the command line. */
const STATES: Readonly<Record<number, JobEnd['state']>> = { 0: 'done', 1: 'failed', 2: 'refused', 130: 'stopped' };
const SAID_KEPT = 4000;

/** Starts `related-pins JOB FLAGS --data FOLDER --json` at a lower priority than serving. */
export function startJob(dataFolder: string, job: string, flags: readonly string[]): JobProcess {
  const cli = fileURLToPath(workerUrl(import.meta.url, '../cli.ts'));
  const child = spawn(process.execPath, [cli, job, ...flags, '--data', dataFolder, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  lower(child);
  let progress: JobProgress | null = null;
  child.on('message', (message) => {
    progress = message as JobProgress;
  });
  const { pid = null } = child;
  return {
    pid,
    born: pid === null ? null : bornAt(pid),
    get progress() {
      return progress;
    },
    ended: endOf(child),
    stop: () => void child.kill('SIGTERM'),
  };
}

function lower({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It is gone already, or the system does not allow it: it runs like any other process.
  }
}

function endOf(child: ChildProcess): Promise<JobEnd> {
  let out = '';
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    const line = out.trimEnd().lastIndexOf('\n');
    if (line > 0) out = out.slice(line + 1);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_KEPT);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ state: 'failed', receipt: null, said: `${said}${error.message}` }));
    child.once('close', (code) => {
      const state = code === null ? 'killed' : (STATES[code] ?? 'failed');
      resolve({ state, receipt: receiptOf(out), said });
    });
  });
}

function receiptOf(line: string): unknown {
  try {
    return JSON.parse(line.trim());
  } catch {
    return null;
  }
}

/** When a process began, in the system's own words (field 22 of /proc/PID/stat); null when it is gone or cannot be asked. */
export function bornAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Whether that very process still runs, not another one that was given its number. */
export function isAlive(pid: number, born: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return born === null || bornAt(pid) === born;
}
