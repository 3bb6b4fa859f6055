/** A whole copy of the data folder while the service goes on, once or again and again. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { counted } from '../../counted.ts';
import { backUp, readManifest } from '../../catalog/artifacts/backup.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { defineJob, type JobInput, type OptionsOf } from '../job.ts';

const OPTIONS = [
  { flag: '--out <folder>', meaning: 'a new folder for the backup (default: named by the time, in DATA-backups beside the data folder)' },
  {
    flag: '--every <seconds>',
    meaning: 'go on until stopped, a backup so often, each a folder named by the time in --out; files that did not change are links',
    kind: 'integer',
    range: [1, 86_400],
  },
  { flag: '--keep <n>', meaning: 'with --every: backups that stay', kind: 'integer', default: 24, range: [1, 100_000] },
] as const;

export const job = defineJob({
  name: 'back-up',
  summary: 'copies the data folder, whole and with digests, while the service runs',
  examples: [
    'related-pins back-up --data var --out backups/2026-11-21',
    'related-pins back-up --out backup --json',
    'related-pins back-up --data var --out /mnt/backups --every 300 --keep 48',
  ],
  options: OPTIONS,
  alone: () => true,
  async run(input) {
    const { options, dataFolder, progress, signal } = input;
    if (options.every !== undefined) return { ...(await again(input, options.every)) };
    const folder = options.out ?? join(besides(dataFolder), nameOf(new Date()));
    return { ...(await backUp(dataFolder, folder, progress, signal)), backups: 1 };
  },
  describe: ({ files, bytes, folder, photosElsewhere, backups }) => [
    `${backups === 1 ? '' : `${counted(backups, 'backup')}; the last: `}${counted(files, 'file')}, ${counted(bytes, 'byte')} in ${folder}`,
    ...(photosElsewhere === 0
      ? []
      : [`${counted(photosElsewhere, 'photo')} outside the data folder, not in the backup: copy such photos too, and keep their paths`]),
  ],
});

/** Until stopped; a stop in the middle of a copy waits for no more than its next file, and that copy is no backup. */
async function again({ options, dataFolder, progress, signal }: JobInput<OptionsOf<typeof OPTIONS>>, everySeconds: number) {
  const root = options.out ?? besides(dataFolder);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  let last: Awaited<ReturnType<typeof backUp>> | null = null;
  for (let made = 0; ;) {
    const startedAt = performance.now();
    const before = whole(root).find(isReadable) ?? null;
    const folder = join(root, nameOf(new Date()));
    const receipt = await backUp(dataFolder, folder, progress, signal, before).catch((error: unknown) => {
      // It is no backup. What a build swapped too fast, or a disk that was full, may go well the next time.
      rmSync(folder, { recursive: true, force: true });
      if (signal.aborted) throw error;
      progress.note(`no backup: ${reasonOf(error)}`);
      return null;
    });
    const seconds = (performance.now() - startedAt) / 1000;
    if (receipt) progress.note(`${folder}: ${counted(receipt.files, 'file')}, ${counted(receipt.bytes, 'byte')}, ${seconds.toFixed(1)} s`);
    made += receipt ? 1 : 0;
    last = receipt ?? last;
    for (const old of whole(root).slice(options.keep)) rmSync(old, { recursive: true, force: true });
    await pause(Math.max(0, everySeconds - seconds) * 1000, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) continue;
    if (last === null) throw new ServiceError('JOB_STOPPED');
    return { ...last, backups: made };
  }
}

/** A backup that `--every` named. Others in the same folder are nothing of ours, and stay. */
const NAMED_BY_TIME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/;

/** Finished backups that `--every` made in a folder, the newest first. */
function whole(root: string): string[] {
  const named = readdirSync(root).filter((name) => NAMED_BY_TIME.test(name) && existsSync(join(root, name, 'backup.json')));
  return named
    .sort()
    .reverse()
    .map((name) => join(root, name));
}

/** A damaged one is no reason to make no other. */
function isReadable(folder: string): boolean {
  try {
    readManifest(folder);
    return true;
  } catch {
    return false;
  }
}

/** `var` has its backups in `var-backups`. */
function besides(dataFolder: string): string {
  return `${resolve(dataFolder)}-backups`;
}

/** `2026-11-21T03-00-00`, so that names sort by time. */
function nameOf(at: Date): string {
  return at.toISOString().slice(0, 19).replaceAll(':', '-');
}
