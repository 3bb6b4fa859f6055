import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, revokeKey } from '../../src/access-keys.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type ServingNode, startNode } from '../../src/nodes/serving-node.ts';
import { folderStore } from '../../src/publication/artifact-store.ts';
import { publish } from '../../src/publication/publish.ts';
import { type Server, startServer } from '../../src/server.ts';
import { erasePeople } from '../../src/service/erase-people.ts';
import { freePort } from '../../torture/redis-server.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

// What the writer takes back besides pins: keys and people. Doors do not open again once there was a key, hence the file of its own.
const KEY = 'a-key-of-the-operator-of-24-letters';
const nodeFolder = temporaryFolder();
let data: string;
let place: string;
let port: number;
let writer: Server;
let node: ServingNode;
let shopKey: string;
let version: string;

const headers = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}`, connection: 'close' });
const get = (path: string, key = KEY): Promise<Response> => fetch(`${node.address}${path}`, { headers: headers(key) });
/** Whether a key opens what a reading thread answers, and what the first thread does. */
const opens = async (key: string): Promise<boolean[]> => {
  const replies = await Promise.all([get('/v1/users/ann-plant/home-feed', key), get('/metrics', key)]);
  // Who asks too often with a wrong key is told to wait.
  for (const { status } of replies) expect([200, 401, 429]).toContain(status);
  return replies.map(({ status }) => status === 200);
};
const seenBy = async (userId: string): Promise<string[]> =>
  ((await (await get(`/v1/pins/plant-1/related?limit=9&userId=${userId}`)).json()) as ListReplyBody).items.map(({ pinId }) => pinId);
const serves = async (): Promise<string> => ((await (await get('/health/ready')).json()) as { version: string }).version;
const startWriter = (): Promise<Server> => startServer({ ...testConfig(data), port, keys: [KEY] }, data);
const start = async (): Promise<ServingNode> => {
  const own = { ...testConfig(nodeFolder), port: await freePort(), keys: [KEY], follow: place };
  return startNode({ ...own, readKeyRequired: 'true', writer: `http://127.0.0.1:${port}`, writerKey: KEY }, nodeFolder);
};

async function hide(userId: string, pinId: string): Promise<void> {
  const list = (await (
    await fetch(`${writer.address}/v1/pins/plant-1/related?limit=9&userId=${userId}`, { headers: headers(KEY) })
  ).json()) as ListReplyBody;
  const events = [{ eventId: `hide-${userId}`, type: 'hide', recommendationId: list.recommendationId, pinId, userId }];
  const reply = await fetch(`${writer.address}/v1/events`, {
    method: 'POST',
    headers: { ...headers(KEY), 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  expect(await reply.json()).toMatchObject({ written: 1 });
}

async function soon(look: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await look()) return;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error('it did not come');
}

beforeAll(async () => {
  data = await worldFolder();
  place = join(temporaryFolder(), 'published');
  port = await freePort();
  shopKey = createKey(data, 'shop', ['read', 'people']);
  writer = await startWriter();
  await writer.context.refresher.imagesSettled();
  await writer.context.refresh();
  for (const user of ['dora', 'emil', 'fay']) await hide(user, 'plant-3');
  ({ version } = await publish(data, folderStore(place)));
  node = await start();
}, 120_000);
afterAll(async () => {
  await node.close();
  await writer.close();
}, 60_000);

test('who is erased at the writer is erased at a node, before the next publication, and the others are not', async () => {
  expect(await seenBy('dora')).not.toContain('plant-3');
  expect(await seenBy('emil')).not.toContain('plant-3');
  expect(await seenBy('nobody')).toContain('plant-3');
  erasePeople(data, ['dora', 'cleo-plant'], 'NORMAL');
  await soon(async () => (await seenBy('dora')).includes('plant-3'));
  expect(await seenBy('emil')).not.toContain('plant-3');
  expect(await serves()).toBe(version);
  // Nor does a name lie in the copies: who acted is in the log, who saved in the catalogue.
  const [log, catalog] = [openLog(join(nodeFolder, 'versions', version)), openCatalog(join(nodeFolder, 'versions', version))];
  expect(log.database.prepare("SELECT text FROM person WHERE text IN ('dora', 'emil')").pluck().all()).toEqual(['emil']);
  expect([catalog.users.indexOf('cleo-plant'), catalog.users.indexOf('ann-plant') >= 0]).toEqual([-1, true]);
  log.close();
  catalog.close();
});

test('a key that is revoked at the writer opens nothing at a node, and one that is made there does', async () => {
  expect(await opens(shopKey)).toEqual([true, true]);
  revokeKey(data, 'shop');
  await soon(async () => !(await opens(shopKey)).includes(true));
  const other = createKey(data, 'other', ['read', 'people']);
  await soon(async () => !(await opens(other)).includes(false));
  expect(await opens(shopKey)).toEqual([false, false]);
  expect(await serves()).toBe(version);
});

test('both hold without the writer, after a restart, and in a version that was made before', async () => {
  // Made while the key and the person were still there, so far as its files say; taken up when nobody can tell.
  const before = temporaryFolder();
  const gone = createKey(data, 'gone', ['read', 'people']);
  const later = await publish(data, folderStore(before));
  revokeKey(data, 'gone');
  erasePeople(data, ['emil'], 'NORMAL');
  await soon(async () => (await seenBy('emil')).includes('plant-3') && !(await opens(gone)).includes(true));
  await writer.close();
  // A list that waits at the node while its person is erased does not bring the name back.
  for (const user of ['late', 'fay']) expect(await seenBy(user)).not.toEqual([]);
  expect(await seenBy('emil')).toContain('plant-3');
  erasePeople(data, ['late'], 'NORMAL');
  await node.close();
  node = await start();
  expect(await opens(gone)).toEqual([false, false]);
  expect(await seenBy('emil')).toContain('plant-3');
  for (const name of ['blocks', 'versions', 'CURRENT']) cpSync(join(before, name), join(place, name), { recursive: true });
  await soon(async () => (await serves().catch(() => '')) === later.version);
  expect(later.version).not.toBe(version);
  expect(await opens(gone)).toEqual([false, false]);
  expect(await seenBy('emil')).toContain('plant-3');
  writer = await startWriter();
  await soon(async () => ((await (await get('/health/ready')).json()) as { listsWaiting: number }).listsWaiting === 0);
  const log = openLog(data);
  const named = "SELECT text, count(*) FROM served_list JOIN person ON person = id WHERE text IN ('late', 'fay') GROUP BY text";
  expect(log.database.prepare(named).raw().all()).toEqual([['fay', 2]]);
  log.close();
}, 60_000);
