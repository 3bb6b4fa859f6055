import { relatedPins } from '../related-pins.ts';
import { afterResponse } from './after-response.ts';
import { listOptions, pinOf } from './list-options.ts';
import { listReply } from './list-reply.ts';
import type { App, Service } from './routes.ts';
import { ListQuery, ListReply, PinParams, replies } from './schemas.ts';

export function closeupRoutes(app: App, { context, metrics }: Service): void {
  const schema = {
    summary: 'The pins people want to see next after this one',
    tags: ['lists'],
    params: PinParams,
    querystring: ListQuery,
    response: replies(ListReply),
  };
  app.get('/v1/pins/:id/related', { schema, config: { scope: 'read' } }, async (request, reply) => {
    const startedAt = performance.now();
    const pinIndex = pinOf(context, request.params.id);
    const options = listOptions(context, request.query, { surface: 'closeup', pinIndex });
    const list = await relatedPins(context.parts, pinIndex, options);
    reply.send(await listReply(list, context.pins, request.query.explain));
    afterResponse(context, metrics, request, list, startedAt);
    return reply;
  });
}
