import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import type { Admission, Lane } from './admission.ts';
import { readImageForm } from '../routes/image-form.ts';
import type { App } from '../routes/routes.ts';
import type { UnknownRoute } from './unknown-route.ts';

/** How often replies that nobody reads are looked for. */
const UNREAD_CHECK_MS = 2000;

/**
 * Requests without a body wait for their turn at once, those with one when all of it has come, those that need something from
 * elsewhere when that has come: a slow sender holds up nobody. A body for an address that does not exist is not read at all.
 */
export function admit(app: App, admission: Admission, config: Config, unknown: UnknownRoute): void {
  admission.watch(app.server);
  const unread = setInterval(() => admission.cutUnread(config.requestTimeoutMs), UNREAD_CHECK_MS).unref();
  app.addHook('onClose', () => clearInterval(unread));
  app.decorateRequest('form', null);
  app.decorateRequest('fetched', null);
  app.addHook('onRequest', (request, reply, done) => {
    const lane = laneOf(request);
    const bytes = bodyBytesOf(request, config);
    // What is no page for a browser has nothing to be parsed for.
    if (request.is404 && bytes === 0 && request.method !== 'GET' && request.method !== 'HEAD') return done(unknown.errorFor(request));
    if (bytes === 0) return lane === null || request.routeOptions.config.gather ? done() : admission.enter(lane, reply.raw, done);
    if (request.is404) {
      reply.header('connection', 'close');
      return done(unknown.errorFor(request));
    }
    try {
      admission.takeBody(lane ?? 'other', bytes, request.raw, reply.raw);
      done();
    } catch (refusal) {
      done(refusal as Error);
    }
  });
  app.addHook('preValidation', (request, reply, done) => {
    const lane = laneOf(request);
    const { form, gather } = request.routeOptions.config;
    if (lane === null || (bodyBytesOf(request, config) === 0 && !gather)) return done();
    const isForm = form === true && request.isMultipart();
    if (!isForm && !gather) return admission.enter(lane, reply.raw, done);
    const complete = async (): Promise<void> => {
      if (isForm) request.form = await readImageForm(request, config.uploadLimitBytes);
      await gather?.(request, reply);
    };
    complete().then(() => admission.enter(lane, reply.raw, done), done);
  });
}

function laneOf({ routeOptions }: FastifyRequest): Lane | null {
  const { scope, lane, quiet } = routeOptions.config;
  if (lane) return lane;
  if (scope === 'events' || scope === 'catalogue' || scope === 'lists') return 'write';
  return scope === undefined || scope === 'admin' || quiet ? null : 'read';
}

/** What a body may come to: its length where it says so, else the largest one that its route takes. */
function bodyBytesOf({ headers, routeOptions }: FastifyRequest, { bodyLimitBytes, uploadLimitBytes }: Config): number {
  const isForm = routeOptions.config.form === true && /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
  const limit = isForm ? Math.max(bodyLimitBytes, uploadLimitBytes) : (routeOptions.bodyLimit ?? bodyLimitBytes);
  if (headers['content-length'] !== undefined) return Math.min(limit, Number(headers['content-length']) || 0);
  return headers['transfer-encoding'] === undefined ? 0 : limit;
}
