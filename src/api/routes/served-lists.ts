import { Type } from 'typebox';
import { receivedList } from '../../catalog/log/sent-list.ts';
import type { ServedList } from '../../catalog/log/served-list.ts';
import { reasonOf } from '../../errors.ts';
import { replies } from '../schemas.ts';
import type { App, Service } from './routes.ts';

const Name = Type.String({ maxLength: 256 });
const Text = Type.Union([Name, Type.Null()]);
/** As many items as a list may have, and those that were logged without being shown. */
const ITEMS_MAX = 2000;
const LISTS_MAX = 200;

/** The last millisecond that a date can have. */
const LATEST = 8.64e15;
const DAY_MS = 86_400_000;

const List = Type.Object(
  {
    recommendationId: Type.String({ minLength: 1, maxLength: 100 }),
    at: Type.Integer({ minimum: 0, maximum: LATEST }),
    surface: Name,
    queryPinId: Text,
    userId: Text,
    sessionId: Text,
    labels: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
    arm: Type.Union([Type.String({ maxLength: 10_000 }), Type.Null()]),
    modelVersion: Name,
    treatment: Type.String({ maxLength: 10_000 }),
    forced: Type.Boolean(),
    shuffled: Type.Boolean(),
    latencyMs: Type.Number({ minimum: 0, maximum: DAY_MS }),
    degraded: Type.Array(Name, { maxItems: 100 }),
    pinIds: Type.Array(Name, { maxItems: ITEMS_MAX }),
    sources: Type.Array(Name, { maxItems: 100 }),
    items: Type.String({ description: 'Columns of the items, as served-list-codec.ts lays them out, in base64.' }),
    rows: Type.String({ description: 'Feature rows of the items, in base64.' }),
  },
  { additionalProperties: false },
);

const Body = Type.Object({
  columns: Type.Array(Name, { maxItems: 1000, description: 'Names of the feature columns.' }),
  lists: Type.Array(List, { maxItems: LISTS_MAX }),
});

const Receipt = Type.Object({
  written: Type.Integer(),
  unchanged: Type.Integer({ description: 'Lists that were in the log before.' }),
  rejected: Type.Array(Type.Object({ recommendationId: Type.String(), reason: Type.String() }), {
    description: 'Lists that this service can not log: they are not to be sent again.',
  }),
});

/** Where nodes hand in what they served. */
export function servedListRoutes(app: App, { context, metrics }: Service): void {
  const schema = {
    summary: 'Lists that a node has served; acknowledged once they are durable, repeated ids change nothing',
    tags: ['nodes'],
    body: Body,
    response: replies(Receipt),
  };
  app.post('/v1/served-lists', { schema, config: { scope: 'lists', prompt: true, body: 'rows' } }, async (request) => {
    const { columns, lists } = request.body;
    const rejected: { recommendationId: string; reason: string }[] = [];
    const taken = lists.flatMap((sent): ServedList[] => {
      try {
        return [receivedList(sent, columns, (pinId) => context.pins.indexOf(pinId))];
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        rejected.push({ recommendationId: sent.recommendationId, reason: reasonOf(error) });
        return [];
      }
    });
    const isNew = await Promise.all(taken.map((list) => context.log.lists.appendOnce(list)));
    const written = isNew.filter(Boolean).length;
    metrics.lostLists.inc(rejected.length);
    Object.assign(request.line, { lists: lists.length, written, rejected: rejected.length });
    return { written, unchanged: taken.length - written, rejected };
  });
}
