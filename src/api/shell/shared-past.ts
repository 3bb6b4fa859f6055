import type { FastifyRequest } from 'fastify';
import type { Context } from '../../service/context.ts';
import type { App } from '../routes/routes.ts';

/** Before a list is made for a user, what they did in other processes is brought: a home feed here knows a save made there. */
export function bringSharedPast(app: App, { hot }: Context): void {
  const { actions } = hot;
  if (actions === null) return;
  app.addHook('preHandler', async (request) => {
    const userId = userOf(request);
    if (userId !== null) await actions.bring(userId);
  });
}

function userOf({ routeOptions, params, query, body }: FastifyRequest): string | null {
  if (routeOptions.url?.startsWith('/v1/users/:id')) return (params as { id: string }).id;
  if (routeOptions.url === '/v1/events') return null;
  const named = (query as { userId?: string } | null)?.userId ?? (body as { userId?: unknown } | null)?.userId;
  return typeof named === 'string' ? named : null;
}
