import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchImage, isPublicAddress } from '../../src/catalog/pins/image-fetch.ts';

let server: Server;
let base: string;
let requests = 0;
const folder = mkdtempSync(join(tmpdir(), 'fetch-'));
const options = { dataFolder: folder, byteLimit: 1000 };

beforeAll(async () => {
  server = createServer((request, reply) => {
    requests++;
    const [, word, argument] = (request.url ?? '').split('/');
    if (word === 'hop') {
      const left = Number(argument);
      reply.writeHead(302, { location: left > 0 ? `/hop/${left - 1}` : '/image' }).end();
    } else if (word === 'to') reply.writeHead(302, { location: decodeURIComponent(argument) }).end();
    else if (word === 'big') reply.end(Buffer.alloc(5000));
    else if (word === 'endless') {
      reply.writeHead(200);
      const timer = setInterval(() => reply.write(Buffer.alloc(100)), 1);
      reply.on('close', () => clearInterval(timer));
    } else if (word === 'drip') {
      reply.writeHead(200);
      const timer = setInterval(() => reply.write('x'), 50);
      reply.on('close', () => clearInterval(timer));
    } else if (word === 'slow') setTimeout(() => reply.end('late'), 3000).unref();
    else if (word === 'gone') reply.writeHead(404).end();
    else reply.end('bytes');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = { ...options, allowPrivate: true };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '192.168.0.1',
  '172.16.0.1',
  '169.254.169.254',
  '0.0.0.0',
  '100.64.0.1',
  '::1',
  '::',
  'fe80::1',
  'fc00::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '224.0.0.1',
  '::127.0.0.1',
  '::7f00:1',
  '::10.0.0.1',
  '4000::1',
  '255.255.255.255',
  'nonsense',
])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));
test.each(['93.184.216.34', '2606:2800:220:1::1', '::ffff:93.184.216.34'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test('private addresses are refused before anything is sent, however they are spelled', async () => {
  const before = requests;
  const port = new URL(base).port;
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', 'localhost']) {
    await expect(fetchImage(`http://${host}:${port}/image`, options), host).rejects.toMatchObject({
      code: 'IMAGE_URL_REFUSED',
    });
  }
  expect(requests).toBe(before);
});

test('a name is resolved once and the connection goes to the checked address', async () => {
  let lookups = 0;
  const resolve = ((_host: string, _settings: unknown, callback: (error: null, addresses: unknown) => void) => {
    lookups++;
    callback(null, [{ address: lookups === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }]);
  }) as never;
  const url = `http://images.example:${new URL(base).port}/image`;
  const onlyOurs = (address: string): boolean => address === '127.0.0.1';
  expect(text(await fetchImage(url, { ...options, resolve, addressAllowed: onlyOurs }))).toBe('bytes');
  expect(lookups).toBe(1);
  await expect(fetchImage(url, { ...options, resolve, addressAllowed: onlyOurs })).rejects.toMatchObject({
    code: 'IMAGE_URL_REFUSED',
  });
});

test('three redirects are followed, each is checked, a fourth is refused', async () => {
  expect(text(await fetchImage(`${base}/hop/2`, open))).toBe('bytes');
  await expect(fetchImage(`${base}/hop/3`, open)).rejects.toThrow(/more than 3 times/);
  const onlyOurs = { ...options, addressAllowed: (address: string) => address === '127.0.0.1' };
  for (const target of ['http://127.0.0.2/image', 'http://10.0.0.1/', 'file:///etc/passwd', 'http://[::1]/']) {
    await expect(fetchImage(`${base}/to/${encodeURIComponent(target)}`, onlyOurs), target).rejects.toMatchObject({
      code: 'IMAGE_URL_REFUSED',
    });
  }
});

test('size and time are bounded, and a refusal by the server says its status', async () => {
  await expect(fetchImage(`${base}/big`, open)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  await expect(fetchImage(`${base}/endless`, open)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  await expect(fetchImage(`${base}/slow`, { ...open, timeoutMs: 200 })).rejects.toThrow(/too long/);
  await expect(fetchImage(`${base}/gone`, open)).rejects.toThrow(/404/);
});

test('a file is read from the data folder, a missing or too large one refused', async () => {
  writeFileSync(join(folder, 'a.jpg'), 'pixels');
  writeFileSync(join(folder, 'big.jpg'), Buffer.alloc(2000));
  expect(text(await fetchImage('a.jpg', options))).toBe('pixels');
  await expect(fetchImage('none.jpg', options)).rejects.toMatchObject({ code: 'IMAGE_REFUSED' });
  await expect(fetchImage('big.jpg', options)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
});

// Strangers could map the names of an internal network, and find out who listens where, by how their addresses were refused.
test('addresses that nobody has, nobody may ask, or nobody listens at are refused in the same words', async () => {
  const toldOf = async (address: string, more: object = {}): Promise<string> => {
    const refusal = await fetchImage(address, { ...options, ...more }).then(
      () => 'taken',
      (error: Error) => `${error.message} | ${String((error as { cause?: unknown }).cause)}`,
    );
    expect(refusal).toMatch(/\| .*(127|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|no-such-name)/);
    return refusal.split(' | ')[0];
  };
  const told = [
    await toldOf('http://127.0.0.1:1/'),
    await toldOf('http://localhost:1/'),
    await toldOf('http://no-such-name.invalid/'),
    await toldOf('http://127.0.0.1:1/', { allowPrivate: true }),
  ];
  expect(new Set(told)).toEqual(new Set(['The image address is refused: it leads to no public address that answers']));
});

test('a server that drips is given up on at the least pace, and waited for without one', async () => {
  const drip = fetchImage(`${base}/drip`, { ...open, leastBytesPerSecond: 65_536 });
  await expect(drip).rejects.toThrow(/too long/);
  expect(text(await fetchImage(`${base}/image`, { ...open, leastBytesPerSecond: 65_536 }))).toBe('bytes');
});

test('a link inside the image folder that leads out of it is not followed; the folder itself may be one', async () => {
  const [outside, data] = ['outside', 'data'].map((name) => join(folder, name));
  mkdirSync(outside);
  mkdirSync(data);
  mkdirSync(join(folder, 'photos'));
  writeFileSync(join(outside, 'secret.jpg'), 'secret');
  writeFileSync(join(folder, 'photos', 'a.jpg'), 'pixels');
  symlinkSync(join(folder, 'photos'), join(data, 'images'));
  symlinkSync(outside, join(folder, 'photos', 'link'));
  const within = { ...options, dataFolder: data };
  expect(text(await fetchImage('images/a.jpg', within))).toBe('pixels');
  await expect(fetchImage('images/link/secret.jpg', within)).rejects.toThrow(/leads out of the image folder/);
});
