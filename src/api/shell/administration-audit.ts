import type { FastifyRequest } from 'fastify';
import { appendAudit } from '../../audit-trail.ts';
import { networkOf, RateLimit } from './rate-limit.ts';
import type { App } from '../routes/routes.ts';

/** Lines of refusals: so many a second of one key or address, and so many a day of all of them. The log has a line for each. */
const REFUSALS_PER_SECOND = 1;
const REFUSALS_PER_DAY = 10_000;
const REFUSALS_AT_ONCE = 200;
const REFUSED: ReadonlySet<number> = new Set([401, 403, 429]);

/**
 * Administration leaves a line in the audit trail, also when it was refused, and also when the caller did not wait for the
 * reply. So does a wrong key wherever it was sent: somebody tries keys, or uses one that was taken back. Refusals can't fill the disk or push everything else out of the trail.
 */
export function auditAdministration(app: App, dataFolder: string): void {
  const each = new RateLimit(REFUSALS_PER_SECOND);
  const all = new RateLimit(REFUSALS_PER_DAY / 86_400, null, REFUSALS_AT_ONCE);
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) return;
    const isAdministration = route.config.scope === 'admin' && !route.config.quiet;
    route.onSend = (request, reply, _, done) => {
      const isWrongKey = request.keyName === null && request.headers.authorization !== undefined && reply.statusCode === 401;
      if (!isAdministration && !isWrongKey) return done();
      const caller = request.keyName ?? networkOf(request.ip);
      if (!REFUSED.has(reply.statusCode) || (each.tryTake(caller) && all.tryTake('all')))
        leaveLine(request, reply.statusCode, isAdministration);
      done();
    };
  });
  const leaveLine = (
    { routeOptions, params, method, keyName, id, ip }: FastifyRequest,
    status: number,
    isAdministration: boolean,
  ): void => {
    const action = `${method} ${routeOptions.url}`;
    // Elsewhere the address may hold the id of a user.
    const subject = isAdministration ? Object.values((params ?? {}) as Record<string, string>).join(' ') : undefined;
    const from = REFUSED.has(status) ? { address: ip } : {};
    appendAudit(dataFolder, { who: keyName ?? 'no key', action, subject, status, requestId: id, ...from });
  };
}
