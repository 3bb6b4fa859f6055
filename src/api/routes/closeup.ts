import { relatedPins } from '../../related-pins.ts';
import { reasonOf } from '../../errors.ts';
import { afterKeptReply, afterResponse } from './after-response.ts';
import { Counterfactual } from '../../service/counterfactual.ts';
import { interleavedCloseup } from '../../service/interleaved-closeup.ts';
import { fieldReader } from './item-fields.ts';
import { filteredListOptions, pinOf } from './list-options.ts';
import { JSON_TYPE, listReply, sendList } from './list-reply.ts';
import { bytesOf, keptRecord, ReplyCache } from './reply-cache.ts';
import type { App, Service } from './routes.ts';
import { ListQuery, ListReply, PinParams, replies } from '../schemas.ts';

export function closeupRoutes(app: App, { context, metrics }: Service): void {
  const schema = {
    summary: 'The pins people want to see next after this one',
    tags: ['lists'],
    params: PinParams,
    querystring: ListQuery,
    response: replies(ListReply),
  };
  const kept = new ReplyCache(context);
  const counterfactual = new Counterfactual(context);
  app.get('/v1/pins/:id/related', { schema, config: { scope: 'read', prompt: true } }, async (request, reply) => {
    const startedAt = performance.now();
    const pinIndex = pinOf(context, request.params.id);
    const itemFields = fieldReader(context, request.query.fields);
    const options = await filteredListOptions(context, request.query, { surface: 'closeup', pinIndex });
    const key = kept.keyOf(pinIndex, options, request.query.fields);
    const known = key === null ? null : await kept.get(key);
    if (known) {
      reply.type(JSON_TYPE).send(bytesOf(known, options.recommendationId) as never);
      const record = keptRecord(known, pinIndex, options, performance.now() - startedAt);
      afterKeptReply(context, metrics, request, record, known);
      return reply;
    }
    const list = options.interleave
      ? await interleavedCloseup(context, pinIndex, options, options.interleave)
      : await relatedPins(context.parts, pinIndex, options);
    if (key === null) sendList(reply as never, context, list, itemFields);
    else {
      const text = String(reply.serialize(listReply(list, context.pins, itemFields) as never));
      reply.type(JSON_TYPE).send(text as never);
      kept.keep(key, list, text);
    }
    afterResponse(context, metrics, request, list, startedAt);
    counterfactual.compare(list).catch((error: unknown) => request.log.warn({ reason: reasonOf(error) }, 'no counterfactual'));
    return reply;
  });
}
