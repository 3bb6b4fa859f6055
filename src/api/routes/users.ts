import { Type } from 'typebox';
import { PIN_REMOVED } from '../../catalog/pins/pin-columns.ts';
import type { App, Service } from './routes.ts';
import { type Reply, replies, UserParams } from '../schemas.ts';

const History = Type.Object({
  history: Type.Array(Type.Object({ pinId: Type.String(), type: Type.String(), at: Type.Number(), title: Type.String() })),
});
const Hidden = Type.Object({
  hidden: Type.Array(
    Type.Object({
      pinId: Type.String(),
      at: Type.Number({ description: 'Epoch milliseconds.' }),
      reason: Type.Union([Type.String(), Type.Null()]),
      title: Type.String(),
    }),
  ),
});
const Users = Type.Object({
  users: Type.Array(
    Type.Object({
      id: Type.String(),
      saves: Type.Integer(),
      lastAt: Type.Union([Type.Number(), Type.Null()], { description: 'Of the last save or action, epoch milliseconds.' }),
    }),
  ),
});
export type HistoryReply = Reply<typeof History>;
export type UsersReply = Reply<typeof Users>;
const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 }));
const LimitQuery = Type.Object({ limit: Limit });
const UsersQuery = Type.Object({
  limit: Limit,
  q: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Users whose id holds this text.' })),
});

export function userRoutes(app: App, { context }: Service): void {
  const { catalog, pins } = context;
  const get = (summary: string) => ({ summary, tags: ['browse'] });
  app.get(
    '/v1/users/:id/history',
    {
      schema: { ...get('What a user did, newest first'), params: UserParams, querystring: LimitQuery, response: replies(History) },
      config: { scope: 'people' },
    },
    async (request) => {
      const actions = context
        .pastOf(request.params.id, { limit: request.query.limit ?? 50 })
        .filter(({ pinIndex }) => (pins.flags[pinIndex] & PIN_REMOVED) === 0);
      const history = actions.map(({ pinIndex, type, at }) => {
        return { pinId: pins.idOf(pinIndex), type, at, title: catalog.pins.get(pinIndex)?.title ?? '' };
      });
      return { history };
    },
  );
  app.get(
    '/v1/users/:id/hidden',
    {
      schema: { ...get('The pins a user has hidden and not taken back, newest first'), params: UserParams, response: replies(Hidden) },
      config: { scope: 'people' },
    },
    async (request) => {
      const hidden = context
        .hiddenOf(request.params.id, Date.now())
        .filter(({ pinIndex }) => (pins.flags[pinIndex] & PIN_REMOVED) === 0)
        .map(({ pinIndex, at, reason }) => ({ pinId: pins.idOf(pinIndex), at, reason, title: catalog.pins.get(pinIndex)?.title ?? '' }));
      return { hidden: hidden.reverse() };
    },
  );
  app.get(
    '/v1/users',
    {
      schema: { ...get('Users with saves: who saved last, or whose id holds a text'), querystring: UsersQuery, response: replies(Users) },
      config: { scope: 'people' },
    },
    async ({ query: { limit = 50, q } }) => {
      const { users, saves } = catalog;
      const rows = (q === undefined ? saves.lastSavers(limit) : users.named(q, limit)).flatMap((userIndex) => {
        const id = users.idOf(userIndex);
        const count = saves.countOfUser(userIndex);
        return id === null || count === 0 ? [] : [{ id, saves: count, lastAt: context.pastOf(id, { limit: 1 })[0]?.at ?? null }];
      });
      return { users: rows };
    },
  );
}
