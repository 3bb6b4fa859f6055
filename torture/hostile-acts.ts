/** What strangers do to a service: each act asks, and says what should not have happened. */
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { Random } from '../src/math/random.ts';

export interface Reply {
  readonly status: number;
  readonly code: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** One request, with the headers as they are given, `Host` too. A connection that was cut is status 0. */
export function ask(url: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Reply> {
  return new Promise((done) => {
    const cut = (error: NodeJS.ErrnoException): void => done({ status: 0, code: error.code ?? 'cut' });
    // Without its length the body of a DELETE would be read as the next request.
    const framed = body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(url, { method, headers: framed, agent: false }, (reply: IncomingMessage) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (piece: string) => {
        if (text.length < 4096) text += piece;
      });
      reply.on('end', () => done({ status: reply.statusCode ?? 0, code: /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? '' }));
      reply.on('error', cut);
    });
    sent.on('error', cut);
    sent.end(body);
  });
}

export interface Route {
  readonly method: string;
  readonly path: string;
}

/** Every route of the document, with an id of the catalog in the place of parameters. */
export async function routesOf(url: string, id: string): Promise<readonly Route[]> {
  const { paths } = (await (await fetch(`${url}/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, id) })),
  );
}

/** A name that was pointed at this machine. */
export async function rebinding(url: string, routes: readonly Route[], random: Random): Promise<readonly string[]> {
  const { host: own } = new URL(url);
  const host = random.pick([
    'evil.example',
    `evil.example:${new URL(url).port}`,
    `${own}.evil.example`,
    'localhost.evil.example',
    '10.1.2.3',
  ]);
  const failures: string[] = [];
  for (const { method, path } of routes) {
    const { status } = await ask(url + path, { method, headers: { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' } });
    if (status !== 421) failures.push(`${method} ${path} under the name ${host}: ${status}`);
  }
  return failures;
}

/** Forms and scripts of another site. */
export async function forgedForms(url: string, routes: readonly Route[], random: Random): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const { method, path } of routes.filter((route) => route.method !== 'GET')) {
    const type = random.pick(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json']);
    const told: Readonly<Record<string, string>> = random.pick<Record<string, string>>([
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]);
    const headers = { ...told, 'content-type': type };
    const { status } = await ask(url + path, { method, headers, body: random.pick(['a=b', '{}', '']) });
    if (status !== 403) failures.push(`${method} ${path} from ${JSON.stringify(headers)}: ${status}`);
  }
  return failures;
}

/** Bodies that cost more to parse than they are long. */
export function costlyBodies(): readonly Buffer[] {
  const fill = (piece: string, bytes: number): string => piece.repeat(Math.floor(bytes / piece.length));
  const MIB = 2 ** 20;
  const keys = Array.from({ length: 60_000 }, (_, i) => `{"k${i}":1}`).join(',');
  const texts = [
    '['.repeat(4_190_000) + ']'.repeat(4_190_000),
    '{"a":'.repeat(1_600_000),
    `[${fill('[],', 8 * MIB - 4)}0]`,
    `[${fill('0,', MIB - 4)}0]`,
  ];
  return [
    ...texts,
    `{"queryPinId":"p1","pinIds":[${keys}]}`,
    `{"pinId":"p1","exclude":[${fill('{},', MIB / 3)}0]}`,
    `"${fill('\\"', MIB)}"`,
    // As much as rows may hold: texts, objects and lists that are parsed before a schema sees them.
    `{"events":[${Array.from({ length: 99_000 }, (_, i) => `"s${i}"`).join(',')}]}`,
    `{"events":[${fill('{"a":1},', 8 * 49_000)}0]}`,
    `{"events":[${fill('[],', 3 * 99_000)}0]}`,
  ].map((text) => Buffer.from(text));
}

export async function nestedJson(url: string, bodies: readonly Buffer[]): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const path of ['/v1/rank', '/v1/visual-search', '/v1/lens', '/v1/events', '/v1/pins']) {
    for (const body of bodies) {
      const { status } = await ask(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      // A connection that is closed on a body too large for its route is an answer as well.
      if (![0, 400, 401, 413].includes(status))
        failures.push(`${path} took ${body.length} bytes of ${body.subarray(0, 12).toString()}: ${status}`);
    }
  }
  return failures;
}

/** A server that sends a byte now and then. */
export async function drippingServer(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((_, reply) => {
    reply.writeHead(200, { 'content-type': 'image/png' });
    const timer = setInterval(() => reply.write('x'), 200);
    reply.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/picture.png`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Addresses whose server drips; beside them the pictures of others must come. */
export async function slowAddresses(url: string, dripping: string, callers: number, picture: string): Promise<readonly string[]> {
  const headers = { 'content-type': 'application/json' };
  const held = Array.from({ length: callers }, (_, i) =>
    ask(`${url}/v1/visual-search`, { method: 'POST', headers, body: JSON.stringify({ imageUrl: `${dripping}?${i}` }) }),
  );
  const failures: string[] = [];
  for (let i = 0; i < 20; i++) {
    const { status } = await ask(`${url}${picture}?width=${64 + i}`);
    if (status !== 200) failures.push(`a picture beside slow addresses: ${status}`);
    await new Promise((later) => setTimeout(later, 100));
  }
  for (const { status, code } of await Promise.all(held))
    if (![422, 429, 503].includes(status)) failures.push(`a slow address: ${status} ${code}`);
  return failures;
}

/** Wrong keys, as many as can be sent; the key that was used before goes on. */
export async function keyGuessing(url: string, key: string, count: number): Promise<{ failures: readonly string[]; limited: number }> {
  const jobs = (bearer: string): Promise<Reply> => ask(`${url}/v1/jobs`, { headers: { authorization: `Bearer ${bearer}` } });
  const failures: string[] = [];
  const before = await jobs(key);
  if (before.status !== 200) failures.push(`the right key before: ${before.status}`);
  const replies = await Promise.all(Array.from({ length: count }, (_, i) => jobs(`guess-${i}-${'x'.repeat(24)}`)));
  const limited = replies.filter(({ status }) => status === 429).length;
  if (limited < count / 2) failures.push(`of ${count} guesses at once ${limited} were told to wait`);
  if (replies.some(({ status }) => status !== 401 && status !== 429)) failures.push('a guess was answered');
  const after = await jobs(key);
  if (after.status !== 200) failures.push(`the right key while somebody guesses: ${after.status}`);
  return { failures, limited };
}

/** What is stored about people, asked for without a key. */
export async function people(url: string): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const path of [
    '/v1/users',
    '/v1/users/u1/history',
    '/v1/users/u1/home-feed',
    '/v1/experiments/e/exposures',
    '/v1/judgements/s/next?judge=u1',
  ]) {
    const { status } = await ask(url + path);
    if (status !== 401) failures.push(`${path} without a key: ${status}`);
  }
  return failures;
}

export interface Bomb {
  readonly name: string;
  readonly bytes: Buffer;
  /** Statuses that are right: refused by its header, or decoded within bounds. */
  readonly right: readonly number[];
}

/** Small pictures that claim much. The last ones may be decoded: they stay just below the bound. */
export async function bombs(): Promise<readonly Bomb[]> {
  const avif = (side: number): Promise<Buffer> =>
    sharp({ create: { width: side, height: side, channels: 3, background: 'teal' } })
      .avif({ effort: 0 })
      .toBuffer();
  const refused = [413, 415, 422];
  return [
    { name: 'interlaced PNG of 16 bits, 100 megapixels', bytes: png(10_000, 9990, 16, true, 1000), right: refused },
    { name: 'PNG of a million pixels a side', bytes: png(1_000_000, 64, 8, false, 1000), right: refused },
    { name: 'AVIF of 16 megapixels', bytes: await avif(4000), right: refused },
    {
      name: 'SVG that names a file',
      bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
      right: refused,
    },
    { name: 'PNG cut short', bytes: png(4000, 4000, 8, false, 10), right: refused },
    { name: 'interlaced PNG of 16 bits, 20 megapixels, whole', bytes: png(4500, 4500, 16, true), right: [200, 503, ...refused] },
    { name: 'AVIF of 12 megapixels', bytes: await avif(3500), right: [200, 503, ...refused] },
  ];
}

/** A PNG of zeros with alpha; `rows` of its data, all of them when absent. */
function png(width: number, height: number, depth: 8 | 16, interlaced: boolean, rows = height): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, 6, 0, 0, interlaced ? 1 : 0], 8);
  const bytesPerPixel = (depth / 8) * 4;
  // Seven passes hold each pixel once, and a filter byte for each of their rows: about two rows for one.
  const data = Buffer.alloc(width * rows * bytesPerPixel + 2 * height + 64);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(data, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

export async function upload(url: string, picture: Bomb): Promise<readonly string[]> {
  const head = `--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), picture.bytes, Buffer.from('\r\n--x--\r\n')]);
  const reply = await ask(`${url}/v1/visual-search`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body,
  });
  return picture.right.includes(reply.status) ? [] : [`${picture.name}: ${reply.status} ${reply.code}`];
}
