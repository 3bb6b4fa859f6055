/** Servers of images that are busy, away, or want to know who asks. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { fetchImage, isPassing } from '../../src/catalog/pins/image-fetch.ts';
import { restOf, retryAfterMs } from '../../src/catalog/pins/image-hosts.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { SILENT } from '../../src/progress.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { drawing, temporaryFolder, testConfig } from '../world.ts';

let server: Server;
let base: string;
let picture: Uint8Array;
let answer: (request: IncomingMessage, reply: ServerResponse) => void;
let asked: { url: string; agent: string | undefined }[];
let running: number;
let most: number;

beforeAll(async () => {
  picture = await drawSvg(drawing('plant', 1), 'png');
  server = createServer((request, reply) => {
    asked.push({ url: request.url ?? '', agent: request.headers['user-agent'] });
    most = Math.max(most, ++running);
    reply.on('close', () => running--);
    answer(request, reply);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked = [];
  running = most = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const options = { dataFolder: '/nowhere', byteLimit: 1 << 20, allowPrivate: true };
const isRefused = (error: unknown): boolean[] => [isPassing(error)];

/** A server of its own, because what a host asks for holds as long as its name. */
async function ownHost(
  reply: (times: number, to: ServerResponse) => void,
): Promise<{ readonly host: string; times: number; close(): void }> {
  const own = createServer((_, to) => reply(++state.times, to));
  const state = { host: '', times: 0, close: () => (own.closeAllConnections(), own.close(), undefined) };
  await new Promise<void>((done) => own.listen(0, '127.0.0.1', done));
  state.host = `127.0.0.1:${(own.address() as AddressInfo).port}`;
  return state;
}

test('a busy server is asked again when its rest is over, and not before; a refusal is not asked again', async () => {
  const soon = await ownHost((times, to) => (times === 1 ? to.writeHead(429, { 'retry-after': '0' }).end() : to.end(picture)));
  expect(await fetchImage(`http://${soon.host}/busy`, { ...options, attempts: 3 })).toHaveLength(picture.length);
  expect(soon.times).toBe(2);
  const later = await ownHost((_, to) => to.writeHead(429, { 'retry-after': '20' }).end());
  const stop = new AbortController();
  const waiting = fetchImage(`http://${later.host}/busy`, { ...options, attempts: 3, signal: stop.signal }).catch(() => 'stopped');
  await expect.poll(() => restOf(later.host)).toBeGreaterThan(0);
  for (let other = 0; other < 5; other++) await fetchImage(`http://${soon.host}/${other}`, options);
  expect(later.times).toBe(1);
  stop.abort();
  expect(await waiting).toBe('stopped');
  soon.close();
  later.close();
  answer = (_, reply) => reply.writeHead(404).end();
  asked = [];
  expect(await fetchImage(`${base}/gone`, { ...options, attempts: 3 }).catch(isRefused)).toEqual([false]);
  expect(asked).toHaveLength(1);
});

test('connections that are cut and servers that are away are passing refusals', async () => {
  answer = (_, reply) => reply.socket?.destroy();
  expect(await fetchImage(`${base}/cut`, options).catch(isRefused)).toEqual([true]);
  expect(await fetchImage('http://127.0.0.1:1/away', options).catch(isRefused)).toEqual([true]);
  answer = (_, reply) => {
    reply.writeHead(200, { 'content-length': String(picture.length) });
    reply.write(picture.slice(0, 10));
    setTimeout(() => reply.destroy(), 20);
  };
  expect(await fetchImage(`${base}/half`, options).catch(isRefused)).toEqual([true]);
});

test('a server that asks for an hour is left for a later run', async () => {
  answer = (_, reply) => reply.writeHead(503, { 'retry-after': '3600' }).end();
  expect(await fetchImage(`${base}/closed`, { ...options, attempts: 3 }).catch(isRefused)).toEqual([true]);
  expect(asked).toHaveLength(1);
});

test('a date is a Retry-After as well', () => {
  expect(retryAfterMs('Sat, 21 Nov 2026 08:00:05 GMT', Date.UTC(2026, 10, 21, 8))).toBe(5000);
  expect(retryAfterMs('7', 0)).toBe(7000);
  expect([retryAfterMs('soon', 0), retryAfterMs(undefined, 0)]).toEqual([null, null]);
});

test('one host is asked by eight at a time, with a pause where one is set', async () => {
  answer = (_, reply) => setTimeout(() => reply.end(picture), 30);
  await Promise.all(Array.from({ length: 24 }, (_, i) => fetchImage(`${base.replace('127.0.0.1', 'localhost')}/${i}`, options)));
  expect(most).toBeLessThanOrEqual(8);
  expect(most).toBeGreaterThan(4);
  const paced = await ownHost((_, to) => to.end(picture));
  const stop = new AbortController();
  const ask = (hostDelayMs: number): Promise<unknown> =>
    fetchImage(`http://${paced.host}/1`, { ...options, hostDelayMs, signal: stop.signal });
  await ask(3_600_000);
  const waiting = ask(3_600_000).catch(() => 'stopped');
  const other = await ownHost((_, to) => to.end(picture));
  for (let i = 0; i < 5; i++) await fetchImage(`http://${other.host}/${i}`, options);
  expect(paced.times, 'an hour lies between two requests').toBe(1);
  stop.abort();
  expect(await waiting).toBe('stopped');
  paced.close();
  other.close();
});

test('extraction says who asks, postpones what is busy, and the next run reads it', async () => {
  const folder = temporaryFolder();
  const catalog = openCatalog(folder);
  const pins = ['agent', 'busy', 'well', 'gone'].map((id) => ({ id, image: `${base.replace('127.0.0.1', 'localhost')}/${id}.png` }));
  upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
  const config = testConfig(folder, { imagePrivateUrls: true, imageUserAgent: 'our-shop/1.0' });
  const run = () =>
    extract.run({
      options: { threads: 1, batch: 8 },
      args: [],
      config,
      dataFolder: folder,
      progress: SILENT,
      signal: new AbortController().signal,
    });
  let isBusy = true;
  answer = ({ url, headers }, reply) => {
    if (url === '/busy.png' && isBusy) reply.writeHead(503).end();
    else if (url === '/gone.png') reply.writeHead(410).end();
    else if (url === '/agent.png' && headers['user-agent'] !== 'our-shop/1.0') reply.writeHead(403).end();
    else reply.end(picture);
  };
  expect(await run()).toMatchObject({
    written: 2,
    postponed: 1,
    rejected: { IMAGE_URL_REFUSED: { count: 1, pins: ['gone: the server answers 410'] } },
  });
  isBusy = false;
  asked = [];
  expect(await run()).toMatchObject({ written: 1, postponed: 0 });
  expect(asked.map(({ url }) => url)).toEqual(['/busy.png']);
  expect(catalog.pins.imageFailures()).toEqual({ IMAGE_URL_REFUSED: 1 });
  catalog.close();
}, 60_000);
