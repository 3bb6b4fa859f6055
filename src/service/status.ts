/** How an installation stands, for the person on call: what serves, what was built when, what is asked, what is wrong and how to mend it. */
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../counted.ts';
import { PIN_HAS_IMAGE, PIN_IMAGE_FAILED, PIN_REMOVED } from '../catalog/pins/pin-columns.ts';
import type { Context } from './context.ts';
import { staleParts } from './stale-parts.ts';

interface PinCounts {
  readonly pins: number;
  readonly withImage: number;
  /** Pins whose picture was not read by the serving net yet. */
  readonly withoutFeatures: number;
  /** Pins whose picture was refused or could not be fetched. */
  readonly imagesRefused: number;
}

interface Build {
  readonly name: string;
  readonly version: string;
  /** ISO 8601: since when it serves. */
  readonly at: string;
}

/** What is wrong, and the way out: a job that the page can run, or words. */
interface Trouble {
  readonly about: string;
  readonly says: string;
  readonly wayOut: string;
  readonly job: string | null;
}

/** Minutes of traffic in the report. */
export const TRAFFIC_MINUTES = 60;

export function pinCounts({ pins, visual }: Context): PinCounts {
  const { flags, count } = pins;
  const has = visual?.image.has;
  let [live, withImage, withoutFeatures, imagesRefused] = [0, 0, 0, 0];
  for (let pin = 0; pin < count; pin++) {
    if ((flags[pin] & PIN_REMOVED) !== 0) continue;
    live++;
    if ((flags[pin] & PIN_IMAGE_FAILED) !== 0) imagesRefused++;
    else if ((flags[pin] & PIN_HAS_IMAGE) !== 0) {
      withImage++;
      if (!has || has[pin] !== 1) withoutFeatures++;
    }
  }
  return { pins: live, withImage, withoutFeatures, imagesRefused };
}

/** The version in use of each artifact. */
export function builds(dataFolder: string): readonly Build[] {
  const root = join(dataFolder, 'artifacts');
  return foldersOf(root).flatMap((name) => {
    const pointer = join(root, name, 'CURRENT');
    const found = statSync(pointer, { throwIfNoEntry: false });
    return found ? [{ name, version: readFileSync(pointer, 'utf8').trim(), at: found.mtime.toISOString() }] : [];
  });
}

/** Lists and events of the last hour by minute, the oldest first. */
export function traffic({ log }: Context, now: number) {
  const last = Math.floor(now / 60_000);
  const since = (last - TRAFFIC_MINUTES + 1) * 60_000;
  const byMinute = (counts: ReadonlyMap<number, number>): number[] =>
    Array.from({ length: TRAFFIC_MINUTES }, (_, i) => counts.get(last - TRAFFIC_MINUTES + 1 + i) ?? 0);
  return { lists: byMinute(log.lists.perMinute(since)), events: byMinute(log.events.perMinute(since)) };
}

interface Stored {
  readonly name: string;
  readonly bytes: number;
}

/** Files and folders of the data folder by size, largest first, and what the disk still takes. */
export function storage(dataFolder: string): { readonly parts: readonly Stored[]; readonly freeBytes: number } {
  const sizes = new Map<string, number>();
  for (const entry of readdirSync(dataFolder, { withFileTypes: true })) {
    // The size of a database includes its write-ahead log.
    const name = entry.name.replace(/-(wal|shm)$/, '');
    sizes.set(name, (sizes.get(name) ?? 0) + bytesOf(join(dataFolder, entry.name)));
  }
  const parts = [...sizes].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const { bavail, bsize } = statfsSync(dataFolder);
  return { parts, freeBytes: bavail * bsize };
}

/** Of a file, or of all in a folder; what goes meanwhile counts nothing. */
function bytesOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

function foldersOf(root: string): string[] {
  return statSync(root, { throwIfNoEntry: false }) ? readdirSync(root).sort() : [];
}

/** What is degraded, stale, refused or missing, with the job or the command that mends it. */
export function troubles(context: Context, counts: PinCounts): readonly Trouble[] {
  const found: Trouble[] = [];
  const add = (about: string, says: string, wayOut: string, job: string | null = null): void =>
    void found.push({ about, says, wayOut, job });
  for (const { code, reason } of context.degraded) {
    const mend = DEGRADED[code];
    add(`degraded: ${code}`, reason, mend?.wayOut ?? 'related-pins doctor says more.', mend?.job ?? 'doctor');
  }
  for (const { job, reason } of staleParts(context.dataFolder))
    add(
      'stale',
      reason,
      job === 'fit-search' ? 'related-pins fit-search' : `related-pins ${job}, or refresh for all`,
      STALE_JOBS[job] ?? null,
    );
  if (counts.withoutFeatures > 0)
    add(
      'pictures',
      `${counts.withoutFeatures} of ${counted(counts.withImage, 'picture')} not read yet`,
      'related-pins extract-features',
      'extract-features',
    );
  if (counts.imagesRefused > 0)
    add(
      'pictures',
      `${counted(counts.imagesRefused, 'picture')} refused`,
      'Mend the files or addresses, then related-pins extract-features --retry-failed',
    );
  const { problem } = context.jobs;
  if (problem !== null) add('schedule', problem, 'Mend schedule.json: the schedule before stays in force.');
  for (const { job, last } of context.jobs.status())
    if (last !== null && ['failed', 'killed', 'lost'].includes(last.state))
      add(
        `job ${job}`,
        `its last run ${last.state === 'lost' ? 'was lost with the service' : last.state}`,
        'Look at its receipt under Jobs.',
        job,
      );
  return found;
}

const DEGRADED: Readonly<Record<string, { readonly wayOut: string; readonly job: string | null }>> = {
  FEATURES_NOT_READY: { wayOut: 'related-pins extract-features', job: 'extract-features' },
  ARTIFACT_REFUSED: { wayOut: 'related-pins build-candidates makes it again', job: 'build-candidates' },
  RANKER_MODEL_REFUSED: { wayOut: 'Promote another model, or train again', job: 'train-ranker' },
  REDIS_UNAVAILABLE: { wayOut: 'Start Redis; until then the service works without it', job: null },
  NET_REFUSED: { wayOut: 'related-pins import-net again, or roll-back-net', job: null },
};

/** Jobs that mend stale parts and that a running service may run. */
const STALE_JOBS: Readonly<Record<string, string>> = {
  'detect-objects': 'detect-objects',
  'index-objects': 'index-objects',
  'build-candidates': 'build-candidates',
  doctor: 'doctor',
};
