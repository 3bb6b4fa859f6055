import { Type } from 'typebox';
import { AS_RETRIEVED } from '../ranker/baselines.ts';
import { promoteModel, rollBackModel } from '../ranker/model-promotion.ts';
import type { App, Service } from './routes.ts';
import { replies } from './schemas.ts';

const Nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Number>>(type: T) =>
  Type.Union([type, Type.Null()]);
const Model = Type.Object({
  name: Type.String(),
  createdAt: Nullable(Type.String()),
  kind: Nullable(Type.String()),
  source: Nullable(Type.String()),
  features: Type.Integer(),
  ndcg10: Nullable(Type.Number()),
  serving: Type.Boolean(),
  digest: Nullable(Type.String()),
  problem: Type.Optional(Type.String()),
});
const Why = Type.Object({
  why: Type.Optional(Type.String({ maxLength: 1000 })),
  force: Type.Optional(Type.Boolean()),
});
const Promotion = Type.Object({ model: Nullable(Type.String()), previous: Nullable(Type.String()) });

export function modelRoutes(app: App, { context }: Service): void {
  const { registry } = context;
  const schema = {
    summary: 'The stored models, oldest first, and which of them serves',
    tags: ['models'],
    response: replies(Type.Object({ serving: Type.String(), models: Type.Array(Model) })),
  };
  app.get('/v1/models', { schema, config: { scope: 'read' } }, async () => {
    const { serving } = registry.roles();
    return { serving: serving ?? AS_RETRIEVED, models: [...registry.list()] };
  });
  app.post(
    '/v1/models/:name/promote',
    {
      schema: {
        summary: 'Makes a model serve',
        tags: ['models'],
        params: Type.Object({ name: Type.String({ maxLength: 100 }) }),
        body: Type.Optional(Why),
        response: replies(Promotion),
      },
      config: { scope: 'admin' },
    },
    async (request) => {
      const { why = '', force = false } = request.body ?? {};
      const entry = promoteModel(registry, request.params.name, { who: request.keyName ?? 'http', why, force });
      await context.refresh();
      return { model: entry.model, previous: entry.previous };
    },
  );
  app.post(
    '/v1/models/roll-back',
    {
      schema: {
        summary: 'Serves again what served before the last promotion',
        tags: ['models'],
        body: Type.Optional(Why),
        response: replies(Promotion),
      },
      config: { scope: 'admin' },
    },
    async (request) => {
      const entry = rollBackModel(registry, { who: request.keyName ?? 'http', why: request.body?.why ?? '' });
      await context.refresh();
      return { model: entry.model, previous: entry.previous };
    },
  );
}
