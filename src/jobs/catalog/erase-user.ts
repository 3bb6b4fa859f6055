/** Erases one person everywhere, then looks for them again in every file and backup, and says what it found. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { appendAudit } from '../../audit-trail.ts';
import { CACHE_KEYS, cacheOn, RedisLink } from '../../cache.ts';
import { knownBackups } from '../../catalog/artifacts/backup.ts';
import { secretsOf, storedNames } from '../../catalog/pins/user-pseudonym.ts';
import { ServiceError } from '../../errors.ts';
import { redisStream } from '../../event-stream.ts';
import { erasePeople } from '../../service/erase-people.ts';
import { eraseShared } from '../../service/shared-actions.ts';
import { defineJob } from '../job.ts';
import { type Search, searchFolder } from './erasure-proof.ts';

export const job = defineJob({
  name: 'erase-user',
  summary: "erases one user's saves, events, judgements and name everywhere, and proves it",
  examples: ['related-pins erase-user --data var --user ann', 'related-pins erase-user --user ann --json'],
  options: [{ flag: '--user <id>', meaning: 'the user id to erase', required: true }],
  alone: () => true,
  async run({ options, dataFolder, config, progress, signal }) {
    const { synchronous, redisUrl } = config;
    const userId = options.user;
    if (userId.trim() === '') throw new ServiceError('JOB_USAGE', { reason: 'The user id is empty.' });
    const names = storedNames(userId, secretsOf(config));
    if (!existsSync(join(dataFolder, 'catalog.sqlite')))
      throw new ServiceError('NOTHING_TO_DO', { reason: `There is no catalogue in ${dataFolder}.` });
    const { known, ...erased } = erasePeople(dataFolder, names, synchronous);
    const redis = await forgetInRedis(redisUrl, names);
    appendAudit(dataFolder, { who: 'command line', action: 'erase-user' });
    const here = await searchFolder(dataFolder, names, { progress, rewrite: true, signal });
    const backups: BackupSearch[] = [];
    for (const folder of knownBackups(dataFolder))
      backups.push({ folder, ...(await searchFolder(join(folder, 'data'), names, { progress, rewrite: false, signal })) });
    const isKnown = known || erased.events + erased.servedLists + erased.judgements + erased.experimentsThatNamedThem > 0;
    return { user: userId, known: isKnown, ...erased, redis, ...proofOf(here, backups, redis) };
  },
  describe: (receipt) => [
    `${receipt.user}: ${counted(receipt.saves, 'save')}, ${counted(receipt.events, 'event')} and the name of ${counted(receipt.judgements, 'judgement')} erased, ${counted(receipt.servedLists, 'served list')} left without a name`,
    ...(receipt.boardsLeft === 0
      ? []
      : [`${counted(receipt.boardsLeft, 'board')} left without an owner, titles and descriptions as they were`]),
    receipt.proof,
  ],
  exitCode: ({ proven }) => (proven ? 0 : 1),
});

type BackupSearch = Search & { readonly folder: string };

function proofOf(here: Search, backups: readonly BackupSearch[], redis: string) {
  const texts = here.found.map(({ file, where }) => (where === null ? file : `${file} (${where})`));
  const holding = backups.filter(({ found, unproven }) => found.length + unproven.length > 0);
  const said = [
    ...(texts.length > 0 ? [`still found in: ${texts.join(', ')}`] : []),
    ...here.unproven.map(({ file, reason }) => `not proven of ${file}: ${reason}`),
    ...holding.map(
      ({ folder, found }) => `the backup ${folder} ${found.length > 0 ? 'holds' : 'may hold'} it: take a new one and delete it`,
    ),
    ...(isGoneFromRedis(redis) ? [] : [`Redis: ${redis}`]),
  ];
  return {
    searched: true,
    filesSearched: here.files,
    filesThatStillHoldTheId: [...new Set(here.found.map(({ file }) => file))],
    where: texts,
    unproven: here.unproven,
    backupsSearched: backups.length,
    backupsThatHoldIt: holding.map(({ folder, found }) => ({ folder, holds: found.length > 0 ? 'yes' : 'perhaps' })),
    proven: said.length === 0,
    proof: said.length === 0 ? 'no file of the data folder and no backup that it knows of holds the id any more' : said.join('; '),
  };
}

/** How long Redis may take to answer. */
const REDIS_MS = 2000;

/** What became of the user's shared actions: nothing to forget, forgotten, or not asked because Redis was away. */
export async function forgetInRedis(redisUrl: string, names: readonly string[]): Promise<string> {
  if (redisUrl === '') return 'not configured';
  const link = new RedisLink(redisUrl);
  const cache = cacheOn(link);
  const away = (): string => `away: ${link.reason}; its entries end by themselves within seven days, or run this again`;
  try {
    for (let waited = 0; link.reason !== null && waited < REDIS_MS; waited += 20) await new Promise((again) => setTimeout(again, 20));
    let removed = 0;
    for (const name of names) {
      const inStream = await eraseShared(cache, redisStream(link, link), name);
      if (inStream === null) return away();
      removed += inStream;
      const left = await cache.list(CACHE_KEYS.actions.key(name));
      if (left === null) return away();
      if (left.length > 0) return 'still holds the user';
    }
    return `forgotten, ${counted(removed, 'entry', 'entries')} of the stream removed`;
  } finally {
    await cache.close();
  }
}

function isGoneFromRedis(redis: string): boolean {
  return redis === 'not configured' || redis.startsWith('forgotten');
}
