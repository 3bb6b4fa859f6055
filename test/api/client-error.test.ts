import { connect } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import { readConfig } from '../../src/config.ts';
import { type Context, openContext } from '../../src/service/context.ts';

let folder: string;
let context: Context;
let app: Awaited<ReturnType<typeof buildApp>>;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'related-pins-client-'));
  context = await openContext(readConfig({ RELATED_PINS_LOG_LEVEL: 'silent' }), folder);
  app = await buildApp(context);
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(async () => {
  await app.close();
  await context.close();
  rmSync(folder, { recursive: true, force: true });
});

function answerTo(text: string): Promise<string> {
  return new Promise((done, failed) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.on('error', failed);
    socket.on('close', () => done(answer));
  });
}

describe('what is no request', () => {
  it.each([
    ['nonsense', 'hello there\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'REQUEST_HEADERS_TOO_LARGE'],
    [
      'two lengths',
      'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'REQUEST_INVALID',
    ],
  ])('%s: a problem document, and the connection is closed', async (_, text, status, code) => {
    const [head, body] = (await answerTo(text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\\r\\nContent-Type: application/problem\\+json`));
    expect(JSON.parse(body)).toMatchObject({ status, code });
  });
});
