/** A secret of users is changed: everybody is found again, and nothing is left that the old one could open. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { userNaming } from '../../src/catalog/pins/user-pseudonym.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';
import { JudgementStore } from '../../src/experiments/judgement-store.ts';
import { job } from '../../src/jobs/catalog/rename-users.ts';
import { servedList } from '../catalog/served-list-case.ts';
import { runJob } from '../run-job.ts';
import { worldFolder } from '../world.ts';

const [FIRST, SECOND] = ['the first secret of all', 'the second secret of all'];
const BOTH = [FIRST, SECOND];
const USER = 'dora-plant';

function save(folder: string, userKey: string | readonly string[], pinId: string): void {
  const catalog = openCatalog(folder, { userKey });
  const options = { now: 1000, folders: { images: folder, data: folder } };
  upsertBatch(catalog, 'boards', [{ id: 'dora', ownerId: USER }], options);
  upsertBatch(catalog, 'saves', [{ pinId, boardId: 'dora', userId: USER }], options);
  catalog.close();
}

async function serveAndJudge(folder: string): Promise<void> {
  const log = openLog(folder, { userKey: FIRST });
  await log.lists.append(servedList({ recommendationId: 'r1', userId: USER, sessionId: 'session-1' }));
  await log.events.append([{ eventId: 'e', type: 'click', recommendationId: 'r1', pinIndex: 1, position: 1, userId: USER, at: 2000 }]);
  log.close();
  const database = openDatabase(join(folder, 'experiments.sqlite'));
  const judgements = new JudgementStore(database, userNaming(FIRST));
  judgements.addGrades('study', [{ queryPinId: 'plant-1', pinId: 'plant-2' }], 1);
  judgements.answer(judgements.next('study', USER)?.taskId ?? '', USER, 3, 1);
  const arms = ['control', 'treatment'].map((key) => ({ key, weight: 0.5 }));
  const definition = readDefinition({ key: 'e', arms, forced: { [USER]: 'treatment' } });
  new ExperimentStore(database, userNaming(FIRST)).define(definition, { by: 'test', at: 1 });
  database.close();
}

it('names of later secrets are made from those of the ones before, and say so', () => {
  const both = userNaming(BOTH);
  expect(both('ann')).toMatch(/^~2\.[A-Za-z0-9_-]{32}$/);
  expect(both('ann')).toBe(both(userNaming(FIRST)('ann')));
  expect(both(both('ann'))).toBe(both('ann'));
  expect(userNaming([SECOND])('ann')).not.toBe(both('ann'));
});

it('everybody has the name of the present secret afterwards, also who was met under both; ids and the names before are gone', async () => {
  const folder = await worldFolder();
  save(folder, FIRST, 'plant-1');
  await serveAndJudge(folder);
  // The service ran with the new secret before anybody thought of this job.
  save(folder, BOTH, 'plant-2');
  const settings = { userKey: SECOND, userKeysBefore: [FIRST] };
  expect(await runJob(job, folder, {}, settings)).toMatchObject({
    users: 6,
    usersMerged: 1,
    people: 1,
    lists: 1,
    judgements: 1,
    experiments: 1,
  });
  const catalog = openCatalog(folder, { userKey: BOTH });
  expect(catalog.saves.ofUser(catalog.users.indexOf(USER))).toHaveLength(2);
  expect(catalog.saves.ofUser(catalog.users.indexOf('ann-plant')).length, 'stored by id before any secret').toBeGreaterThan(0);
  expect(catalog.users.countOutdated()).toBe(0);
  catalog.close();
  const log = openLog(folder, { userKey: BOTH });
  expect(log.events.actionsOf(USER, 10)).toHaveLength(1);
  expect([...log.lists.lists({ userId: USER })]).toHaveLength(1);
  log.close();
  const database = openDatabase(join(folder, 'experiments.sqlite'));
  expect(new JudgementStore(database, userNaming(BOTH)).next('study', USER)).toBeNull();
  expect(new ExperimentStore(database).get('e').definition.forced).toEqual({ [userNaming(BOTH)(USER)]: 'treatment' });
  database.close();
  const gone = ['ann-plant', userNaming(FIRST)(USER), userNaming(FIRST)('session-1')];
  for (const file of readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile())) {
    const bytes = readFileSync(join(folder, file));
    expect([file, gone.filter((name) => bytes.includes(name))]).toEqual([file, []]);
  }
  expect(await runJob(job, folder, {}, settings)).toMatchObject({
    users: 0,
    usersMerged: 0,
    people: 0,
    lists: 0,
    judgements: 0,
    experiments: 0,
  });
});

it('is refused without a secret', async () => {
  await expect(runJob(job, await worldFolder())).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
});
