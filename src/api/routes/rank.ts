import { counted } from '../../counted.ts';
import { rankPins } from '../../related-pins.ts';
import type { RankedList } from '../../lists/ranked-list.ts';
import { afterResponse } from './after-response.ts';
import { fieldReader } from './item-fields.ts';
import { filteredListOptions, livePin, pinOf } from './list-options.ts';
import { sendList } from './list-reply.ts';
import type { App, Service } from './routes.ts';
import { ListReply, RankBody, replies } from '../schemas.ts';

/** Unknown ids named in the reply; more are only counted. */
const NAMED_MAX = 5;

export function rankRoutes(app: App, { context, metrics }: Service): void {
  const schema = {
    summary: "The caller's own list in the order people would want it",
    tags: ['lists'],
    body: RankBody,
    response: replies(ListReply),
  };
  app.post('/v1/rank', { schema, config: { scope: 'read', prompt: true, body: 'list' } }, async (request, reply) => {
    const startedAt = performance.now();
    const { queryPinId, pinIds, limit = pinIds.length, ...more } = request.body;
    const pinIndex = pinOf(context, queryPinId);
    const itemFields = fieldReader(context, more.fields);
    const options = await filteredListOptions(context, { ...more, limit }, { surface: 'rank', pinIndex });
    const given = pinIds.map((id) => livePin(context.pins, id));
    const known = Int32Array.from(given.filter((index) => index >= 0));
    const ranked = await rankPins(context.parts, pinIndex, known, options);
    const unknown = pinIds.filter((_, i) => given[i] < 0);
    const list = unknown.length === 0 ? ranked : withUnknown(ranked, unknown);
    sendList(reply as never, context, list, itemFields);
    afterResponse(context, metrics, request, list, startedAt);
    return reply;
  });
}

function withUnknown(list: RankedList, unknown: readonly string[]): RankedList {
  const named = unknown.slice(0, NAMED_MAX).join(', ');
  const reason = `${counted(unknown.length, 'pin')} unknown and left out: ${named}${unknown.length > NAMED_MAX ? ', ...' : ''}`;
  return { ...list, degraded: [...list.degraded, { code: 'CATALOG_PIN_UNKNOWN', reason }] };
}
