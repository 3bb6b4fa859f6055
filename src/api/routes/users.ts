import { Type } from 'typebox';
import { PIN_REMOVED } from '../../catalog/pins/pin-columns.ts';
import type { App, Service } from './routes.ts';
import { type Reply, replies, UserParams } from '../schemas.ts';

const History = Type.Object({
  history: Type.Array(Type.Object({ pinId: Type.String(), type: Type.String(), at: Type.Number(), title: Type.String() })),
});
const Users = Type.Object({ users: Type.Array(Type.Object({ id: Type.String(), saves: Type.Integer() })) });
export type HistoryReply = Reply<typeof History>;
export type UsersReply = Reply<typeof Users>;
const LimitQuery = Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })) });

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
    '/v1/users',
    { schema: { ...get('Some users with saves'), querystring: LimitQuery, response: replies(Users) }, config: { scope: 'people' } },
    async (request) => {
      const limit = request.query.limit ?? 50;
      const users: { id: string; saves: number }[] = [];
      for (let user = 0; user < catalog.users.count() && users.length < limit; user++) {
        const id = catalog.users.idOf(user);
        const saves = id === null ? 0 : catalog.saves.ofUser(user).length;
        if (id !== null && saves > 0) users.push({ id, saves });
      }
      return { users };
    },
  );
}
