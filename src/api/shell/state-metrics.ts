/**
 * Metrics that are looked up when Prometheus asks: what is shared, what waits, which versions serve and how old they are.
 * All processes read the same state, so the maximum is reported, not the sum.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Context } from '../../service/context.ts';
import { collect, name, single } from './collected-metric.ts';

/** `longestElsewhere`: the longest refresh that other processes reported since the last call, in seconds. */
export function stateMetrics(context: Context, registry: Registry, longestElsewhere: () => number): void {
  const { hot } = context;
  const gauge = (metric: string, help: string, read: () => number | null | Promise<number | null>): void =>
    collect(registry, 'gauge', { name: metric, help, aggregator: 'max' }, async () => single(await read()));
  gauge(name('redis_up'), '1 while Redis answers, 0 while it is away; absent without Redis.', () =>
    hot.actions === null ? null : Number(hot.cache.state().available),
  );
  gauge(name('event_lag'), 'Events in the stream that no process has taken in.', () => hot.actions?.lag() ?? null);
  gauge(
    name('log_pages_waiting'),
    'Pages of the write-ahead log that wait for a checkpoint.',
    () => context.checkpointer?.waitingPages ?? null,
  );
  gauge(name('take_up_seconds'), 'Longest time since the last scrape for which a refresh kept requests waiting.', () =>
    Math.max(context.refresher.takeLongest() / 1000, longestElsewhere()),
  );
  const cached = 'Questions to the cache, by outcome: hit, miss, failure (Redis away or slow).';
  collect(registry, 'counter', { name: name('cache_total'), help: cached, labelNames: ['outcome'] }, () => {
    const { hits, misses, failures } = hot.cache.state();
    return [
      [{ outcome: 'hit' }, hits],
      [{ outcome: 'miss' }, misses],
      [{ outcome: 'failure' }, failures],
    ];
  });
  const unshared = 'Events that are in the log of this process and could not be sent to others.';
  collect(registry, 'counter', { name: name('events_unshared_total'), help: unshared }, () => single(hot.actions?.unpublished ?? 0));
  const net = 'The net whose features serve (value 1), by the start of its digest.';
  collect(registry, 'gauge', { name: name('net_info'), help: net, labelNames: ['net'], aggregator: 'max' }, () =>
    context.visual ? [[{ net: context.visual.netDigest.slice(0, 12) }, 1]] : [],
  );
  const age = 'Time since the version in use of each artifact was taken into use.';
  collect(registry, 'gauge', { name: name('index_age_seconds'), help: age, labelNames: ['index'], aggregator: 'max' }, () =>
    agesOf(join(context.dataFolder, 'artifacts'), Date.now()).map(([index, seconds]) => [{ index }, seconds]),
  );
}

/** Seconds since each kind's pointer was last swapped. */
function agesOf(root: string, now: number): [string, number][] {
  try {
    return readdirSync(root).flatMap((kind): [string, number][] => {
      const pointer = statSync(join(root, kind, 'CURRENT'), { throwIfNoEntry: false });
      return pointer ? [[kind, Math.max(0, (now - pointer.mtimeMs) / 1000)]] : [];
    });
  } catch {
    return [];
  }
}
