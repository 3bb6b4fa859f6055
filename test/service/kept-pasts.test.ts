import { expect, test } from 'vitest';
import { erasePerson } from '../../src/catalog/log/erasure-log.ts';
import { type LogDatabase, openLog } from '../../src/catalog/log/log-database.ts';
import { type CatalogStore, openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import type { SaveKey } from '../../src/catalog/pins/removal-store.ts';
import { EVENT_TYPES } from '../../src/catalog/pins/records.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { seededRandom } from '../../src/math/random.ts';
import { KeptPasts, StoredPast } from '../../src/service/kept-pasts.ts';
import { servedList } from '../catalog/served-list-case.ts';
import { temporaryFolder } from '../world.ts';

const USERS = ['ann', 'bob', 'cleo', 'dora', 'nobody'];
const PINS = 40;
const AT = 1_000_000;

/** Everything that can be asked of a past, at several moments and with several limits. */
function answers(past: StoredPast): unknown {
  const moments = [AT - 500, AT, AT + 300, AT + 2000, Number.MAX_SAFE_INTEGER];
  return moments.flatMap((moment) => [
    ...[-1, 0, 3, 300, 2000].map((limit) => past.saves(limit, moment).map(({ pinIndex, at }) => [pinIndex, at])),
    ...[0, 3, 300, 1200].flatMap((limit) => [past.actions(limit, moment), past.shown(limit, moment)]),
    past.hides(moment),
  ]);
}

interface World {
  readonly catalog: CatalogStore;
  readonly log: LogDatabase;
}

/** Two connections to the same files: what either writes must be noticed through the other. */
function openTwice(): { readonly here: World; readonly there: World; close(): void } {
  const folder = temporaryFolder();
  const open = (): World => ({ catalog: openCatalog(folder), log: openLog(folder, { groupCommitMs: 1 }) });
  const [here, there] = [open(), open()];
  const pins = Array.from({ length: PINS }, (_, i) => ({ pinId: `p${i}`, title: `pin ${i}` }));
  const boards = USERS.slice(0, 4).map((ownerId) => ({ boardId: `of ${ownerId}`, ownerId, title: 'a board' }));
  upsertBatch(here.catalog, 'pins', pins, { now: AT, folders: { images: folder, data: folder } });
  upsertBatch(here.catalog, 'boards', boards, { now: AT, folders: { images: folder, data: folder } });
  const close = (): void => [here, there].forEach(({ catalog, log }) => (log.close(), catalog.close()));
  return { here, there, close };
}

test('kept pasts answer as the databases do, whatever is written by this connection or another', async () => {
  const { here, there, close } = openTwice();
  const kept = new KeptPasts(here, (userId) => userId);
  const random = seededRandom(5);
  const shuffled = <T>(values: readonly T[]): T[] => random.shuffled([...values]);
  const one = <T>(values: readonly T[]): T => values[random.integer(values.length)];
  const lists: string[] = [];
  const taken: SaveKey[] = [];
  let events = 0;
  const act: Record<string, (world: World) => unknown> = {
    async list({ log }) {
      lists.push(`r${lists.length}`);
      await log.lists.append(servedList({ recommendationId: lists[lists.length - 1], userId: one(USERS), at: AT + random.integer(900) }));
    },
    async event({ log }) {
      // Of a list that may come later, or never.
      const recommendationId = `r${random.integer(lists.length + 2)}`;
      const given = { type: one(EVENT_TYPES), pinIndex: random.integer(PINS), position: 1, at: AT + random.integer(900) };
      await log.events.append([{ eventId: `e${events++}`, recommendationId, userId: one([...USERS, null]), ...given }]);
    },
    save({ catalog }) {
      const userIndex = catalog.users.ensure(one(USERS.slice(0, 4)));
      const at = one([null, AT + random.integer(900)]);
      catalog.saves.upsert([{ boardIndex: random.integer(4), pinIndex: random.integer(PINS), userIndex, at }], AT + random.integer(900));
    },
    takeSavesAway({ catalog }) {
      const [save] = shuffled([...catalog.saves.all()]);
      if (save) taken.push(save);
      if (save) catalog.removals.removeSaves(save, AT);
    },
    bringSavesBack({ catalog }) {
      const save = taken.pop();
      if (save) catalog.removals.restoreSaves(save, AT);
    },
    removeSaves: ({ catalog }) => catalog.saves.remove(shuffled([...catalog.saves.all()]).slice(0, 2)),
    eraseInCatalog: ({ catalog }) => catalog.users.erase(one(USERS)),
    eraseInLog: ({ log }) => erasePerson(log.database, one(USERS)),
    prune({ log }) {
      log.pairs.catchUp();
      log.retention.prune(AT + random.integer(400), 4);
    },
    pruneStrays: ({ log }) => log.retention.pruneStrays(AT + random.integer(200)),
  };
  const frequent = ['list', 'event', 'event', 'event', 'save', 'save', 'save'];
  for (let turn = 0; turn < 500; turn++) {
    const name = random.integer(5) === 0 ? one(Object.keys(act)) : one(frequent);
    await act[name](one([here, there]));
    const asked = frequent.includes(name) ? [one(USERS)] : USERS;
    for (const user of asked) expect(answers(kept.of(user)), `${name}, turn ${turn}, ${user}`).toEqual(answers(new StoredPast(here, user)));
  }
  expect(here.log.events.count()).toBeGreaterThan(50);
  close();
});

test('a past is the same object until its person does something', async () => {
  const { here, there, close } = openTwice();
  const kept = new KeptPasts(here, (userId) => userId);
  await here.log.lists.append(servedList({ recommendationId: 'r', userId: 'ann' }));
  const [ann, bob] = [kept.of('ann'), kept.of('bob')];
  await there.log.events.append([{ eventId: 'e', type: 'click', recommendationId: 'r', pinIndex: 3, position: 1, userId: 'ann', at: AT }]);
  expect([kept.of('ann') === ann, kept.of('bob') === bob]).toEqual([false, true]);
  const later = kept.of('ann');
  there.catalog.saves.upsert([{ boardIndex: 0, pinIndex: 1, userIndex: there.catalog.users.ensure('bob'), at: AT }], AT);
  expect([kept.of('ann') === later, kept.of('bob') === bob]).toEqual([true, false]);
  close();
});

test('who saved more than is kept is answered from the database', () => {
  const { here, close } = openTwice();
  const kept = new KeptPasts(here, (userId) => userId);
  const userIndex = here.catalog.users.ensure('ann');
  const rows = Array.from({ length: 1200 }, (_, i) => ({ boardIndex: i, pinIndex: i % PINS, userIndex, at: AT + i }));
  here.catalog.saves.upsert(rows, AT);
  expect(answers(kept.of('ann'))).toEqual(answers(new StoredPast(here, 'ann')));
  expect(kept.of('ann').saves(-1, AT + 5000)).toHaveLength(1200);
  close();
});
