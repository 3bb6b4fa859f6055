import type { FastifyRequest } from 'fastify';
import type { Admission, Lane } from './admission.ts';
import type { App } from './routes.ts';

/** Requests without a body wait for their turn at once, those with one when it has come: a slow sender holds up nobody. */
export function admit(app: App, admission: Admission, bodyLimitBytes: number): void {
  admission.watch(app.server);
  app.addHook('onRequest', (request, reply, done) => {
    const lane = laneOf(request);
    if (lane === null) return done();
    const bytes = bodyBytesOf(request, bodyLimitBytes);
    if (bytes === 0) return admission.enter(lane, reply.raw, done);
    try {
      admission.takeBody(lane, bytes, request.raw);
      done();
    } catch (refusal) {
      done(refusal as Error);
    }
  });
  app.addHook('preValidation', (request, reply, done) => {
    const lane = laneOf(request);
    if (lane === null || bodyBytesOf(request, bodyLimitBytes) === 0) return done();
    admission.enter(lane, reply.raw, done);
  });
}

function laneOf({ routeOptions }: FastifyRequest): Lane | null {
  const { scope, lane, quiet } = routeOptions.config;
  if (lane) return lane;
  if (scope === 'events' || scope === 'catalogue') return 'write';
  return scope === undefined || scope === 'admin' || quiet ? null : 'read';
}

/** What a body may come to: its length where it says so, else the largest one. */
function bodyBytesOf({ headers }: FastifyRequest, limit: number): number {
  if (headers['content-length'] !== undefined) return Math.min(limit, Number(headers['content-length']) || 0);
  return headers['transfer-encoding'] === undefined ? 0 : limit;
}
