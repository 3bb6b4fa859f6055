/**
 * Metrics that are looked up when Prometheus asks: what is shared, what waits, which versions serve and how old they are.
 * All processes read the same state, so the maximum is reported, not the sum.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Context } from '../../service/context.ts';

/** `longestElsewhere`: the longest refresh that other processes reported since the last call, in seconds. */
export function stateMetrics(context: Context, registry: Registry, longestElsewhere: () => number): void {
  const registers = [registry];
  const name = (text: string): string => `related_pins_${text}`;
  const { hot } = context;
  const gauge = (metric: string, help: string, read: () => number | null | Promise<number | null>): void => {
    const made: Gauge = new Gauge({
      name: metric,
      help,
      registers,
      aggregator: 'max',
      async collect() {
        const value = await read();
        // What is not known is not there: a gauge without a value would stand at 0.
        if (value === null) made.remove();
        else made.set(value);
      },
    });
  };
  gauge(name('redis_up'), '1 while Redis answers, 0 while it is away; absent without Redis.', () =>
    hot.actions === null ? null : Number(hot.cache.state().available),
  );
  gauge(name('event_lag'), 'Events in the stream that no process has taken in.', () => hot.actions?.lag() ?? null);
  gauge(
    name('log_pages_waiting'),
    'Pages of the write-ahead log that wait to be carried home.',
    () => context.checkpointer?.waitingPages ?? null,
  );
  gauge(name('take_up_seconds'), 'Longest time since the last scrape that taking up changes kept requests waiting.', () =>
    Math.max(context.refresher.takeLongest() / 1000, longestElsewhere()),
  );
  const counted: Counter<'outcome'> = new Counter({
    name: name('cache_total'),
    help: 'Questions to the cache, by outcome: hit, miss, failure (Redis away or slow).',
    labelNames: ['outcome'],
    registers,
    collect() {
      const { hits, misses, failures } = hot.cache.state();
      counted.reset();
      counted.inc({ outcome: 'hit' }, hits);
      counted.inc({ outcome: 'miss' }, misses);
      counted.inc({ outcome: 'failure' }, failures);
    },
  });
  const unshared: Counter = new Counter({
    name: name('events_unshared_total'),
    help: 'Events that are in the log of this process and could not be told to others.',
    registers,
    collect() {
      unshared.reset();
      unshared.inc(hot.actions?.unpublished ?? 0);
    },
  });
  versions(context, registers, name);
}

function versions(context: Context, registers: Registry[], name: (text: string) => string): void {
  const net: Gauge<'net'> = new Gauge({
    name: name('net_info'),
    help: 'The net whose features serve (value 1), by the start of its digest.',
    labelNames: ['net'],
    registers,
    aggregator: 'max',
    collect() {
      net.reset();
      if (context.visual) net.set({ net: context.visual.netDigest.slice(0, 12) }, 1);
    },
  });
  const age: Gauge<'index'> = new Gauge({
    name: name('index_age_seconds'),
    help: 'Time since the version in use of each artifact was taken into use.',
    labelNames: ['index'],
    registers,
    aggregator: 'max',
    collect() {
      age.reset();
      for (const [index, seconds] of agesOf(join(context.dataFolder, 'artifacts'), Date.now())) age.set({ index }, seconds);
    },
  });
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
