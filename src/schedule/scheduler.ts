/**
 * Runs jobs when their cron expression says, or when somebody asks: one at a time, each as a process of its own, with a row
 * in the history. A run that is due while another one runs waits for its turn, once; what was due while nobody served is
 * not made up for. After a crash of the service a job that still runs is waited for, and its row says `lost`.
 */
import { reasonOf, ServiceError } from '../errors.ts';
import { isAlive, type JobProcess, type JobProgress, startJob } from './job-process.ts';
import type { JobRun, JobRunStore } from './job-run-store.ts';
import {
  checkSchedulable,
  nextRunOf,
  readSchedule,
  type Schedule,
  SCHEDULABLE_JOBS,
  scheduleStamp,
  setScheduled,
} from './schedule-file.ts';

const LOOK_MS = 500;

/** How a job stands; `cron` null: it runs only when asked for. */
export interface JobStatus {
  readonly job: string;
  readonly cron: string | null;
  readonly flags: readonly string[];
  /** Epoch milliseconds. */
  readonly nextRunAt: number | null;
  readonly state: 'running' | 'waiting' | 'idle';
  readonly progress: JobProgress | null;
  readonly last: JobRun | null;
}

interface Wanted {
  readonly job: string;
  readonly flags: readonly string[];
  readonly cron: string | null;
  readonly who: string | null;
}

interface Running {
  readonly id: number;
  readonly wanted: Wanted;
  readonly process: JobProcess;
}

/** Looks at the clock and the schedule file twice a second, from `start` to `close`. */
export class Scheduler {
  private readonly dataFolder: string;
  private readonly store: JobRunStore;
  /** Told when a run has ended. */
  onEnd: (run: { readonly job: string; readonly state: string; readonly ms: number }) => void = () => undefined;
  private schedule: Schedule = {};
  private stamp: string | null = null;
  private readonly nextRuns = new Map<string, number>();
  private readonly waiting: Wanted[] = [];
  private running: Running | null = null;
  private ending: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  /** A job that a killed service had started may still run. */
  private left = true;
  /** Why the schedule file could not be read; the one before stays in force. */
  problem: string | null = null;

  constructor(dataFolder: string, store: JobRunStore) {
    this.dataFolder = dataFolder;
    this.store = store;
  }

  /** Starts looking at the clock. */
  start(): void {
    this.look();
    this.timer ??= setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Stops the running job at its next safe point, and starts nothing more. */
  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.waiting.length = 0;
    this.running?.process.stop();
    await this.ending;
    this.store.close();
  }

  /** Every job that may be scheduled: its line, when it runs next, how it stands, how it ended last. */
  status(): readonly JobStatus[] {
    return SCHEDULABLE_JOBS.map((job) => {
      const line = this.schedule[job];
      const runs = this.running?.wanted.job === job;
      const waits = this.waiting.some((wanted) => wanted.job === job);
      return {
        job,
        cron: line?.cron ?? null,
        flags: line?.flags ?? [],
        nextRunAt: this.nextRuns.get(job) ?? null,
        state: runs ? 'running' : waits ? 'waiting' : 'idle',
        progress: runs ? (this.running?.process.progress ?? null) : null,
        last: this.store.runs(1, job)[0] ?? null,
      };
    });
  }

  /** The history, newest first; `job` null: of all jobs. */
  runs(limit: number, job: string | null): readonly JobRun[] {
    return this.store.runs(limit, job);
  }

  /** Of the runs kept, by job and state. */
  counts(): ReturnType<JobRunStore['counts']> {
    return this.store.counts();
  }

  /** Flags of a job's line; none without one. */
  flagsOf(job: string): readonly string[] {
    return this.schedule[job]?.flags ?? [];
  }

  /** Runs a job as soon as nothing else runs. @throws JOB_UNKNOWN, JOB_RUNNING */
  ask(job: string, who: string, flags: readonly string[] = this.flagsOf(job)): void {
    checkSchedulable(job);
    const busy = this.running?.wanted.job === job ? this.running.process.pid : null;
    if (busy !== null || this.waiting.some((wanted) => wanted.job === job))
      throw new ServiceError('JOB_RUNNING', { job, pid: busy ?? 'waiting for its turn' });
    this.waiting.push({ job, flags, cron: null, who });
    this.look();
  }

  /** Stops a job that runs or waits. @throws NOTHING_TO_DO */
  stop(job: string): void {
    checkSchedulable(job);
    const at = this.waiting.findIndex((wanted) => wanted.job === job);
    if (at >= 0) this.waiting.splice(at, 1);
    else if (this.running?.wanted.job === job) this.running.process.stop();
    else throw new ServiceError('NOTHING_TO_DO', { reason: `${job} neither runs nor waits.` });
  }

  /** Gives a job a cron expression; null takes the whole line away, flags too. @throws JOB_UNKNOWN, JOB_USAGE */
  setCron(job: string, cron: string | null, flags: readonly string[] = this.flagsOf(job)): void {
    checkSchedulable(job);
    setScheduled(this.dataFolder, job, cron === null ? null : { cron, flags });
    this.look();
  }

  private look(): void {
    const now = Date.now();
    this.takeUp(now);
    for (const [job, at] of this.nextRuns) {
      if (at > now) continue;
      const { cron, flags } = this.schedule[job];
      this.nextRuns.set(job, nextRunOf(cron, now));
      if (!this.waiting.some((wanted) => wanted.job === job)) this.waiting.push({ job, flags, cron, who: null });
    }
    if (this.left) this.left = this.leftRunning(now);
    const next = this.running === null && !this.left ? this.waiting.shift() : undefined;
    if (next) this.begin(next);
  }

  /** Reads a changed file; a bad one is reported and changes nothing. */
  private takeUp(now: number): void {
    const stamp = scheduleStamp(this.dataFolder);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    try {
      this.schedule = readSchedule(this.dataFolder);
      this.problem = null;
    } catch (error) {
      this.problem = reasonOf(error);
      return;
    }
    this.nextRuns.clear();
    for (const [job, { cron }] of Object.entries(this.schedule)) this.nextRuns.set(job, nextRunOf(cron, now));
  }

  /** True while a job that a killed service had started still runs; those that are gone get their row closed. */
  private leftRunning(now: number): boolean {
    let alive = false;
    for (const { id, pid, born } of this.store.running()) {
      if (pid !== null && isAlive(pid, born)) alive = true;
      else
        this.store.end(id, {
          state: 'lost',
          endedAt: now,
          receipt: null,
          said: 'the service that had started it was gone before it ended',
        });
    }
    return alive;
  }

  private begin(wanted: Wanted): void {
    const { job, flags, cron, who } = wanted;
    const startedAt = Date.now();
    const process = startJob(this.dataFolder, job, flags);
    const { pid, born } = process;
    const id = this.store.begin({ job, flags, cron, who, startedAt, pid, born });
    this.running = { id, wanted, process };
    this.ending = process.ended.then((end) => {
      const endedAt = Date.now();
      this.store.end(id, { ...end, endedAt });
      this.running = null;
      this.onEnd({ job, state: end.state, ms: endedAt - startedAt });
      if (this.timer) this.look();
    });
  }
}
