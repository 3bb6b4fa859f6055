import { SITE_CATEGORIES } from '../../config.ts';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SOURCE_NAMES } from '../../candidates/candidate.ts';
import { SURFACES } from '../../catalog/log/served-list.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { cardOf, dashboardOf, reportCsv } from '../../experiments/report/dashboard.ts';
import type { Experiment } from '../../experiments/experiment-store.ts';
import type { ExperimentDefinition, KnownParts } from '../../experiments/experiment.ts';
import type { Experiments } from '../../experiments/experiments.ts';
import { tellVerdicts } from '../../experiments/verdict-messages.ts';
import { conclude } from '../../service/experiment-conclusion.ts';
import { mayKnowPeople } from '../shell/guard.ts';
import { metricsOf, NO_OWN_METRICS, type OwnMetrics } from '../../experiments/own-metrics.ts';
import { SHIPPED_MODELS } from '../../ranker/registry/model-registry.ts';
import { exposureRoutes } from './exposures.ts';
import { judgementRoutes } from './judgements.ts';
import type { App, Service } from './routes.ts';
import {
  ConcludeBody,
  DefinitionBody,
  DefinitionVersion,
  ExperimentList,
  ExperimentState,
  ExperimentView,
  KeyParams,
  Report,
} from '../experiment-schemas.ts';
import { replies, repliesAs } from '../schemas.ts';

const Interval = Type.Optional(Type.Union([Type.Literal('always-valid'), Type.Literal('fixed-horizon')]));
const ReportQuery = Type.Object({
  interval: Interval,
  format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('csv')])),
});
const STEPS = ['start', 'stop', 'archive'] as const;
/** Milliseconds between two counts of what the log has gained, so that a page that is opened has little left to count. */
const COUNT_EVERY_MS = 5000;

/** Experiments over HTTP: the same core as the jobs and the dashboard. */
export function experimentRoutes(app: App, service: Service): void {
  const desk = deskOf(service);
  listRoute(app, desk);
  readRoutes(app, desk);
  changeRoutes(app, desk);
  exposureRoutes(app, service, desk.core, desk.known);
  judgementRoutes(app, service, desk.core);
  countNowAndThen(app, desk.core);
  tellNowAndThen(app, desk.core, service.context.config.webhook);
}

const schema = <R>(summary: string, reply: R) => ({ summary, tags: ['experiments'], response: replies(reply) });
const authorOf = (keyName: string | null) => ({ by: keyName ?? 'http', at: Date.now() });

/** What the routes share. */
type Desk = ReturnType<typeof deskOf>;

function deskOf({ context, keys }: Service) {
  const { experiments: core, registry } = context;
  /** Units that were put into an arm by hand are people: who may not know them does not see them, and leaves them as they are. */
  const shown = ({ forced, ...definition }: ExperimentDefinition, request: FastifyRequest) =>
    mayKnowPeople(request, keys) ? { ...definition, forced } : definition;
  const stateOf = ({ key, state, version, definition }: Experiment, request: FastifyRequest) => ({
    key,
    state,
    version,
    definition: shown(definition, request),
  });
  const known = (own: OwnMetrics = context.ownMetrics.current()) =>
    ({
      models: [...SHIPPED_MODELS, ...registry.names()],
      sources: [...SOURCE_NAMES, ...context.sources.vectors.sources.map(({ name }) => name)],
      categories: SITE_CATEGORIES,
      surfaces: SURFACES,
      own,
    }) satisfies KnownParts;
  return { context, core, shown, stateOf, known };
}

function listRoute(app: App, { context, core, known }: Desk): void {
  const { config, registry } = context;
  const all = schema('All experiments with state, verdict and health', ExperimentList);
  app.get('/v1/experiments', { schema: all, config: { scope: 'read' } }, async () => {
    const metricsProblem = context.ownMetrics.problem();
    const own = metricsProblem === null ? context.ownMetrics.current() : NO_OWN_METRICS;
    const { own: _, ...names } = known(own);
    return {
      experiments: core.store
        .list()
        .map((experiment) =>
          cardOf(
            experiment,
            experiment.state === 'draft' ? null : core.reportAsCounted(experiment),
            core.store.lastRemark(experiment.key, 'concluded')?.detail ?? null,
          ),
        ),
      holdout: config.experimentHoldout,
      /** What a definition may name. */
      known: {
        ...names,
        serving: registry.roles().serving,
        metrics: metricsOf({ ownMetrics: own.metrics }).map(({ name, label, kind, meaning }) => ({ name, label, kind, meaning })),
        dimensions: own.dimensions,
        metricsProblem,
      },
    };
  });
}

function readRoutes(app: App, { core, shown }: Desk): void {
  app.get(
    '/v1/experiments/:key',
    {
      schema: {
        ...schema('One experiment as the dashboard shows it', ExperimentView),
        params: KeyParams,
        querystring: Type.Object({ interval: Interval }),
      },
      config: { scope: 'read' },
    },
    async (request) => {
      const experiment = core.store.get(request.params.key);
      await core.catchUp(experiment);
      const report = core.reportAsCounted(experiment, request.query.interval);
      return { ...dashboardOf(experiment, report, core.store.audit(experiment.key)), definition: shown(experiment.definition, request) };
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
        response: repliesAs({ 'application/json': Report, 'text/csv': Type.String() }),
      },
      config: { scope: 'read' },
    },
    async (request, reply) => {
      const experiment = core.store.get(request.params.key);
      await core.catchUp(experiment);
      const report = core.reportAsCounted(experiment, request.query.interval);
      if (request.query.format !== 'csv') return report;
      return reply.type('text/csv; charset=utf-8').send(reportCsv(report));
    },
  );

  app.get(
    '/v1/experiments/:key/versions/:version',
    {
      schema: {
        ...schema('The definition as it was in a version', DefinitionVersion),
        params: Type.Object({ key: KeyParams.properties.key, version: Type.Integer({ minimum: 1 }) }),
      },
      config: { scope: 'read' },
    },
    async (request) => {
      const { key, version } = request.params;
      const definition = core.store.definitionAt(core.store.get(key).key, version);
      if (definition) return { key, version, definition: shown(definition, request) };
      throw new ServiceError('REQUEST_INVALID', { detail: `${key} has no version ${version}.`, field: 'version' });
    },
  );
}

function changeRoutes(app: App, { context, core, stateOf, known }: Desk): void {
  app.post(
    '/v1/experiments',
    {
      schema: { ...schema('Checks a definition and keeps it as a draft', ExperimentState), body: DefinitionBody },
      // `define` checks it, and says which field is wrong in the words of experiments.
      validatorCompiler: () => () => true,
      config: { scope: 'admin', body: 'definition' },
    },
    async (request) => stateOf(core.define(request.body, known(), authorOf(request.keyName)), request),
  );

  for (const step of STEPS) {
    app.post(
      `/v1/experiments/:key/${step}`,
      { schema: { ...schema(`Moves an experiment on: ${step}`, ExperimentState), params: KeyParams }, config: { scope: 'admin' } },
      async (request) => stateOf(core.store[step](request.params.key, authorOf(request.keyName)), request),
    );
  }

  app.post(
    '/v1/experiments/:key/ramp',
    {
      schema: {
        ...schema('Widens the share of units that take part; nobody changes arms', ExperimentState),
        params: KeyParams,
        body: Type.Object({ traffic: Type.Number({ minimum: 0, maximum: 1 }) }),
      },
      config: { scope: 'admin' },
    },
    async (request) => stateOf(core.store.ramp(request.params.key, request.body.traffic, authorOf(request.keyName)), request),
  );

  app.post(
    '/v1/experiments/:key/conclude',
    {
      schema: {
        ...schema('Ends an experiment: the winner serves, or the control stays; the reason is kept', ExperimentState),
        params: KeyParams,
        body: ConcludeBody,
      },
      config: { scope: 'admin' },
    },
    async (request) => stateOf(await conclude(context, core, request.params.key, request.body, authorOf(request.keyName)), request),
  );
}

function countNowAndThen(app: App, core: Experiments): void {
  const timer = setInterval(() => {
    core.catchUpRunning().catch((error: unknown) => app.log.warn({ reason: reasonOf(error) }, 'exposures were not counted'));
  }, COUNT_EVERY_MS).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}

/** Milliseconds between two looks for a verdict that changed. */
const TELL_EVERY_MS = 60_000;

function tellNowAndThen(app: App, core: Experiments, address: string): void {
  const timer = setInterval(() => {
    const warn = (reason: string): void => app.log.warn({ reason }, 'a verdict was not told');
    tellVerdicts(core, address, Date.now()).then(
      (failed) => failed.forEach(warn),
      (error: unknown) => warn(reasonOf(error)),
    );
  }, TELL_EVERY_MS).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
