/** One stored model, how two differ, what the judge says of one, and who changed what: what the page /models shows. */
import { Type } from 'typebox';
import { diffModels } from '../../ranker/measures/model-difference.ts';
import { AS_RETRIEVED } from '../../ranker/measures/baselines.ts';
import type { AuditEntry } from '../../ranker/registry/model-registry.ts';
import { judgeModel } from '../../service/model-judge.ts';
import { Nullable, type Reply, replies } from '../schemas.ts';
import type { App, Service } from './routes.ts';

const Named = Type.Object({ name: Type.String({ maxLength: 100 }) });
const Interval = Type.Object({ mean: Type.Number(), low: Nullable(Type.Number()), high: Nullable(Type.Number()) });
const Details = Type.Object(
  {
    name: Type.String(),
    kind: Type.String(),
    surface: Nullable(Type.String({ description: 'The only surface it orders; null: every one.' })),
    createdAt: Type.String(),
    counts: Type.Object({ lists: Type.Integer(), rows: Type.Integer(), pairs: Type.Integer() }),
    ndcg10: Type.Record(Type.String(), Interval, { description: 'NDCG@10 on the lists held out, by contender.' }),
    features: Type.Array(Type.Object({ name: Type.String(), weight: Type.Number() }), {
      description: 'Of weight other than 0, the heaviest first.',
    }),
  },
  { description: 'A stored model.' },
);
export type ModelDetails = Reply<typeof Details>;
const Differences = Type.Object(
  {
    before: Type.String(),
    after: Type.String(),
    differences: Type.Array(
      Type.Object({
        feature: Type.String(),
        before: Nullable(Type.Number()),
        after: Nullable(Type.Number()),
        change: Type.Number(),
        normalizationChanged: Type.Boolean(),
      }),
    ),
  },
  { description: 'Two models, feature by feature, the greatest change of weight first.' },
);
export type ModelDifferences = Reply<typeof Differences>;
const ModelJudgement = Type.Object(
  {
    model: Type.String(),
    against: Type.String(),
    word: Type.String({ description: 'better, as good, worse, or cannot tell' }),
    reason: Type.String(),
    evidence: Type.Array(
      Type.Object({
        kind: Type.String(),
        word: Type.String(),
        lift: Nullable(Type.Number()),
        low: Nullable(Type.Number()),
        high: Nullable(Type.Number()),
        count: Type.Integer(),
        says: Type.String(),
      }),
    ),
  },
  { description: 'Whether a model is better than the one that serves, and what that rests on.' },
);
export type ModelJudgementReply = Reply<typeof ModelJudgement>;
const ModelHistory = Type.Object({
  changes: Type.Array(
    Type.Object({
      at: Type.String(),
      action: Type.String(),
      model: Nullable(Type.String()),
      previous: Nullable(Type.String()),
      who: Type.String(),
      why: Type.String(),
      forced: Type.Boolean(),
      surface: Nullable(Type.String()),
      judged: Nullable(Type.String()),
    }),
  ),
});
export type ModelHistoryReply = Reply<typeof ModelHistory>;

const CHANGES = 100;

export function modelDetailRoutes(app: App, { context }: Service): void {
  const { registry } = context;
  const schema = <T>(summary: string, ok: T) => ({ summary, tags: ['models'], response: replies(ok) });
  app.get(
    '/v1/models/history',
    { schema: schema('Promotions, roll-backs and trials, the newest first', ModelHistory), config: { scope: 'read' } },
    async () => ({ changes: registry.history().slice(-CHANGES).reverse().map(changeOf) }),
  );
  app.get(
    '/v1/models/:name',
    { schema: { ...schema('A stored model: features, weights, figures', Details), params: Named }, config: { scope: 'read' } },
    async ({ params }) => {
      const { name, kind, surface = null, createdAt, counts, ndcg10, features } = registry.read(params.name);
      const weighed = features.map((feature) => ({ name: feature.name, weight: feature.weight })).filter(({ weight }) => weight !== 0);
      const figures = Object.entries(ndcg10).map(([who, { mean, low, high }]) => [who, { mean, low: finite(low), high: finite(high) }]);
      return {
        name,
        kind,
        surface,
        createdAt,
        counts: { ...counts },
        ndcg10: Object.fromEntries(figures),
        features: weighed.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)),
      };
    },
  );
  app.get(
    '/v1/models/:name/differences',
    {
      schema: {
        ...schema('How a model differs from another, by default from the one that serves', Differences),
        params: Named,
        querystring: Type.Object({ from: Type.Optional(Type.String({ maxLength: 100 })) }),
      },
      config: { scope: 'read' },
    },
    async ({ params, query: { from = registry.roles().serving } }) => {
      const before = from === AS_RETRIEVED ? { ...registry.read(params.name), name: from, features: [] } : registry.read(from);
      return { before: from, after: params.name, differences: diffModels(before, registry.read(params.name)).map((row) => ({ ...row })) };
    },
  );
  app.get(
    '/v1/models/:name/judgement',
    {
      schema: { ...schema('What the judge says of a model beside the one that serves', ModelJudgement), params: Named },
      config: { scope: 'read', lane: 'heavy' },
    },
    async ({ params }) => {
      const { model, against, word, reason, evidence } = await judgeModel(context, params.name);
      return { model, against, word, reason, evidence: evidence.map((each) => ({ ...each })) };
    },
  );
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function changeOf({ at, action, model, previous, who, why, forced, surface, judged }: AuditEntry) {
  return { at, action, model, previous, who, why, forced, surface: surface ?? null, judged: judged ?? null };
}
