import { homeFeed } from '../../related-pins.ts';
import { afterResponse } from './after-response.ts';
import { fieldReader } from './item-fields.ts';
import { filteredListOptions } from './list-options.ts';
import { sendList } from './list-reply.ts';
import type { App, Service } from './routes.ts';
import { FeedQuery, ListReply, replies, UserParams } from '../schemas.ts';

export function homeFeedRoutes(app: App, { context, metrics }: Service): void {
  const schema = {
    summary: 'What a user may want to see now; a stranger gets what is popular, and `missing: ["history"]`',
    tags: ['lists'],
    params: UserParams,
    querystring: FeedQuery,
    response: replies(ListReply),
  };
  app.get('/v1/users/:id/home-feed', { schema, config: { scope: 'read', personal: true } }, async (request, reply) => {
    const startedAt = performance.now();
    const userId = request.params.id;
    const itemFields = fieldReader(context, request.query.fields);
    const options = await filteredListOptions(context, { ...request.query, userId }, { surface: 'home-feed', pinIndex: -1 });
    const list = await homeFeed(context.parts, userId, options);
    sendList(reply as never, context, list, itemFields);
    afterResponse(context, metrics, request, list, startedAt);
    return reply;
  });
}
