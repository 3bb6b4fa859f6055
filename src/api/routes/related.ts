import { ServiceError } from '../../errors.ts';
import { relatedToExamples } from '../../related-pins.ts';
import type { Context } from '../../service/context.ts';
import { InTime } from '../in-time.ts';
import { ListReply, RelatedBody, type RelatedRequest, replies } from '../schemas.ts';
import { afterResponse } from './after-response.ts';
import { fieldReader } from './item-fields.ts';
import { filteredListOptions, pinOf } from './list-options.ts';
import { sendList } from './list-reply.ts';
import type { App, Service } from './routes.ts';
import { checkedFields, gatherPicture, givenPicture } from './visual-query.ts';

/** Lists that are asked by examples: pins that are liked, pins that are not, a picture. */
export function relatedRoutes(app: App, service: Service): void {
  const { context, metrics } = service;
  const { visualWaitMs, heavyInFlight } = context.config;
  const inTime = new InTime(visualWaitMs, heavyInFlight);
  const schema = {
    summary: 'What goes with several examples: pins that are liked, a picture, and pins that push away what resembles them',
    tags: ['lists'],
    consumes: ['application/json', 'multipart/form-data'],
    response: replies(ListReply),
  };
  const config = { scope: 'read', form: true, body: 'picture', gather: gatherPicture(service) } as const;
  app.post('/v1/related', { schema, config }, async (request, reply) => {
    const startedAt = performance.now();
    const body = checkedFields(request, RelatedBody);
    const { like, unlike } = examplesOf(context, body);
    const upload = await givenPicture(context, request, body.imageUrl);
    if (like.length === 0 && upload === null)
      throw new ServiceError('REQUEST_INVALID', { field: 'like', detail: 'like: name at least one pin, or send an image' });
    const itemFields = fieldReader(context, body.fields);
    const options = await filteredListOptions(context, body, { surface: 'examples', pinIndex: -1 });
    const picture = upload === null ? null : await inTime.run(() => codeOf(context, upload), 'of this image');
    const list = await relatedToExamples(context.parts, { like, unlike, picture }, options);
    sendList(reply as never, context, list, itemFields);
    afterResponse(context, metrics, request, list, startedAt);
    return reply;
  });
}

/** The pins of a request. Throws CATALOG_PIN_UNKNOWN, and REQUEST_INVALID for a pin that is liked and unliked. */
export function examplesOf(context: Context, { like = [], unlike = [] }: Pick<RelatedRequest, 'like' | 'unlike'>) {
  const both = unlike.find((id) => like.includes(id));
  if (both !== undefined)
    throw new ServiceError('REQUEST_INVALID', { field: 'unlike', detail: `unlike: the pin ${both} stands in like, too` });
  return { like: like.map((id) => pinOf(context, id)), unlike: unlike.map((id) => pinOf(context, id)) };
}

/** What the active net makes of a picture. */
function codeOf({ search }: Context, bytes: Uint8Array): Promise<Uint32Array> {
  return search.reader.code({ bytes, key: null }, null, search.net);
}
