/**
 * What happens once a list was sent: its record goes to the served-list log (durable within the group commit), and the
 * request's log line learns what it was. A record that can't be written fails no request: it is counted and logged.
 */
import type { FastifyRequest } from 'fastify';
import type { Context } from '../../service/context.ts';
import type { ServedList } from '../../catalog/log/served-list.ts';
import { kendallTau, type RankedList } from '../../lists/ranked-list.ts';
import { servedRecord } from '../../lists/served-record.ts';
import { logServed } from '../shell/log-served.ts';
import type { Metrics } from '../shell/metrics.ts';
import type { KeptReply } from './reply-cache.ts';

export function afterResponse(context: Context, metrics: Metrics, request: FastifyRequest, list: RankedList, startedAt: number): void {
  const latencyMs = performance.now() - startedAt;
  Object.assign(request.line, lineOf(list));
  metrics.served(list);
  context.darkReading.take(list);
  context.darkNetReading.take(list);
  if (!context.config.serveLog) return;
  setImmediate(() => logServed(context, metrics, request.log, servedRecord(list, latencyMs)));
}

/** The same for a list that was answered from the cache. */
export function afterKeptReply(context: Context, metrics: Metrics, request: FastifyRequest, record: ServedList, kept: KeptReply): void {
  const { head } = kept;
  const { surface, queryPinIndex: queryPin, recommendationId, modelVersion, arm } = record;
  Object.assign(request.line, {
    surface,
    queryPin,
    recommendationId,
    modelVersion,
    arm,
    candidates: head.candidates,
    items: head.page,
    tau: head.tau,
    cached: true,
  });
  metrics.lists.add(surface);
  if (context.config.serveLog) setImmediate(() => logServed(context, metrics, request.log, record));
}

function lineOf(list: RankedList): Record<string, unknown> {
  const { options, candidates, timings } = list;
  return {
    surface: list.surface,
    queryPin: list.queryPinIndex,
    recommendationId: options.recommendationId,
    modelVersion: list.ranker.name,
    arm: options.arm,
    candidates: candidates.count,
    items: list.page.length,
    timings,
    tau: kendallTau(list.page),
    ...(list.degraded.length > 0 ? { degraded: list.degraded } : {}),
  };
}
