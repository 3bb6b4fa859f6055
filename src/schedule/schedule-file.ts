/**
 * Which jobs run by themselves, and when: `schedule.json` of the data folder, a record by job name. Edited by hand, by
 * `schedule-job`, or over HTTP; a running server takes a change up within a second. The file is swapped by rename.
 *
 *   { "train-ranker": { "cron": "0 3 * * *", "flags": ["--holdout", "0.2"] } }
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cron } from 'croner';
import { reasonOf, ServiceError } from '../errors.ts';
import { replaceFile, stampOf } from '../swapped-file.ts';

interface ScheduledJob {
  /** Five fields, or six with seconds first; UTC. */
  readonly cron: string;
  /** Flags of the job, but `--data` and `--json`. */
  readonly flags: readonly string[];
}
/** By job name. */
export type Schedule = Readonly<Record<string, ScheduledJob>>;

/** The jobs that need nobody beside them: each can be stopped, started again, and run twice without harm. */
export const SCHEDULABLE_JOBS: readonly string[] = [
  'import-catalog',
  'refresh',
  'extract-features',
  'detect-objects',
  'index-objects',
  'build-candidates',
  'train-ranker',
  'evaluate-ranker',
  'promote-model',
  'report-dark-reads',
  'report-experiment',
  'back-up',
  'publish-artifacts',
  'prune-log',
  'doctor',
];

const FILE = 'schedule.json';

/** Changes whenever the file does; empty where there is none. */
export function scheduleStamp(dataFolder: string): string {
  return stampOf(join(dataFolder, FILE));
}

/** An empty schedule where there is no file. @throws CONFIG_INVALID naming the job and what is wrong with its line. */
export function readSchedule(dataFolder: string): Schedule {
  const path = join(dataFolder, FILE);
  if (!existsSync(path)) return {};
  const refuse = (reason: string): ServiceError => new ServiceError('CONFIG_INVALID', { problems: `${path}: ${reason}` });
  let record: unknown;
  try {
    record = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw refuse(reasonOf(error));
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) throw refuse('it is no record by job name');
  const jobs = Object.entries(record as Record<string, unknown>).map(([job, line]) => {
    try {
      return [job, scheduledJob(job, line)] as const;
    } catch (error) {
      throw refuse(reasonOf(error));
    }
  });
  return Object.fromEntries(jobs);
}

/** One line of the schedule, checked. @throws JOB_USAGE, JOB_UNKNOWN */
export function scheduledJob(job: string, given: unknown): ScheduledJob {
  checkSchedulable(job);
  const { cron, flags = [] } = (given ?? {}) as { cron?: unknown; flags?: unknown };
  if (typeof cron !== 'string') throw new ServiceError('JOB_USAGE', { reason: `${job} has no cron expression` });
  if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'string'))
    throw new ServiceError('JOB_USAGE', { reason: `the flags of ${job} must be a list of texts` });
  const own = flags.find((flag) => /^--(data|json)(=|$)/.test(flag));
  if (own) throw new ServiceError('JOB_USAGE', { reason: `${job} is given ${own} by the schedule itself` });
  nextRunOf(cron, Date.now());
  return { cron, flags };
}

/** @throws JOB_UNKNOWN naming those there are. */
export function checkSchedulable(job: string): void {
  if (!SCHEDULABLE_JOBS.includes(job)) throw new ServiceError('JOB_UNKNOWN', { job, known: SCHEDULABLE_JOBS.join(', ') });
}

/** The first time after `after` (epoch milliseconds, UTC) that an expression names. @throws JOB_USAGE when it names none. */
export function nextRunOf(cron: string, after: number): number {
  let next: Date | null = null;
  try {
    next = new Cron(cron, { timezone: 'UTC', paused: true }).nextRun(new Date(after));
  } catch (error) {
    throw new ServiceError('JOB_USAGE', { reason: `"${cron}" is no cron expression: ${reasonOf(error)}` }, error);
  }
  if (next === null) throw new ServiceError('JOB_USAGE', { reason: `"${cron}" names no time to come` });
  return next.getTime();
}

/** Sets (or with null removes) the line of one job; the others stay. @throws JOB_UNKNOWN, JOB_USAGE, CONFIG_INVALID */
export function setScheduled(dataFolder: string, job: string, line: ScheduledJob | null): Schedule {
  checkSchedulable(job);
  const { [job]: _, ...others } = readSchedule(dataFolder);
  const schedule: Schedule = line === null ? others : { ...others, [job]: scheduledJob(job, line) };
  replaceFile(join(dataFolder, FILE), `${JSON.stringify(schedule, null, 1)}\n`, 0o600);
  return schedule;
}
