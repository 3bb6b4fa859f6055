/** Erases one person everywhere, then looks for them again in every file and says what it found. */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { appendAudit } from '../../audit-trail.ts';
import { CACHE_KEYS, cacheOn, RedisLink } from '../../cache.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { openDatabase } from '../../catalog/database.ts';
import { erasePerson, type LogErasure } from '../../catalog/log/erasure-log.ts';
import { openLog } from '../../catalog/log/log-database.ts';
import { ServiceError } from '../../errors.ts';
import { userNaming } from '../../catalog/pins/user-pseudonym.ts';
import { redisStream } from '../../event-stream.ts';
import { ExposureStore } from '../../experiments/counting/exposure-store.ts';
import { newId } from '../../math/random.ts';
import { eraseShared } from '../../service/shared-actions.ts';
import type { Job } from '../job.ts';

export const job: Job = {
  name: 'erase-user',
  summary: "erases one user's saves, events and name everywhere, and proves it",
  examples: ['related-pins erase-user --data var --user ann', 'related-pins erase-user --user ann --json'],
  options: [{ flag: '--user <id>', meaning: 'the user id to erase', required: true }],
  async run({ options, dataFolder, config }) {
    const { synchronous, userKey, redisUrl } = config;
    const userId = String(options.user);
    const name = userNaming(userKey)(userId);
    if (!existsSync(join(dataFolder, 'catalog.sqlite')))
      throw new ServiceError('NOTHING_TO_DO', { reason: `There is no catalogue in ${dataFolder}.` });
    const saves = forgetInCatalog(dataFolder, name, synchronous);
    const { sessions, ...erased } = forgetInLog(dataFolder, name, synchronous);
    // After the log, from which exposures are counted: a count in between would find the name again.
    const exposures = forgetInExperiments(dataFolder, [name, ...sessions], synchronous);
    const redis = await forgetInRedis(redisUrl, name);
    appendAudit(dataFolder, { who: 'command line', action: 'erase-user' });
    const names = [...new Set([userId, name])];
    const found = traces(dataFolder, names.filter(isTelling));
    const known = saves >= 0 || erased.events + erased.servedLists > 0;
    const searched = isTelling(userId);
    const search = { searched, filesThatStillHoldTheId: found, proof: proofOf(searched, found) };
    return { user: userId, known, saves: Math.max(0, saves), ...erased, exposures, redis, ...search };
  },
  describe: (receipt) => [
    `${receipt.user}: ${receipt.saves} saves and ${receipt.events} events erased, ${receipt.servedLists} served lists left without a name`,
    receipt.proof as string,
  ],
};

/** Shorter ids stand in any file by chance: finding one proves nothing, and so nothing is proved by not looking. */
const TELLING_LENGTH = 4;

function isTelling(name: string): boolean {
  return name.length >= TELLING_LENGTH;
}

function proofOf(searched: boolean, found: readonly string[]): string {
  if (found.length > 0) return `still found in: ${found.join(', ')}`;
  if (searched) return 'no file of the data folder holds the id any more';
  return `the files were not searched for the id: fewer than ${TELLING_LENGTH} characters are found in any file by chance`;
}

/** How long Redis may take to answer. */
const REDIS_MS = 2000;

/** What became of the user's shared actions: nothing to forget, forgotten, or not asked because Redis was away. */
async function forgetInRedis(redisUrl: string, userId: string): Promise<string> {
  if (redisUrl === '') return 'not configured';
  const link = new RedisLink(redisUrl);
  const cache = cacheOn(link);
  try {
    for (let waited = 0; link.reason !== null && waited < REDIS_MS; waited += 20) await new Promise((again) => setTimeout(again, 20));
    const inStream = await eraseShared(cache, redisStream(link, link), userId);
    if (inStream === null) return `away: ${link.reason}; its entries end by themselves within seven days, or run this again`;
    const left = await cache.list(CACHE_KEYS.actions.key(userId));
    return left.length === 0 ? `forgotten, ${inStream} entries of the stream removed` : 'still holds the user';
  } finally {
    await cache.close();
  }
}

/** Saves deleted; -1 for a user the catalogue does not know. */
function forgetInCatalog(dataFolder: string, name: string, synchronous: string): number {
  const catalog = openCatalog(dataFolder, { synchronous });
  try {
    catalog.database.pragma('secure_delete = ON');
    const saves = catalog.users.erase(name);
    catalog.database.pragma('wal_checkpoint(TRUNCATE)');
    return saves;
  } finally {
    catalog.close();
  }
}

function forgetInLog(dataFolder: string, name: string, synchronous: string): LogErasure {
  const log = openLog(dataFolder, { synchronous });
  try {
    return erasePerson(log.database, name);
  } finally {
    log.close();
  }
}

/** Exposures keep their counts under a nameless unit. */
function forgetInExperiments(dataFolder: string, units: readonly string[], synchronous: string): number {
  const path = join(dataFolder, 'experiments.sqlite');
  if (!existsSync(path)) return 0;
  const database = openDatabase(path, { synchronous });
  try {
    database.pragma('secure_delete = ON');
    const store = new ExposureStore(database);
    const forgotten = units.reduce((sum, unit) => sum + store.forgetUnit(unit, `erased ${newId()}`), 0);
    database.pragma('wal_checkpoint(TRUNCATE)');
    return forgotten;
  } finally {
    database.close();
  }
}

const CHUNK_BYTES = 1 << 22;

/** Files of the data folder whose bytes still hold one of the names: the proof, by looking. */
function traces(folder: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const needles = names.map((name) => Buffer.from(name));
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => holds(path, needles)).map((path) => path.slice(folder.length + 1));
}

/**
 * Looks through a file of any size, a piece at a time; pieces overlap by the longest needle. A file that went since it was
 * listed (the write-ahead log of a database that was closed, a draft) holds nothing.
 */
export function holds(path: string, needles: readonly Buffer[]): boolean {
  const overlap = Math.max(0, ...needles.map((needle) => needle.length));
  const file = openIfThere(path);
  if (file === null) return false;
  const piece = Buffer.alloc(CHUNK_BYTES);
  try {
    for (let at = 0; ; at += CHUNK_BYTES - overlap) {
      const bytes = piece.subarray(0, readSync(file, piece, 0, CHUNK_BYTES, at));
      if (needles.some((needle) => bytes.includes(needle))) return true;
      if (bytes.length < CHUNK_BYTES) return false;
    }
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
