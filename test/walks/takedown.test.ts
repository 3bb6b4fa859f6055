/** A pin that was taken away is in no reply of any process from the receipt on; a test asks every route. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { UNDO_MS } from '../../src/catalog/pins/removal-store.ts';
import { job as removePins } from '../../src/jobs/catalog/remove-pins.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { type Server, startServer } from '../../src/server.ts';
import { forgetRemoved } from '../../src/service/forget-removed.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await worldFolder();
  await runJob(extract, folder);
  const kept = { replyCacheMs: 60_000, workers: 2, port: 0 };
  server = await startServer({ ...testConfig(folder), ...kept }, folder);
}, 180_000);
afterAll(() => server.close(), 60_000);

type Body = Readonly<Record<string, unknown>>;

/** A request on a connection of its own, so that each may reach another process. */
async function ask(method: string, path: string, body?: Body): Promise<{ status: number; text: string }> {
  const headers = { connection: 'close', ...(body ? { 'content-type': 'application/json' } : {}) };
  const reply = await fetch(`${server.address}${path}`, { method, headers, body: body ? JSON.stringify(body) : undefined });
  return { status: reply.status, text: await reply.text() };
}

const GONE = 'plant-2';
/** Every way to ask for pins: lists, feeds, searches, browsing. */
const LISTS: readonly (readonly [string, string, Body?])[] = [
  ['GET', '/v1/pins/plant-1/related?limit=50'],
  ['GET', '/v1/pins/plant-1/related?limit=50&buyable=true'],
  ['GET', '/v1/users/ann-plant/home-feed?limit=50'],
  ['GET', '/v1/users/bob-tattoo/home-feed?limit=50'],
  ['POST', '/v1/rank', { queryPinId: 'plant-1', pinIds: [GONE, 'plant-3', 'tattoo-1'] }],
  ['POST', '/v1/visual-search', { pinId: 'plant-1', limit: 50 }],
  ['POST', '/v1/lens', { pinId: 'plant-1', limit: 50 }],
  ['GET', '/v1/pins?limit=200'],
  ['GET', '/v1/pins?q=plant'],
  ['GET', '/v1/pins?q=number%202'],
  ['GET', '/v1/pins?category=gardening'],
  ['GET', '/v1/users/ann-plant/history'],
];
/** What is asked of the pin itself. */
const OWN: readonly (readonly [string, string, Body?])[] = [
  ['GET', `/v1/pins/${GONE}`],
  ['GET', `/v1/pins/${GONE}/related`],
  ['GET', `/v1/pins/${GONE}/image?width=64`],
  ['GET', `/v1/pins/${GONE}/objects`],
  ['POST', '/v1/visual-search', { pinId: GONE }],
  ['POST', '/v1/lens', { pinId: GONE }],
  ['POST', '/v1/rank', { queryPinId: GONE, pinIds: ['plant-1'] }],
];
/** Enough connections that every process is asked. */
const TIMES = 4;

/** Whether an item, a pin or a saved thing of a reply is the pin: a refusal may name it. */
const holds = (text: string): boolean => new RegExp(`"(pinId|id)":"${GONE}"`).test(text);

async function everywhere(asked: typeof LISTS): Promise<{ path: string; status: number; text: string }[]> {
  const rounds = Array.from({ length: TIMES }, () => asked).flat();
  return Promise.all(rounds.map(async ([method, path, body]) => ({ path, ...(await ask(method, path, body)) })));
}

describe('a takedown', () => {
  test('before it, the pin is all over the place', async () => {
    const replies = await everywhere(LISTS);
    const holding = new Set(replies.filter(({ text }) => holds(text)).map(({ path }) => path));
    expect([...holding].length).toBeGreaterThan(8);
    for (const { path, status } of await everywhere(OWN)) expect(status, path).toBe(200);
  });

  test('right after the receipt no process has it in any reply, and nothing is known of it', async () => {
    const receipt = await ask('DELETE', `/v1/pins/${GONE}`);
    expect(receipt).toMatchObject({ status: 200 });
    expect(JSON.parse(receipt.text)).toMatchObject({ read: 1, written: 1, unchanged: 0, rejected: {} });
    for (const { path, status, text } of await everywhere(LISTS)) {
      expect(status, path).toBe(200);
      expect(holds(text), path).toBe(false);
    }
    for (const { path, status } of await everywhere(OWN)) expect(status, path).toBe(404);
    expect(JSON.parse((await ask('DELETE', `/v1/pins/${GONE}`)).text)).toMatchObject({ written: 0, unchanged: 1 });
    expect((await ask('DELETE', '/v1/pins/nobody')).status).toBe(404);
  });

  test('and comes back as it was', async () => {
    const [before] = (await everywhere([LISTS[5]])).map(({ text }) => text);
    expect(holds(before)).toBe(false);
    expect(JSON.parse((await ask('POST', `/v1/pins/${GONE}/restore`)).text)).toMatchObject({ written: 1 });
    for (const { path, status } of await everywhere(OWN)) expect(status, path).toBe(200);
    expect((await everywhere([LISTS[0], LISTS[5], LISTS[7]])).every(({ text }) => holds(text))).toBe(true);
  });

  test('what is sold out leaves lists of things to buy as fast', async () => {
    const buyable = LISTS[1];
    expect((await everywhere([buyable])).every(({ text }) => holds(text))).toBe(true);
    await ask('POST', '/v1/pins', { pins: [{ id: GONE, buyable: false }] });
    expect((await everywhere([buyable])).some(({ text }) => holds(text))).toBe(false);
    await ask('POST', '/v1/pins', { pins: [{ id: GONE, buyable: true, stock: 0 }] });
    expect((await everywhere([buyable])).every(({ text }) => holds(text))).toBe(true);
    const inStock = ['GET', '/v1/pins/plant-1/related?limit=50&filter=stock%3E0'] as const;
    expect((await everywhere([inStock])).some(({ text }) => holds(text))).toBe(false);
    await ask('POST', '/v1/pins', { pins: [{ id: GONE, stock: 3 }] });
    expect((await everywhere([inStock])).every(({ text }) => holds(text))).toBe(true);
  });

  test('a job beside the service takes pins away as fast, and undoes it', async () => {
    const file = join(folder, 'gone.txt');
    writeFileSync(file, `${GONE}\r\nnobody\r\n`);
    expect(await runJob(removePins, folder, { file })).toMatchObject({ read: 2, written: 1, rejected: { PIN_UNKNOWN: { count: 1 } } });
    expect((await everywhere(LISTS)).filter(({ text }) => holds(text))).toEqual([]);
    expect(await runJob(removePins, folder, { file, undo: true })).toMatchObject({ written: 1 });
    expect((await everywhere([LISTS[0]])).every(({ text }) => holds(text))).toBe(true);
  });

  test('under load: no list that was asked for after a receipt holds the pin', async () => {
    const wrong: string[] = [];
    let goneSince: number | null = null;
    let stop = false;
    const reader = async (path: string): Promise<number> => {
      for (let count = 0; ; count++) {
        if (stop) return count;
        const askedAt = performance.now();
        const since = goneSince;
        const { text } = await ask('GET', path);
        if (since !== null && askedAt >= since && goneSince === since && holds(text)) wrong.push(path);
      }
    };
    const readers = [LISTS[0], LISTS[2], LISTS[7], LISTS[0]].map(([, path]) => reader(path));
    for (let round = 0; round < 10; round++) {
      await ask('DELETE', `/v1/pins/${GONE}`);
      goneSince = performance.now();
      await new Promise((later) => setTimeout(later, 60));
      goneSince = null;
      await ask('POST', `/v1/pins/${GONE}/restore`);
    }
    stop = true;
    const asked = (await Promise.all(readers)).reduce((sum, count) => sum + count, 0);
    expect(asked).toBeGreaterThan(40);
    expect(wrong).toEqual([]);
  });

  test('a save and a board go, and with them what they said', async () => {
    const { catalog } = server.context;
    const saved = (): number => catalog.saves.countOf(catalog.pins.indexOf(GONE));
    const before = saved();
    const save = { pinId: GONE, boardId: 'plants of ann' };
    expect(JSON.parse((await ask('DELETE', '/v1/saves', save)).text)).toMatchObject({ written: 1 });
    expect(saved()).toBe(before - 1);
    expect(JSON.parse((await ask('POST', '/v1/saves/restore', save)).text)).toMatchObject({ written: 1 });
    expect(saved()).toBe(before);
    const boards = ['ann', 'bob', 'cleo'].map((user) => `/v1/boards/${encodeURIComponent(`plants of ${user}`)}`);
    for (const board of boards) expect(JSON.parse((await ask('DELETE', board)).text)).toMatchObject({ written: 1 });
    const sources = JSON.stringify(JSON.parse((await ask('POST', '/v1/rank', { queryPinId: 'plant-1', pinIds: ['plant-3'] })).text));
    expect(sources).not.toContain('"board-cooccurrence"');
    expect(catalog.saves.boardsOf(catalog.pins.indexOf('plant-1'))).toHaveLength(0);
    expect(JSON.parse((await ask('GET', '/v1/pins?category=gardening')).text)).toMatchObject({ pins: [] });
    for (const board of boards) expect(JSON.parse((await ask('POST', `${board}/restore`)).text)).toMatchObject({ written: 1 });
    expect(saved()).toBe(before);
    expect((await ask('DELETE', '/v1/boards/nothing')).status).toBe(404);
  });
});

test('after a day it is forgotten: texts, picture, features, and no way back', async () => {
  const other = await worldFolder();
  await runJob(extract, other);
  const catalog = openCatalog(other);
  const pinIndex = catalog.pins.indexOf(GONE);
  const now = Date.now();
  catalog.removals.removePins([pinIndex], now);
  expect(forgetRemoved(catalog, other, now + UNDO_MS - 1)).toBe(0);
  expect(existsSync(join(other, 'images', `${GONE}.png`))).toBe(true);
  expect(forgetRemoved(catalog, other, now + UNDO_MS)).toBe(1);
  expect(forgetRemoved(catalog, other, now + UNDO_MS)).toBe(0);
  expect(existsSync(join(other, 'images', `${GONE}.png`))).toBe(false);
  expect(existsSync(join(other, 'images', 'plant-1.png'))).toBe(true);
  expect(catalog.pins.get(pinIndex)).toMatchObject({ id: GONE, title: '', image: null, link: null, annotations: {}, removed: true });
  expect(catalog.saves.countOf(pinIndex)).toBe(0);
  expect(catalog.removals.restorePins([pinIndex], now + UNDO_MS)).toBe(0);
  catalog.close();
});
