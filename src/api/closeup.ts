import { relatedPins } from '../related-pins.ts';
import { reasonOf } from '../errors.ts';
import { afterResponse } from './after-response.ts';
import { Counterfactual } from './counterfactual.ts';
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
  const counterfactual = new Counterfactual(context);
  app.get('/v1/pins/:id/related', { schema, config: { scope: 'read', prompt: true } }, async (request, reply) => {
    const startedAt = performance.now();
    const pinIndex = pinOf(context, request.params.id);
    const options = listOptions(context, request.query, { surface: 'closeup', pinIndex });
    const list = await relatedPins(context.parts, pinIndex, options);
    reply.send(listReply(list, context.pins));
    afterResponse(context, metrics, request, list, startedAt);
    counterfactual.compare(list).catch((error: unknown) => request.log.warn({ reason: reasonOf(error) }, 'no counterfactual'));
    return reply;
  });
}
