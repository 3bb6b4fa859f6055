import { Type } from 'typebox';
import { SOURCE_NAMES } from '../candidates/candidate.ts';
import { siteCategories } from '../catalog/pin-columns.ts';
import { SURFACES } from '../catalog/served-list.ts';
import { cardOf, dashboardOf, reportCsv } from '../experiments/dashboard.ts';
import type { Experiment } from '../experiments/experiment-store.ts';
import type { KnownParts } from '../experiments/experiment.ts';
import { Experiments } from '../experiments/experiments.ts';
import { describeByCatalog } from '../experiments/query-segment.ts';
import { AS_RETRIEVED } from '../ranker/baselines.ts';
import type { App, Service } from './routes.ts';
import { replies } from './schemas.ts';

const KeyParams = Type.Object({ key: Type.String({ minLength: 1, maxLength: 100 }) });
const ReportQuery = Type.Object({
  interval: Type.Optional(Type.Union([Type.Literal('always-valid'), Type.Literal('fixed-horizon')])),
  format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('csv')])),
});
/** Reports are wide and grow; their shape is src/experiments/report.ts, and INTERFACES fixes what callers rely on. */
const Anything = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });
const STEPS = ['start', 'stop', 'archive'] as const;

/** Experiments over HTTP: the same core as the jobs and the dashboard. */
export function experimentRoutes(app: App, { context }: Service): void {
  const { catalog, config, experimentDatabase, log, registry } = context;
  const core = new Experiments(experimentDatabase, {
    log,
    describe: describeByCatalog(catalog),
    holdout: config.experimentHoldout,
  });
  const schema = (summary: string) => ({ summary, tags: ['experiments'], response: replies(Anything) });
  const stateOf = ({ key, state, version, definition }: Experiment) => ({ key, state, version, definition });

  app.get(
    '/v1/experiments',
    { schema: schema('All experiments with state, verdict and health'), config: { scope: 'read' } },
    async () => ({
      experiments: core.store
        .list()
        .map((experiment) =>
          cardOf(experiment, experiment.state === 'draft' ? null : core.reportAsCounted(experiment)),
        ),
    }),
  );

  app.post(
    '/v1/experiments',
    {
      schema: { ...schema('Checks a definition and keeps it as a draft'), body: Anything },
      config: { scope: 'admin' },
    },
    async (request) => {
      const known: KnownParts = {
        models: [AS_RETRIEVED, ...registry.names()],
        sources: SOURCE_NAMES,
        categories: siteCategories(config.categories),
        surfaces: SURFACES,
      };
      return stateOf(core.define(request.body, known, { by: request.keyName ?? 'http', at: Date.now() }));
    },
  );

  app.get(
    '/v1/experiments/:key',
    { schema: { ...schema('One experiment as the dashboard shows it'), params: KeyParams }, config: { scope: 'read' } },
    async (request) => {
      const experiment = core.store.get(request.params.key);
      return { ...dashboardOf(experiment, core.report(experiment.key), core.store.audit(experiment.key)) };
    },
  );

  app.get(
    '/v1/experiments/:key/report',
    {
      schema: {
        summary: 'The report: verdict, lifts with intervals, health',
        tags: ['experiments'],
        params: KeyParams,
        querystring: ReportQuery,
      },
      config: { scope: 'read' },
    },
    async (request, reply) => {
      const report = core.report(request.params.key, request.query.interval);
      if (request.query.format !== 'csv') return report;
      return reply.type('text/csv; charset=utf-8').send(reportCsv(report));
    },
  );

  for (const step of STEPS) {
    app.post(
      `/v1/experiments/:key/${step}`,
      { schema: { ...schema(`Moves an experiment on: ${step}`), params: KeyParams }, config: { scope: 'admin' } },
      async (request) =>
        stateOf(core.store[step](request.params.key, { by: request.keyName ?? 'http', at: Date.now() })),
    );
  }

  judgementRoutes(app, core);
}

/** Blind judgements: the next task of a judge, an answer, the summary of a study. */
function judgementRoutes(app: App, core: Experiments): void {
  const StudyParams = Type.Object({ study: Type.String({ minLength: 1, maxLength: 100 }) });
  const Judge = Type.Object({ judge: Type.String({ minLength: 1, maxLength: 256 }) });
  const Answer = Type.Object({
    taskId: Type.String({ maxLength: 100 }),
    judge: Judge.properties.judge,
    answer: Type.Integer(),
  });
  const schema = (summary: string) => ({ summary, tags: ['judgements'], response: replies(Anything) });
  app.get(
    '/v1/judgements',
    { schema: schema('The studies, with preference and agreement'), config: { scope: 'read' } },
    async () => ({
      studies: core.judgements.studies().map((study) => core.judgements.summary(study)),
    }),
  );
  app.get(
    '/v1/judgements/:study/next',
    {
      schema: {
        ...schema('What a judge sees next; nothing tells the treatments apart'),
        params: StudyParams,
        querystring: Judge,
      },
      config: { scope: 'events' },
    },
    async (request) => ({ task: core.judgements.next(request.params.study, request.query.judge) }),
  );
  app.post(
    '/v1/judgements/:study',
    { schema: { ...schema('An answer of a judge'), params: StudyParams, body: Answer }, config: { scope: 'events' } },
    async (request) => {
      const { taskId, judge, answer } = request.body;
      core.judgements.answer(taskId, judge, answer, Date.now());
      return { task: core.judgements.next(request.params.study, judge) };
    },
  );
}
