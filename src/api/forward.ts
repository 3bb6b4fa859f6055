import { request as ask } from 'node:http';
import { ServiceError } from '../errors.ts';
import type { App } from './routes.ts';

/**
 * Everything this process does not answer itself goes to the process that writes, byte for byte, and its answer back.
 * `writer` is the path of its socket.
 */
export async function forwardTheRest(app: App, writer: string): Promise<void> {
  await app.register(async (rest) => {
    rest.removeAllContentTypeParsers();
    // Bodies pass through unread.
    rest.addContentTypeParser('*', (_request, _body, done) => done(null));
    rest.all('/*', { config: { quiet: true, prompt: true } }, (request, reply) => {
      const { raw } = request;
      const headers = { ...raw.headers, 'x-forwarded-for': request.ip };
      const passed = ask({ socketPath: writer, path: raw.url, method: raw.method, headers });
      reply.hijack();
      passed.on('response', (answer) => {
        reply.raw.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(reply.raw);
      });
      passed.on('error', () => {
        const { status, code, message } = new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 });
        if (reply.raw.headersSent) return reply.raw.destroy();
        reply.raw.writeHead(status, { 'content-type': 'application/problem+json', 'retry-after': '1' });
        reply.raw.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: message, requestId: request.id }));
      });
      reply.raw.on('close', () => passed.destroy());
      raw.pipe(passed);
    });
  });
}
