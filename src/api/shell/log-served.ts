import type { FastifyBaseLogger } from 'fastify';
import type { ServedList } from '../../catalog/log/served-list.ts';
import { reasonOf } from '../../errors.ts';
import type { Context } from '../../service/context.ts';
import type { Metrics } from './metrics.ts';

/** Logs a list that was sent. One that cannot be written fails no request: it is counted and reported. */
export function logServed(context: Pick<Context, 'appendList'>, metrics: Metrics, log: FastifyBaseLogger, list: ServedList): void {
  context.appendList(list).catch((error: unknown) => {
    metrics.lostLists.inc();
    log.error({ recommendationId: list.recommendationId, reason: reasonOf(error) }, 'served list was not logged');
  });
}
