/** What pages of other sites may read: those of the origins that the operator lists, and no others. */
import type { App } from '../routes/routes.ts';

const METHODS = 'GET, POST, PUT, DELETE';
const HEADERS = 'authorization, content-type, content-encoding, idempotency-key';
/** Of replies, beside those a page may always read. */
const EXPOSED = 'retry-after, etag';
const PREFLIGHT_SECONDS = '600';

/** Answers preflights, and marks replies for the origins listed. */
export function allowOrigins(app: App, origins: readonly string[]): void {
  const allowed = new Set(origins.map((origin) => origin.toLowerCase()));
  if (allowed.size === 0) return;
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    reply.header('vary', 'Origin');
    if (origin === undefined || !allowed.has(origin.toLowerCase())) return done();
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', EXPOSED);
    reply.header('cross-origin-resource-policy', 'cross-origin');
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return done();
    reply.header('access-control-allow-methods', METHODS).header('access-control-allow-headers', HEADERS);
    reply.header('access-control-max-age', PREFLIGHT_SECONDS).code(204).send();
  });
}
