import { type IncomingHttpHeaders, request as ask } from 'node:http';
import { ServiceError } from '../../errors.ts';
import { problemOf } from './problem.ts';
import type { App } from '../routes/routes.ts';

/** The process that writes gives up on its own handlers first; this is for one that hangs. */
const LONGER_MS = 1000;

/**
 * Headers that speak of one connection alone (RFC 9110, section 7.6.1): each side of this process has its own. A caller's
 * "close" that was passed on let the writing process close while the end of the body was still being written, and one in ten
 * such requests was answered with 503.
 */
const OF_ONE_CONNECTION = ['connection', 'keep-alive', 'proxy-connection'];

function withoutConnection(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_ONE_CONNECTION.includes(name)));
}

/** Names and values in turn. How a body is cut into pieces is between two sides, too: an HTTP/1.0 caller reads none. */
function withoutConnectionRaw(raw: readonly string[]): string[] {
  const left = [...OF_ONE_CONNECTION, 'transfer-encoding'];
  return raw.filter((_, at) => !left.includes(raw[at - (at % 2)].toLowerCase()));
}

/**
 * Everything this process does not answer itself goes to the process that writes, byte for byte, and its answer back.
 * `writer` is the path of its socket. When it says nothing for the time a request may take, the caller is told to come back.
 */
export async function forwardTheRest(app: App, writer: string): Promise<void> {
  const silenceMs = app.server.requestTimeout + LONGER_MS;
  await app.register(async (rest) => {
    rest.removeAllContentTypeParsers();
    // Bodies pass through unread.
    rest.addContentTypeParser('*', (_request, _body, done) => done(null));
    rest.all('/*', { config: { quiet: true, prompt: true, body: 'rows', passedOn: true } }, (request, reply) => {
      const { raw } = request;
      const headers = { ...withoutConnection(raw.headers), 'x-forwarded-for': request.ip };
      const passed = ask({ socketPath: writer, path: raw.url, method: raw.method, headers, timeout: silenceMs });
      reply.hijack();
      passed.on('response', (answer) => {
        reply.raw.writeHead(answer.statusCode ?? 502, withoutConnectionRaw(answer.rawHeaders));
        answer.pipe(reply.raw);
        // Half an answer is none: the caller must not wait for the rest.
        answer.on('close', () => answer.complete || reply.raw.destroy());
      });
      passed.on('timeout', () => passed.destroy(new Error(`no word from the writing process for ${silenceMs} ms`)));
      passed.on('error', () => {
        if (reply.raw.headersSent) return reply.raw.destroy();
        const problem = problemOf(new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 }), request.id);
        reply.raw.writeHead(problem.status, { 'content-type': 'application/problem+json', 'retry-after': '1' });
        reply.raw.end(JSON.stringify(problem));
      });
      reply.raw.on('close', () => passed.destroy());
      raw.pipe(passed);
    });
  });
}
