import { publicDegradations } from '../public-degradations.ts';
import { Type } from 'typebox';
import type { App, Service } from './routes.ts';
import { type StalePart, staleParts } from '../../service/stale-parts.ts';
import { Degradations, replies } from '../schemas.ts';

const Ready = Type.Object({
  status: Type.String(),
  model: Type.String(),
  pins: Type.Integer(),
  degraded: Degradations,
  stale: Type.Array(Type.Object({ job: Type.String(), reason: Type.String() }), {
    description: 'What was made for other nets than those that serve, and the job that makes it again.',
  }),
});

/** Health is asked often, and nets are switched seldom. */
const STALE_LOOK_MS = 5000;

/** Alive: the process answers. Ready: everything is open and warm, and it isn't being stopped. */
export function healthRoutes(app: App, { context, metrics }: Service): void {
  const quiet = { config: { quiet: true } };
  let looked: { readonly at: number; readonly parts: readonly StalePart[] } = { at: Number.NEGATIVE_INFINITY, parts: [] };
  const stale = (): StalePart[] => {
    const now = performance.now();
    if (now - looked.at > STALE_LOOK_MS) looked = { at: now, parts: staleParts(context.dataFolder) };
    return [...looked.parts];
  };
  app.get(
    '/health/live',
    { ...quiet, schema: { summary: 'The process answers', tags: ['health'], response: { 200: Type.Object({ status: Type.String() }) } } },
    async () => ({ status: 'live' }),
  );
  app.get(
    '/health/ready',
    { ...quiet, schema: { summary: 'Requests may come', tags: ['health'], response: { ...replies(Ready), 503: Ready } } },
    async (_, reply) => {
      const ready = !context.stopping;
      const body = {
        status: ready ? 'ready' : 'stopping',
        model: context.models.current().name,
        pins: context.pins.count,
        degraded: [...publicDegradations(context.degraded)],
        stale: stale(),
      };
      return reply.code((ready ? 200 : 503) as 200).send(body);
    },
  );
  app.get(
    '/metrics',
    { config: { ...quiet.config, scope: 'read' }, schema: { summary: 'Metrics for Prometheus', tags: ['health'] } },
    async (_, reply) => {
      reply.type(metrics.registry.contentType);
      return metrics.text();
    },
  );
}
