import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { userNaming } from '../../src/catalog/pins/user-pseudonym.ts';
import { readConfig } from '../../src/config.ts';
import { servedList } from './served-list-case.ts';

const KEY = 'a secret of some length';
const folder = mkdtempSync(join(tmpdir(), 'related-pins-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('names users by HMAC-SHA-256, and a name by itself', () => {
  const name = userNaming(KEY);
  expect(name('ann')).toMatch(/^~[A-Za-z0-9_-]{32}$/);
  expect(name(name('ann'))).toBe(name('ann'));
  expect(userNaming('another secret of length')('ann')).not.toBe(name('ann'));
  expect(userNaming('')('ann')).toBe('ann');
});

it('with a secret no file holds a user or session id, and all is found under it', async () => {
  const [user, session] = ['somebody-very-known', 'session-of-somebody'];
  const catalog = openCatalog(folder, { userKey: KEY });
  const options = { now: 1000, folders: { images: folder, data: folder } };
  upsertBatch(catalog, 'pins', [{ id: 'p0' }, { id: 'p1' }], options);
  upsertBatch(catalog, 'boards', [{ id: 'b', ownerId: user }], options);
  upsertBatch(
    catalog,
    'saves',
    [
      { boardId: 'b', pinId: 'p0' },
      { boardId: 'b', pinId: 'p1', userId: user },
    ],
    options,
  );
  const log = openLog(folder, { userKey: KEY });
  await log.lists.append(servedList({ recommendationId: 'r1', userId: user, sessionId: session }));
  await log.events.append([{ eventId: 'e', type: 'click', recommendationId: 'r1', pinIndex: 1, position: 1, userId: user, at: 2000 }]);
  expect(catalog.saves.ofUser(catalog.users.indexOf(user))).toHaveLength(2);
  expect(log.events.actionsOf(user, 10)).toHaveLength(1);
  expect([...log.lists.lists({ userId: user })].map(({ userId }) => userId)).toEqual([userNaming(KEY)(user)]);
  log.close();
  catalog.close();
  for (const file of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, file));
    expect([file, bytes.includes(user), bytes.includes(session)]).toEqual([file, false, false]);
  }
});

it('a short secret is refused without being said back', () => {
  expect(() => readConfig({ RELATED_PINS_USER_KEY: 'tooshort' })).toThrow(/RELATED_PINS_USER_KEY must have 16 characters at least/);
  expect(() => readConfig({ RELATED_PINS_USER_KEY: 'tooshort' })).not.toThrow(/tooshort/);
});
