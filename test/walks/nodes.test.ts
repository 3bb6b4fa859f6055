import { appendFileSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { buildCooccurrence } from '../../src/candidates/list-builds.ts';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { openMarkStore } from '../../src/marks/mark-store.ts';
import { type ServingNode, startNode } from '../../src/nodes/serving-node.ts';
import { SILENT } from '../../src/progress.ts';
import { folderStore } from '../../src/publication/artifact-store.ts';
import { publish } from '../../src/publication/publish.ts';
import { type Server, startServer } from '../../src/server.ts';
import { freePort } from '../../torture/redis-server.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

let data: string;
let place: string;
let port: number;
let writer: Server;
let node: ServingNode;
const nodeFolder = temporaryFolder();

const startWriter = (): Promise<Server> => startServer({ ...testConfig(data), port }, data);
const nodeConfig = (nodePort: number) => ({
  ...testConfig(nodeFolder),
  port: nodePort,
  follow: place,
  writer: `http://127.0.0.1:${port}`,
});

beforeAll(async () => {
  data = await worldFolder();
  place = join(temporaryFolder(), 'published');
  port = await freePort();
  writer = await startWriter();
  // The writer looks at the pictures by itself: what it has not seen yet, nodes can't know.
  await writer.context.refresher.imagesSettled();
  await writer.context.refresh();
  noteMarks(data);
  await publish(data, folderStore(place));
  node = await startNode(nodeConfig(await freePort()), nodeFolder);
}, 120_000);
afterAll(async () => {
  await node.close();
  await writer.close();
}, 60_000);

/** As find-marks writes them. */
function noteMarks(folder: string): void {
  const store = openMarkStore(folder);
  const on = (pin: string, ...labels: string[]) => ({
    pinIndex: writer.context.pins.indexOf(pin),
    marks: labels.map((label) => ({ label, score: 0.7, box: [10, 20, 60, 70] as const })),
  });
  store.putFound([on('plant-3', 'Acme'), on('plant-4', 'Star'), on('plant-5', 'Star', 'Acme')], 'all');
  store.close();
}

const get = async (path: string): Promise<Response> => fetch(`${node.address}${path}`, { headers: { connection: 'close' } });
const list = async (path: string): Promise<ListReplyBody> => (await (await get(path)).json()) as ListReplyBody;
const ready = async (): Promise<Record<string, unknown>> => (await (await get('/health/ready')).json()) as Record<string, unknown>;
const send = (method: string, path: string, body: object): Promise<Response> =>
  fetch(`${node.address}${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** As a balancer does: the kernel may reset a connection to a listener that closes (docs/OPERATIONS.md). */
const askedAgain = async (path: string): Promise<Response> => {
  try {
    return await get(path);
  } catch (error) {
    expect((error as { cause?: unknown }).cause).toMatchObject({ code: 'ECONNRESET' });
    return get(path);
  }
};

async function soon<T>(look: () => T | null | Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error('it did not come');
}

test('a node serves the lists of the writer, whose log has them soon, with their rows', async () => {
  const path = '/v1/pins/plant-1/related?limit=4&userId=ann';
  const { recommendationId, items } = await list(path);
  const same = (await (await fetch(`${writer.address}${path}`)).json()) as ListReplyBody;
  expect(items.map(({ pinId }) => pinId)).toEqual(same.items.map(({ pinId }) => pinId));
  const logged = await soon(() => writer.context.log.lists.find(recommendationId));
  expect(logged.userId).toBe('ann');
  expect(logged.items.rows.names).toContain('cooccurrence-score');
  expect(Array.from(logged.items.pinIndexes.subarray(0, 4), (pinIndex) => writer.context.pins.idOf(pinIndex))).toEqual(
    items.map(({ pinId }) => pinId),
  );
});

test('a node knows the marks that were found: it filters by them as the writer does, and shows them', async () => {
  const both = async <Told>(path: string, told: (body: Record<string, unknown>) => Told): Promise<Told> => {
    const [here, there] = await Promise.all(
      [node, writer].map(async ({ address }) => told((await (await fetch(address + path)).json()) as never)),
    );
    expect(here, path).toEqual(there);
    return here;
  };
  const pinsOf = (filter: string): Promise<string[]> =>
    both(`/v1/pins/plant-1/related?limit=9&filter=${encodeURIComponent(filter)}`, ({ items }) =>
      (items as { pinId: string }[]).map(({ pinId }) => pinId).sort(),
    );
  expect(await pinsOf('mark=Acme')).toEqual(['plant-3', 'plant-5']);
  expect(await pinsOf('mark!=Star')).toEqual(['plant-3']);
  expect(await pinsOf('mark=Nobody')).toEqual([]);
  expect(await both('/v1/marks', (body) => body.marks)).toEqual([
    { label: 'Acme', pins: 2 },
    { label: 'Star', pins: 2 },
  ]);
  const marks = await both('/v1/pins/plant-5/objects', (body) => body.marks as { label: string }[]);
  expect(marks.map(({ label }) => label)).toEqual(['Star', 'Acme']);
});

test('what people did goes to the writer; what changes something is refused by name', async () => {
  const { recommendationId, items } = await list('/v1/pins/plant-2/related?limit=2');
  const events = [{ eventId: 'e1', type: 'click', recommendationId, pinId: items[0].pinId }];
  expect(await (await send('POST', '/v1/events', { events })).json()).toMatchObject({ read: 1, rejected: {} });
  expect((await get('/v1/pins/plant-1')).status).toBe(200);
  for (const [method, path] of [
    ['POST', '/v1/pins'],
    ['DELETE', '/v1/pins/plant-1'],
    ['POST', '/v1/experiments'],
    ['POST', '/v1/models/m/promote'],
    ['PUT', '/v1/jobs/build-candidates/schedule'],
  ]) {
    const reply = await send(method, path, {});
    expect(reply.status, path).toBe(421);
    expect(await reply.json()).toMatchObject({
      code: 'NODE_ONLY_SERVES',
      detail: expect.stringContaining(`http://127.0.0.1:${port}`) as string,
    });
  }
});

test('every request with a body that only reads, or tells what people did, is passed on, and no other', async () => {
  const document = (await (await fetch(`${writer.address}/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
  const posts = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).flatMap((method) => (method === 'get' ? [] : [`${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, 'x')}`])),
  );
  expect(posts.length).toBeGreaterThan(20);
  const passed: string[] = [];
  for (const post of posts) {
    const [method, path] = post.split(' ');
    // An empty body: nothing is done by it, whoever answers.
    const reply = await send(method, path, {});
    if (reply.status !== 421) passed.push(post);
  }
  expect(passed.sort()).toEqual([
    'POST /v1/events',
    'POST /v1/experiments/forecast',
    'POST /v1/judgements/x',
    'POST /v1/lens',
    'POST /v1/rank',
    'POST /v1/related',
    'POST /v1/visual-search',
  ]);
});

test('metrics of a node are those of its readers and its own', async () => {
  const text = await soon(async () => {
    const told = await (await get('/metrics')).text();
    return /related_pins_lists_total\{surface="closeup"\} [1-9]/.test(told) ? told : null;
  });
  expect(text).toMatch(/related_pins_writer_answers 1/);
  expect(text).toMatch(/related_pins_lists_handed_in_total [1-9]/);
});

describe('a pin that the writer takes away', () => {
  const served = async (): Promise<string[]> => (await list('/v1/pins/plant-1/related?limit=9')).items.map(({ pinId }) => pinId);
  const gone = async (): Promise<true | null> => ((await served()).includes('plant-6') ? null : true);
  const there = async (): Promise<true | null> => ((await gone()) ? null : true);
  const take = async (method: string, path: string): Promise<void> => {
    expect((await fetch(`${writer.address}${path}`, { method })).status).toBe(200);
  };

  test('leaves the lists of a node before the next publication, and comes back', async () => {
    const { version } = await ready();
    expect(await served()).toContain('plant-6');
    await take('DELETE', '/v1/pins/plant-6');
    await soon(gone);
    expect((await get('/v1/pins/plant-6/related')).status).toBe(404);
    await take('POST', '/v1/pins/plant-6/restore');
    await soon(there);
    expect((await ready()).version).toBe(version);
  });

  test('stays away while the writer is, after a restart and in a version that was made before it went', async () => {
    const { version } = await ready();
    // This version still holds the pin. The node takes it up after the removal, while the writer is away.
    const catalog = openCatalog(data);
    catalog.removals.removePins([catalog.pins.indexOf('tattoo-5')], Date.now());
    catalog.close();
    const later = join(temporaryFolder(), 'published');
    const made = await publish(data, folderStore(later));
    await take('DELETE', '/v1/pins/plant-6');
    await soon(gone);
    await writer.close();
    await node.close();
    node = await startNode(nodeConfig(await freePort()), nodeFolder);
    expect(await gone()).toBe(true);
    for (const name of ['blocks', 'versions', 'CURRENT']) cpSync(join(later, name), join(place, name), { recursive: true });
    await soon(async () => ((await ready()).version === made.version ? true : null));
    expect(made.version).not.toBe(version);
    expect(await gone()).toBe(true);
    // What came back while nobody could say so comes back when somebody can.
    const back = openCatalog(data);
    back.removals.restorePins(
      ['plant-6', 'tattoo-5'].map((id) => back.pins.indexOf(id)),
      Date.now(),
    );
    back.close();
    writer = await startWriter();
    await soon(there);
  }, 60_000);
});

describe('without the writer', () => {
  test('lists are served, held, and handed in once when it is back; events are told to wait', async () => {
    await writer.close();
    const held: string[] = [];
    for (let i = 1; i <= 5; i++) held.push((await list(`/v1/pins/plant-${i}/related?limit=2`)).recommendationId);
    const event = { eventId: 'later', type: 'click', recommendationId: held[0], pinId: 'plant-2' };
    const refused = await soon(async () => {
      const reply = await send('POST', '/v1/events', { events: [event] });
      return ((await reply.json()) as { code: string }).code === 'WRITER_AWAY' ? reply : null;
    });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    await soon(async () => ((await ready()).writer === 'away' ? true : null));
    expect((await ready()).listsWaiting).toBeGreaterThanOrEqual(5);
    writer = await startWriter();
    for (const recommendationId of held) await soon(() => writer.context.log.lists.find(recommendationId));
    await soon(async () => ((await ready()).listsWaiting === 0 ? true : null));
    expect(await (await send('POST', '/v1/events', { events: [event] })).json()).toMatchObject({ written: 1 });
    // What was handed in before is not doubled by being handed in again.
    const counted = writer.context.log.lists.count();
    const body = JSON.parse(readFileSync(new URL('../cases/sent-list.json', import.meta.url), 'utf8')) as {
      lists: { recommendationId: string }[];
    };
    for (const outcome of [
      { written: 1, unchanged: 0 },
      { written: 0, unchanged: 1 },
    ]) {
      const reply = await fetch(`${writer.address}/v1/served-lists`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(await reply.json()).toMatchObject({ ...outcome, rejected: [] });
    }
    expect(writer.context.log.lists.count()).toBe(counted + 1);
  }, 60_000);
});

test('a newer version takes over while lists are served: none fails, none is of both', async () => {
  const orderOf = async (): Promise<string> => (await list('/v1/pins/plant-1/related?limit=9')).items.map(({ pinId }) => pinId).join(' ');
  const old = await orderOf();
  const before = (await ready()).version;
  // The plants lose a board, and tattoos come in their place: another list by far.
  const catalog = openCatalog(data);
  catalog.removals.removeBoard(catalog.boards.everIndexOf('plants of ann'), Date.now());
  const setting = { artifacts: join(data, 'artifacts'), threads: 1, progress: SILENT, signal: new AbortController().signal };
  await buildCooccurrence(catalog, DEFAULT_COOCCURRENCE, setting);
  catalog.close();
  const seen = new Map<string, number>();
  let over = false;
  const clients = Array.from({ length: 4 }, async () => {
    while (!over) {
      const reply = await askedAgain('/v1/pins/plant-1/related?limit=9');
      expect(reply.status).toBe(200);
      const order = ((await reply.json()) as ListReplyBody).items.map(({ pinId }) => pinId).join(' ');
      seen.set(order, (seen.get(order) ?? 0) + 1);
      // The readers that begin need a processor, too.
      await new Promise((next) => setTimeout(next, 30));
    }
  });
  const { version } = await publish(data, folderStore(place));
  await soon(async () => ((await ready()).version === version ? true : null));
  over = true;
  await Promise.all(clients);
  expect(before).not.toBe(version);
  const now = await orderOf();
  expect(now).not.toBe(old);
  expect([...seen.keys()].sort()).toEqual([old, now].sort());
}, 180_000);

test('a version that is damaged is not taken up, and what served serves on', async () => {
  const { version } = (await ready()) as { version: string };
  const catalog = openCatalog(data);
  catalog.removals.removePins([catalog.pins.indexOf('plant-5')], Date.now());
  catalog.close();
  const other = temporaryFolder();
  // Made elsewhere and damaged there, so that no node sees it whole.
  const receipt = await publish(data, folderStore(other));
  const listed = JSON.parse(readFileSync(join(other, 'versions', `${receipt.version}.json`), 'utf8')) as {
    files: { path: string; blocks: string[] }[];
  };
  const { blocks } = listed.files.find(({ path }) => path === 'catalog.sqlite') ?? { blocks: [] };
  appendFileSync(join(other, 'blocks', blocks[blocks.length - 1]), 'x');
  for (const name of ['blocks', 'versions', 'CURRENT']) cpSync(join(other, name), join(place, name), { recursive: true });
  await soon(async () => (/does not match its digest/.test(String((await ready()).problem)) ? true : null));
  expect((await ready()).version).toBe(version);
  expect((await list('/v1/pins/plant-1/related?limit=2')).items).toHaveLength(2);
}, 60_000);

test('a node that starts without the place goes on with what it served, and one that has nothing says so', async () => {
  const { version } = (await ready()) as { version: string };
  await node.close();
  rmSync(place, { recursive: true, force: true });
  node = await startNode(nodeConfig(await freePort()), nodeFolder);
  expect((await ready()).version).toBe(version);
  const other = temporaryFolder();
  for (const wrong of [{ writer: '' }, { writer: 'writer:8080' }, { follow: '' }])
    await expect(startNode({ ...nodeConfig(0), ...wrong }, other)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(startNode(nodeConfig(0), other)).rejects.toMatchObject({ code: 'PUBLICATION_REFUSED' });
}, 60_000);
