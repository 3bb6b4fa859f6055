/** Erases one person everywhere, then looks for them again in every file and says what it found. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendAudit } from '../audit-trail.ts';
import { CACHE_KEYS, cacheOn, RedisLink } from '../cache.ts';
import { openCatalog } from '../catalog/catalog-store.ts';
import { openDatabase } from '../catalog/database.ts';
import { erasePerson } from '../catalog/erasure-log.ts';
import { openLog } from '../catalog/log-database.ts';
import { ServiceError } from '../errors.ts';
import { redisStream } from '../event-stream.ts';
import { ExposureStore } from '../experiments/exposure-store.ts';
import { newId } from '../math/random.ts';
import { eraseShared } from '../serving/shared-actions.ts';
import type { Job } from './job.ts';

export const job: Job = {
  name: 'erase-user',
  summary: "erases one user's saves, events and name everywhere, and proves it",
  examples: ['related-pins erase-user --data var --user ann', 'related-pins erase-user --user ann --json'],
  options: [{ flag: '--user <id>', meaning: 'the user id to erase', required: true }],
  async run({ options, dataFolder, config }) {
    const userId = String(options.user);
    if (!existsSync(join(dataFolder, 'catalog.sqlite'))) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no catalogue in ${dataFolder}.` });
    const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
    let saves: number;
    try {
      catalog.database.pragma('secure_delete = ON');
      saves = catalog.users.erase(userId);
      catalog.database.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      catalog.close();
    }
    const exposures = forgetInExperiments(dataFolder, userId, config.synchronous);
    appendAudit(dataFolder, { who: 'command line', action: 'erase-user' });
    const log = openLog(dataFolder, { synchronous: config.synchronous });
    try {
      const erased = erasePerson(log.database, userId);
      const redis = await forgetInRedis(config.redisUrl, userId);
      return { user: userId, redis, known: saves >= 0 || erased.events + erased.servedLists > 0, saves: Math.max(0, saves), ...erased, exposures, filesThatStillHoldTheId: traces(dataFolder, userId) };
    } finally {
      log.close();
    }
  },
  describe: (receipt) => [
    `${receipt.user}: ${receipt.saves} saves and ${receipt.events} events erased, ${receipt.servedLists} served lists left without a name`,
    (receipt.filesThatStillHoldTheId as string[]).length === 0 ? 'no file of the data folder holds the id any more' : `still found in: ${(receipt.filesThatStillHoldTheId as string[]).join(', ')}`,
  ],
};

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

/** Exposures keep their counts under a nameless unit. */
function forgetInExperiments(dataFolder: string, userId: string, synchronous: string): number {
  const path = join(dataFolder, 'experiments.sqlite');
  if (!existsSync(path)) return 0;
  const database = openDatabase(path, { synchronous });
  try {
    database.pragma('secure_delete = ON');
    const forgotten = new ExposureStore(database).forgetUnit(userId, `erased ${newId()}`);
    database.pragma('wal_checkpoint(TRUNCATE)');
    return forgotten;
  } finally {
    database.close();
  }
}

/** How long Redis may take to answer. */
const REDIS_MS = 2000;
const SMALL_BYTES = 1 << 30;

/** Files of the data folder whose bytes still hold the id: the proof, by looking. Ids under 4 characters prove nothing. */
function traces(folder: string, userId: string): string[] {
  if (userId.length < 4) return [];
  const needle = Buffer.from(userId);
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    if (bytes.length < SMALL_BYTES && bytes.includes(needle)) found.push(path.slice(folder.length + 1));
  }
  return found;
}
