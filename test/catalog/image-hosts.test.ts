/** Servers of images that are busy, away, or want to know who asks. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { fetchImage, isPassing } from '../../src/catalog/pins/image-fetch.ts';
import { retryAfterMs } from '../../src/catalog/pins/image-hosts.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { SILENT } from '../../src/progress.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { drawing, temporaryFolder, testConfig } from '../world.ts';

let server: Server;
let base: string;
let picture: Uint8Array;
let answer: (request: IncomingMessage, reply: ServerResponse) => void;
let asked: { url: string; agent: string | undefined; at: number }[];
let running: number;
let most: number;

beforeAll(async () => {
  picture = await drawSvg(drawing('plant', 1), 'png');
  server = createServer((request, reply) => {
    asked.push({ url: request.url ?? '', agent: request.headers['user-agent'], at: performance.now() });
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

test('a busy server is asked again after as long as it asks for, a refusal is not', async () => {
  answer = (_, reply) => (asked.length === 1 ? reply.writeHead(429, { 'retry-after': '1' }).end() : reply.end(picture));
  expect(await fetchImage(`${base}/busy`, { ...options, attempts: 3 })).toHaveLength(picture.length);
  expect(asked).toHaveLength(2);
  expect(asked[1].at - asked[0].at).toBeGreaterThan(900);
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
  const startedAt = performance.now();
  const paced = { ...options, hostDelayMs: 100 };
  await Promise.all(Array.from({ length: 4 }, (_, i) => fetchImage(`${base.replace('127.0.0.1', 'localhost')}/${i}`, paced)));
  expect(performance.now() - startedAt, 'three pauses lie between four requests').toBeGreaterThan(295);
});

test('extraction says who asks, postpones what is busy, and the next run reads it', async () => {
  const folder = temporaryFolder();
  const catalog = openCatalog(folder);
  const pins = ['agent', 'busy', 'well', 'gone'].map((id) => ({ id, image: `${base.replace('127.0.0.1', 'localhost')}/${id}.png` }));
  upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
  const config = testConfig(folder, { imagePrivateUrls: true, imageUserAgent: 'our-shop/1.0' });
  const run = () =>
    extract.run({ options: {}, args: [], config, dataFolder: folder, progress: SILENT, signal: new AbortController().signal });
  let isBusy = true;
  answer = ({ url, headers }, reply) => {
    if (url === '/busy.png' && isBusy) reply.writeHead(503, { 'retry-after': '600' }).end();
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
