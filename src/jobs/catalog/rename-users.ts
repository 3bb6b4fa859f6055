/**
 * Brings every stored user to the name that the present secrets give: after RELATED_PINS_USER_KEY was changed (the one before
 * is then in RELATED_PINS_USER_KEYS_BEFORE), or set in a folder that holds ids. A second run changes nothing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { appendAudit } from '../../audit-trail.ts';
import { lockDataFolder } from '../../catalog/artifacts/data-folder-lock.ts';
import { type Database, openDatabase } from '../../catalog/database.ts';
import { renamePeople } from '../../catalog/log/erasure-log.ts';
import { openLog } from '../../catalog/log/log-database.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { renameUsers } from '../../catalog/pins/user-store.ts';
import { type NameUser, secretsOf, userNaming } from '../../catalog/pins/user-pseudonym.ts';
import { ServiceError } from '../../errors.ts';
import { ExposureStore } from '../../experiments/counting/exposure-store.ts';
import { ExperimentStore } from '../../experiments/experiment-store.ts';
import { JudgementStore } from '../../experiments/judgement-store.ts';
import type { Progress } from '../../progress.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'rename-users',
  summary: 'gives stored users the names of the present RELATED_PINS_USER_KEY, while nobody serves',
  examples: ['RELATED_PINS_USER_KEY=$NEW RELATED_PINS_USER_KEYS_BEFORE=$OLD related-pins rename-users --data var --json'],
  options: [],
  async run({ dataFolder, config, progress }) {
    if (config.userKey === '')
      throw new ServiceError('NOTHING_TO_DO', { reason: 'RELATED_PINS_USER_KEY is not set: users are stored under their own ids.' });
    if (!existsSync(join(dataFolder, 'catalog.sqlite')))
      throw new ServiceError('NOTHING_TO_DO', { reason: `There is no catalogue in ${dataFolder}.` });
    const lock = lockDataFolder(dataFolder);
    try {
      const naming = userNaming(secretsOf(config));
      const users = renameIn(openCatalog(dataFolder), naming, progress, renameUsers);
      const people = renameIn(openLog(dataFolder), naming, progress, renamePeople);
      const database = openDatabase(join(dataFolder, 'experiments.sqlite'));
      const inExperiments = renameIn({ database, close: () => database.close() }, naming, progress, renameUnits);
      appendAudit(dataFolder, { who: 'command line', action: 'rename-users' });
      return { ...users, ...people, ...inExperiments };
    } finally {
      lock.release();
    }
  },
  describe: (receipt) => [
    `renamed: ${Object.entries(receipt)
      .map(([what, count]) => `${String(count)} ${what}`)
      .join(', ')}`,
    'Backups hold the earlier names: take a new one.',
  ],
});

interface Opened {
  readonly database: Database;
  close(): void;
}

/** In one transaction; then the file is written again, so that no earlier name is left in it. Closes the database. */
function renameIn<T>(opened: Opened, naming: NameUser, progress: Progress, rename: (database: Database) => T): T {
  const { database } = opened;
  try {
    database.function('name_user', { deterministic: true }, (name) =>
      typeof name === 'string' && !isNameless(name) ? naming(name) : name,
    );
    const counts = database.transaction(() => rename(database)).immediate();
    progress.note(`${database.name} is written again`);
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
    return counts;
  } finally {
    opened.close();
  }
}

/** What erase-user and this job leave in the place of a name. */
function isNameless(name: string): boolean {
  return /^(erased|merged) \S{16,}$/.test(name);
}

function renameUnits(database: Database): { exposures: number; judgements: number; experiments: number } {
  return {
    exposures: new ExposureStore(database).renameUnits(),
    judgements: new JudgementStore(database).renameJudges(),
    experiments: new ExperimentStore(database).renameForced(),
  };
}
