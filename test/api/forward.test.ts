import { createServer, type IncomingHttpHeaders, request as ask, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { forwardTheRest, writingThread } from '../../src/api/shell/forward.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { temporaryFolder } from '../world.ts';

let app: App;
let writer: Server;
afterEach(async () => {
  writer.closeAllConnections();
  writer.close();
  await app.close();
});

/** A reading thread before a writing one that does `answer`. */
async function forwarding(
  answer: (url: string, send: (text: string, end: boolean) => void, headers: IncomingHttpHeaders) => void,
): Promise<string> {
  const socket = join(temporaryFolder(), 'writer.sock');
  writer = createServer((request, response) =>
    answer(
      request.url ?? '',
      (text, end) => {
        response.write(text);
        if (end) response.end();
      },
      request.headers,
    ),
  );
  await new Promise<void>((listening) => writer.listen(socket, listening));
  app = Fastify({ requestTimeout: 200 }) as unknown as App;
  await forwardTheRest(app, writingThread(socket));
  return app.listen({ host: '127.0.0.1', port: 0 });
}

// There was no end to the wait, and the problem document was not like the others.
test('a writing process that hangs is a problem document that says when to come back', async () => {
  const url = await forwarding(() => undefined);
  const reply = await fetch(`${url}/v1/pins/a`);
  expect(reply.status).toBe(503);
  expect(reply.headers.get('retry-after')).toBe('1');
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(await reply.json()).toMatchObject({
    type: 'urn:related-pins:error:server_overloaded',
    title: 'Server overloaded',
    status: 503,
    code: 'SERVER_OVERLOADED',
    requestId: expect.any(String) as string,
  });
}, 20_000);

test('answers pass through, and half an answer keeps nobody waiting', async () => {
  const url = await forwarding((path, send) => send('some', path === '/whole'));
  expect(await (await fetch(`${url}/whole`)).text()).toBe('some');
  await expect(fetch(`${url}/half`).then((reply) => reply.text())).rejects.toThrow();
}, 20_000);

// "close" was passed on: the writing process closed while the body was being written, and the caller heard 503.
test('the connection of a caller that closes it is not that to the writing process', async () => {
  const url = await forwarding((_, send, { connection }) => send(String(connection), true));
  const reply = await new Promise<IncomingMessage>((got, failed) => {
    ask(url, { method: 'POST', headers: { connection: 'close' } }, got)
      .on('error', failed)
      .end('{}');
  });
  expect(reply.headers.connection).toBe('close');
  expect(reply.headers['keep-alive']).toBeUndefined();
  expect(Buffer.concat(await reply.toArray()).toString()).toBe('keep-alive');
}, 20_000);
