import type { FastifyRequest } from 'fastify';
import { type IncomingHttpHeaders, request as askPlainly, type RequestOptions } from 'node:http';
import { request as askSecurely } from 'node:https';
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

/** Says that a node has passed a request on to the service that writes. */
export const PASSED_BY_NODE = 'x-related-pins-node';

/** Who answers what this process does not. */
interface Destination {
  /** A socket file, or the address of another machine. */
  readonly at: Pick<RequestOptions, 'socketPath' | 'protocol' | 'hostname' | 'port'>;
  /** Sent along with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What a caller hears when nobody answers there. */
  away(): ServiceError;
  /** Why a request is not passed on; null: it is. */
  refuse?(request: FastifyRequest): ServiceError | null;
}

/** The thread that writes, by the path of its socket. */
export function writingThread(socketPath: string): Destination {
  return { at: { socketPath }, away: () => new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 }) };
}

/** A service at an address such as http://writer:8080. */
export function addressOf(url: string): Destination['at'] {
  const { protocol, hostname, port } = new URL(url);
  return { protocol, hostname, port: port || undefined };
}

/**
 * Everything this process does not answer itself goes to another one, byte for byte, and its answer back. When that one says
 * nothing for the time a request may take, the caller is told to come back.
 */
export async function forwardTheRest(app: App, { at, headers: more = {}, away, refuse }: Destination): Promise<void> {
  const silenceMs = app.server.requestTimeout + LONGER_MS;
  // The name of a certificate is that of the machine, not the one that a caller asked for.
  const ask = at.protocol === 'https:' ? askSecurely : askPlainly;
  const servername = at.protocol === 'https:' ? { servername: String(at.hostname) } : {};
  await app.register(async (rest) => {
    rest.removeAllContentTypeParsers();
    // Bodies pass through unread.
    rest.addContentTypeParser('*', (_request, _body, done) => done(null));
    rest.all('/*', { config: { quiet: true, prompt: true, body: 'rows', passedOn: true } }, (request, reply) => {
      const refused = refuse?.(request) ?? null;
      if (refused !== null) throw refused;
      const { raw } = request;
      const headers = { ...withoutConnection(raw.headers), ...more, 'x-forwarded-for': request.ip };
      const passed = ask({ ...at, ...servername, path: raw.url, method: raw.method, headers, timeout: silenceMs });
      reply.hijack();
      passed.on('response', (answer) => {
        reply.raw.writeHead(answer.statusCode ?? 502, withoutConnectionRaw(answer.rawHeaders));
        answer.pipe(reply.raw);
        // Half an answer is none: the caller must not wait for the rest.
        answer.on('close', () => answer.complete || reply.raw.destroy());
      });
      passed.on('timeout', () => passed.destroy(new Error(`no word from there for ${silenceMs} ms`)));
      passed.on('error', () => {
        if (reply.raw.headersSent) return reply.raw.destroy();
        const problem = problemOf(away(), request.id);
        reply.raw.writeHead(problem.status, { 'content-type': 'application/problem+json', 'retry-after': '1' });
        reply.raw.end(JSON.stringify(problem));
      });
      reply.raw.on('close', () => passed.destroy());
      raw.pipe(passed);
    });
  });
}
