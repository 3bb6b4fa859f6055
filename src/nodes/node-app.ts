/**
 * What a node answers beside lists, behind its reading threads: health and metrics. Everything else is the writer's: what only
 * reads and what people did are passed on, what changes something is refused by name.
 */
import { Registry } from 'prom-client';
import { answerErrors, bareApp } from '../api/shell/app.ts';
import { collect, name, single } from '../api/shell/collected-metric.ts';
import { addressOf, forwardTheRest, PASSED_BY_NODE } from '../api/shell/forward.ts';
import { guard } from '../api/shell/guard.ts';
import type { Keys } from '../api/shell/keys.ts';
import type { ReaderMetrics } from '../api/shell/reader-metrics.ts';
import type { RequestLog } from '../api/shell/request-log.ts';
import type { App } from '../api/routes/routes.ts';
import { memoryCache } from '../cache.ts';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import type { ListQueue } from './list-queue-store.ts';
import type { RemovalFeed } from './removal-feed.ts';
import type { WriterLink } from './writer-link.ts';

/** What of a node is told. */
export interface NodeState {
  readonly config: Config;
  readonly keys: Keys;
  readonly queue: ListQueue;
  readonly link: WriterLink;
  readonly removals: RemovalFeed;
  readonly readers: ReaderMetrics;
  /** The version that serves, and when it was published (ISO 8601). */
  readonly serving: { readonly version: string; readonly madeAt: string };
  /** Why a newer version does not serve; null when all is well. */
  readonly problem: string | null;
  /** Lists that could not be kept, or that the writer will never take. */
  readonly lostLists: number;
  readonly stopping: boolean;
}

/** Requests that change nothing although they have a body, and what people did. */
const PASSED_ON = /^\/v1\/(events|related|rank|lens|visual-search|experiments\/forecast|judgements\/[^/]+)$/;

export async function buildNodeApp(state: NodeState, log: RequestLog): Promise<App> {
  const { config, keys, link } = state;
  const app = bareApp(config, true, log);
  app.decorateRequest('line');
  app.addHook('onRequest', (request, _, done) => {
    request.line = {};
    done();
  });
  answerErrors(app, config);
  const guarded = {
    config,
    hot: { actions: null, cache: memoryCache(config.cacheBytes) },
    get stopping() {
      return state.stopping;
    },
  };
  guard(app, guarded, keys, 1);
  ownRoutes(app, state);
  const away = (): ServiceError => new ServiceError('WRITER_AWAY', { retryAfterSeconds: 1 });
  await forwardTheRest(app, {
    at: addressOf(config.writer),
    headers: { [PASSED_BY_NODE]: '1' },
    away,
    refuse({ method, url, headers }) {
      const [path] = url.split('?');
      // A node whose writer is a node, itself perhaps, would be asked without end.
      if (headers[PASSED_BY_NODE] !== undefined) return new ServiceError('NODE_ONLY_SERVES', { method, path, writer: config.writer });
      if (!['GET', 'HEAD', 'OPTIONS'].includes(method) && !(method === 'POST' && PASSED_ON.test(path)))
        return new ServiceError('NODE_ONLY_SERVES', { method, path, writer: config.writer });
      return link.answers ? null : away();
    },
  });
  return app;
}

function ownRoutes(app: App, state: NodeState): void {
  const quiet = { quiet: true, prompt: true };
  const registry = metricsOf(state);
  app.get('/health/live', { config: quiet }, async () => ({ status: 'live' }));
  app.get('/health/ready', { config: quiet }, async (_, reply) => {
    const { serving, link, removals, queue, problem, stopping } = state;
    const body = {
      status: stopping ? 'stopping' : 'ready',
      version: serving.version,
      publishedAt: serving.madeAt,
      writer: link.answers ? 'answers' : 'away',
      listsWaiting: queue.count,
      problem: problem ?? removals.problem ?? link.problem,
    };
    return reply.code(stopping ? 503 : 200).send(body);
  });
  app.get('/metrics', { config: { ...quiet, scope: 'read' } }, async (_, reply) => {
    reply.type(registry.contentType);
    return (await state.readers.textWith(() => registry.getMetricsAsJSON())) ?? registry.metrics();
  });
}

function metricsOf(state: NodeState): Registry {
  const registry = new Registry();
  const tell = (kind: 'gauge' | 'counter', metric: string, help: string, read: () => number): void =>
    collect(registry, kind, { name: metric, help }, () => single(read()));
  tell('gauge', name('lists_waiting'), 'Lists of a node that the writer does not have yet.', () => state.queue.count);
  tell('counter', name('lists_handed_in_total'), 'Lists of a node that the writer has taken.', () => state.link.handedIn);
  tell('counter', name('lists_not_logged_total'), 'Served lists that could not be logged.', () => state.lostLists);
  tell('gauge', name('writer_answers'), '1 while the writer of a node answers.', () => (state.link.answers ? 1 : 0));
  const asked = 'Time since the writer last told a node which pins were taken away.';
  tell('gauge', name('removals_age_seconds'), asked, () => (Date.now() - state.removals.toldAt) / 1000);
  const age = 'Time since what a node serves was published.';
  tell('gauge', name('publication_age_seconds'), age, () => (Date.now() - Date.parse(state.serving.madeAt)) / 1000);
  return registry;
}
