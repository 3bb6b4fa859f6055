import { Type } from 'typebox';
import type { App, Service } from './routes.ts';
import { Degradations, replies } from '../schemas.ts';

const Ready = Type.Object({
  status: Type.String(),
  model: Type.String(),
  pins: Type.Integer(),
  degraded: Degradations,
});

/** Alive: the process answers. Ready: everything is open and warm, and it isn't being stopped. */
export function healthRoutes(app: App, { context, metrics }: Service): void {
  const quiet = { config: { quiet: true } };
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
        degraded: [...context.degraded],
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
