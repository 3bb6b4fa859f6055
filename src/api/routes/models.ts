import { Type } from 'typebox';
import { summarizeDarkReads } from '../../ranker/registry/dark-reads.ts';
import { type Decision, rollBackModel, setCanary, setDark } from '../../ranker/registry/model-promotion.ts';
import { promoteJudged } from '../../service/model-judge.ts';
import { SHIPPED_MODELS } from '../../ranker/registry/model-registry.ts';
import type { AuditEntry } from '../../ranker/registry/model-registry.ts';
import type { Context } from '../../service/context.ts';
import type { App, Service } from './routes.ts';
import { Nullable, type Reply, replies } from '../schemas.ts';

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
const Trial = Type.Union([Type.Object({ model: Type.String(), share: Type.Number() }), Type.Null()]);
const Models = Type.Object({
  serving: Type.String(),
  shipped: Type.Array(Type.String(), { description: 'Models that every installation has: they serve like stored ones.' }),
  servingOn: Type.Object({ 'home-feed': Nullable(Type.String()), rank: Nullable(Type.String()) }),
  canary: Trial,
  dark: Trial,
  problem: Nullable(Type.String({ description: 'Why the promoted model could not be taken up; the one before serves.' })),
  models: Type.Array(Model),
});
export type ModelsReply = Reply<typeof Models>;
const whyFields = { why: Type.Optional(Type.String({ maxLength: 1000 })) };
const Why = Type.Optional(Type.Object(whyFields));
const Promote = Type.Optional(Type.Object({ ...whyFields, force: Type.Optional(Type.Boolean()) }));
const Try = Type.Object({ ...whyFields, share: Type.Number({ exclusiveMinimum: 0, maximum: 1 }) });
const TryInTheDark = Type.Optional(Type.Object({ ...whyFields, share: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })) }));
const Change = Type.Object({
  model: Nullable(Type.String()),
  previous: Nullable(Type.String()),
  share: Type.Optional(Type.Number()),
});
const Named = Type.Object({ name: Type.String({ maxLength: 100 }) });
const Spread = Type.Union([
  Type.Object({
    count: Type.Integer(),
    mean: Type.Number(),
    p5: Type.Number(),
    p50: Type.Number(),
    p95: Type.Number(),
    p99: Type.Number(),
  }),
  Type.Null(),
]);
const Sides = Type.Object({ serving: Spread, dark: Spread });
const DarkReads = Type.Object({
  dark: Trial,
  model: Nullable(Type.String()),
  problem: Nullable(Type.String({ description: 'Why the model cannot read.' })),
  counts: Type.Object(
    { read: Type.Integer(), leftOut: Type.Integer(), failed: Type.Integer() },
    { description: 'Since the process started.' },
  ),
  reads: Type.Integer(),
  problems: Type.Record(Type.String(), Type.Integer()),
  overlap: Type.Record(Type.String(), Type.Number(), {
    description: 'Mean share of the first k items in common, by k.',
  }),
  kendallTau: Spread,
  rankChange: Spread,
  firstDiffersShare: Nullable(Type.Number()),
  scores: Sides,
  latencyMs: Sides,
  bySurface: Type.Record(Type.String(), Type.Object({ reads: Type.Integer(), overlapAt10: Type.Number() })),
});

const DarkNetReads = Type.Object({
  ...DarkReads.properties,
  dark: Type.Union([Type.Object({ net: Type.String(), share: Type.Number(), model: Type.String(), since: Type.String() }), Type.Null()]),
  model: Nullable(Type.String({ description: 'net:NAME MODEL, of the net that reads or that read last.' })),
});

export function modelRoutes(app: App, { context }: Service): void {
  const { registry } = context;
  const admin = { config: { scope: 'admin' } } as const;
  const read = { config: { scope: 'read' } } as const;
  const schema = {
    summary: 'The stored models, oldest first, and the parts they play',
    tags: ['models'],
    response: replies(Models),
  };
  app.get('/v1/models', { ...read, schema }, async () => {
    return { ...registry.roles(), shipped: [...SHIPPED_MODELS], problem: context.models.problem, models: [...registry.list()] };
  });
  const told = async ({ model, previous, share }: AuditEntry) => {
    await context.refresh();
    return { model, previous, ...(share === undefined ? {} : { share }) };
  };
  const decisionOf = (request: { keyName: string | null; body?: unknown }): Decision => {
    const { why = '', force = false } = (request.body ?? {}) as { why?: string; force?: boolean };
    return { who: request.keyName ?? 'http', why, force };
  };
  const about = <B>(summary: string, body: B) => ({ summary, tags: ['models'], body, response: replies(Change) });
  app.post('/v1/models/:name/promote', { ...admin, schema: { ...about('Makes a model serve', Promote), params: Named } }, async (request) =>
    told(await promoteJudged(context, request.params.name, decisionOf(request))),
  );
  app.post(
    '/v1/models/roll-back',
    { ...admin, schema: about('Serves again what served before the last promotion', Why) },
    async (request) => told(rollBackModel(registry, decisionOf(request))),
  );
  app.post(
    '/v1/models/:name/canary',
    { ...admin, schema: { ...about('Tries a model on a share of the users', Try), params: Named } },
    async (request) => told(setCanary(registry, { model: request.params.name, share: request.body.share }, decisionOf(request))),
  );
  app.post('/v1/models/canary/stop', { ...admin, schema: about('Ends the trial of a model', Why) }, async (request) =>
    told(setCanary(registry, null, decisionOf(request))),
  );
  app.post(
    '/v1/models/:name/dark',
    {
      ...admin,
      schema: {
        ...about('Lets a model score a share of the live lists without showing anything', TryInTheDark),
        params: Named,
      },
    },
    async (request) => told(setDark(registry, { model: request.params.name, share: request.body?.share ?? 1 }, decisionOf(request))),
  );
  app.post('/v1/models/dark/stop', { ...admin, schema: about('Ends the dark reads', Why) }, async (request) =>
    told(setDark(registry, null, decisionOf(request))),
  );
  darkReportRoutes(app, context);
}

function darkReportRoutes(app: App, context: Context): void {
  const read = { config: { scope: 'read' } } as const;
  const report = {
    summary: 'How lists would differ under the model that scores in the dark',
    tags: ['models'],
    response: replies(DarkReads),
  };
  app.get('/v1/models/dark/report', { ...read, schema: report }, async () => {
    const { model, reads } = context.darkReading.lastReads(REPORTED_READS);
    const { counts } = context.darkReading;
    const { darkProblem: problem } = context.models;
    return { dark: context.registry.roles().dark, model, problem, counts: { ...counts }, ...summarizeDarkReads(reads) };
  });
  const netReport = {
    summary: 'How closeups would differ with the net that reads in the dark, its features, neighbours and model',
    tags: ['models'],
    response: replies(DarkNetReads),
  };
  app.get('/v1/nets/dark/report', { ...read, schema: netReport }, async () => {
    const { darkNet, darkNetReading } = context;
    const { model, reads } = darkNetReading.lastReads(REPORTED_READS);
    return { dark: darkNet.pointer, model, problem: darkNet.problem, counts: { ...darkNetReading.counts }, ...summarizeDarkReads(reads) };
  });
}

/** The page asks for the last of them; report-dark-reads sums up all. */
const REPORTED_READS = 2000;
