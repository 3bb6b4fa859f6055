/**
 * Two questions of duplicates. "The same picture" unites pins: lists show one of them. "Nearly the same" is only shown here,
 * for a person to say whether it is. What a person says holds at once and for every later build.
 */
import { Type } from 'typebox';
import { whenWritable } from '../../catalog/artifacts/patient-write.ts';
import { PIN_HAS_IMAGE, PIN_REMOVED } from '../../catalog/pins/pin-columns.ts';
import { ServiceError } from '../../errors.ts';
import type { Context } from '../../service/context.ts';
import { Id, type Reply, replies } from '../schemas.ts';
import { pinOf } from './list-options.ts';
import type { App, Service } from './routes.ts';

const Member = Type.Object({ id: Type.String(), title: Type.String(), saves: Type.Integer() });
const Nearly = Type.Intersect([
  Member,
  Type.Object({ likeness: Type.Number({ description: '1 - Hamming distance / bits of the codes.' }) }),
]);
const Page = Type.Object({
  groups: Type.Array(Type.Object({ pins: Type.Array(Member), nearly: Type.Array(Nearly) })),
  judged: Type.Array(Type.Object({ pinIds: Type.Array(Type.String()), same: Type.Boolean() })),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export type NearDuplicates = Reply<typeof Page>;
const Query = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,10}$' })),
});
const Body = Type.Object(
  {
    pinIds: Type.Array(Id, { minItems: 2, maxItems: 50 }),
    same: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'true: the same picture; false: not; null: what was said is taken back.',
    }),
  },
  { additionalProperties: false },
);
const Judged = Type.Object({ groups: Type.Array(Type.Array(Type.String())) });

/** Likeness from which pictures of different groups are shown beside each other, and how many. */
const NEARLY_LIKENESS = 0.9;
const NEARLY_MAX = 6;
const JUDGED_MAX = 200;

export function nearDuplicateRoutes(app: App, { context }: Service): void {
  const { pairs, database } = context.catalog;
  app.get(
    '/v1/near-duplicates',
    {
      schema: {
        summary: 'Groups of pins that count as one picture, and pictures that nearly are',
        tags: ['catalogue'],
        querystring: Query,
        response: replies(Page),
      },
      config: { scope: 'read', lane: 'heavy' },
    },
    async (request) => {
      const { limit = 20, cursor = '0' } = request.query;
      const groups = groupsOf(context);
      const from = Number(cursor);
      const shown = groups.slice(from, from + limit).map((members) => ({
        pins: members.map((pin) => memberOf(context, pin)),
        nearly: nearlyOf(context, members),
      }));
      const judged = pairs
        .all()
        .filter(({ a, b }) => isThere(context, a) && isThere(context, b))
        .slice(-JUDGED_MAX)
        .map(({ a, b, same }) => ({ pinIds: [context.pins.idOf(a), context.pins.idOf(b)], same }));
      return { groups: shown, judged, nextCursor: from + limit < groups.length ? String(from + limit) : null };
    },
  );
  app.post(
    '/v1/near-duplicates',
    {
      schema: {
        summary: 'Says whether pins show the same picture; lists follow at once, and every later build',
        tags: ['catalogue'],
        body: Body,
        response: replies(Judged),
      },
      config: { scope: 'catalogue', body: 'list' },
    },
    async (request) => {
      const { pinIds, same } = request.body;
      const indexes = [...new Set(pinIds.map((id) => pinOf(context, id)))];
      if (indexes.length < 2) throw new ServiceError('REQUEST_INVALID', { field: 'pinIds', detail: 'pinIds: names one pin only' });
      await whenWritable(database, () => pairs.judge(indexes, same, Date.now()));
      await context.refresher.soon();
      const names = [...new Set(indexes.map((pin) => context.pins.group[pin]))];
      return {
        groups: names.map((group) => indexes.filter((pin) => context.pins.group[pin] === group).map((pin) => context.pins.idOf(pin))),
      };
    },
  );
}

/** Groups of two and more pins that are there, by their first pin. */
function groupsOf(context: Context): number[][] {
  const groups = new Map<number, number[]>();
  for (const [pin, group] of context.catalog.groups.all()) {
    const members = groups.get(group) ?? (isThere(context, group) ? [group] : []);
    if (pin !== group && isThere(context, pin)) members.push(pin);
    groups.set(group, members);
  }
  return [...groups.values()].filter((members) => members.length > 1).sort((a, b) => a[0] - b[0]);
}

function isThere({ pins }: Context, pin: number): boolean {
  return pin < pins.count && (pins.flags[pin] & PIN_REMOVED) === 0;
}

function memberOf({ catalog, pins }: Context, pin: number): { id: string; title: string; saves: number } {
  return { id: pins.idOf(pin), title: catalog.pins.get(pin)?.title ?? '', saves: pins.saves[pin] };
}

/** The pictures next to a group that are not in it and were not said to differ, nearest first. */
function nearlyOf(context: Context, members: readonly number[]): { id: string; title: string; saves: number; likeness: number }[] {
  const { visual, sources, pins, catalog } = context;
  const [first] = members;
  if (!visual || !sources.visual || visual.image.has[first] !== 1) return [];
  const { codes, words } = visual.image;
  const code = codes.slice(first * words, (first + 1) * words);
  const accept = (pin: number): boolean =>
    (pins.flags[pin] & (PIN_REMOVED | PIN_HAS_IMAGE)) === PIN_HAS_IMAGE &&
    pins.group[pin] !== pins.group[first] &&
    !catalog.pairs.areDifferent(first, pin);
  const { pinIndexes, scores } = sources.visual.scan(code, NEARLY_MAX, first, accept);
  return Array.from(pinIndexes, (pin, i) => ({ ...memberOf(context, pin), likeness: scores[i] })).filter(
    ({ likeness }) => likeness >= NEARLY_LIKENESS,
  );
}
