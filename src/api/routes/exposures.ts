/** What an experiment's units met, and what one could find before it starts: the rows behind a report. */
import { Type } from 'typebox';
import { PIN_REMOVED, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { StoredList } from '../../catalog/log/served-list-log.ts';
import type { QuerySegment } from '../../experiments/counting/exposure-log.ts';
import type { KnownParts } from '../../experiments/experiment.ts';
import type { Experiments } from '../../experiments/experiments.ts';
import type { FirstExposure } from '../../experiments/experiments.ts';
import { queryFacts } from '../../service/query-facts.ts';
import { DefinitionBody, DifferenceList, ExposurePage, Forecast, KeyParams } from '../experiment-schemas.ts';
import type { App, Service } from './routes.ts';
import { replies } from '../schemas.ts';

/** Lists of the history that a forecast reads while requests are served. */
const FORECAST_LISTS_MAX = 200_000;
const EXAMPLES = 12;

const ForecastQuery = Type.Object({ days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, default: 14 })) });
const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  after: Type.Optional(Type.String({ maxLength: 256, description: 'The last unit of the page before.' })),
});

const schema = <R>(summary: string, reply: R) => ({ summary, tags: ['experiments'], params: KeyParams, response: replies(reply) });

export function exposureRoutes(app: App, { context }: Service, core: Experiments, known: () => KnownParts): void {
  const { pins } = context;
  const questionOf = (days: number) => ({
    now: Date.now(),
    days,
    listsMax: FORECAST_LISTS_MAX,
    factsOf: ({ surface, queryPinIndex }: StoredList, { hasDominantObject }: QuerySegment) => ({
      ...queryFacts(pins, null, { surface, pinIndex: queryPinIndex }),
      hasDominantObject,
    }),
  });

  app.get(
    '/v1/experiments/:key/forecast',
    {
      schema: { ...schema('What it could find in so many days, by the log of as many days before', Forecast), querystring: ForecastQuery },
      config: { scope: 'read', lane: 'heavy' },
    },
    async ({ params, query: { days = 14 } }) => core.forecast(params.key, questionOf(days)),
  );

  app.post(
    '/v1/experiments/forecast',
    {
      schema: {
        summary: 'What a definition that is not kept yet could find in its planned days',
        tags: ['experiments'],
        body: DefinitionBody,
        response: replies(Forecast),
      },
      // It is checked like one that is kept, in the words of experiments.
      validatorCompiler: () => () => true,
      config: { scope: 'read', lane: 'heavy', body: 'definition' },
    },
    async ({ body }) => core.forecastOf(body, known(), questionOf),
  );
  rowRoutes(app, pins, core);
}

function rowRoutes(app: App, pins: PinColumns, core: Experiments): void {
  app.get(
    '/v1/experiments/:key/exposures',
    {
      schema: {
        ...schema("Each unit's first exposure: arm, list, model, sources, positions, propensities", ExposurePage),
        querystring: PageQuery,
      },
      config: { scope: 'people' },
    },
    async ({ params, query: { limit = 100, after = '' } }) => {
      const exposures = core.firstExposures(params.key, after, limit);
      const next = exposures.length === limit ? (exposures.at(-1)?.unit ?? null) : null;
      return { exposures: exposures.map((each) => exposureReply(each, (pinIndex) => pins.idOf(pinIndex))), nextAfter: next };
    },
  );

  app.get(
    '/v1/experiments/:key/differences',
    {
      schema: schema('Lists on which the arms differ, newest first: what to look at with your own eyes', DifferenceList),
      config: { scope: 'read' },
    },
    async ({ params }) => {
      const lists = core.differingLists(params.key, EXAMPLES);
      return {
        differences: lists
          .filter(({ queryPinIndex }) => queryPinIndex >= 0 && (pins.flags[queryPinIndex] & PIN_REMOVED) === 0)
          .map(({ recommendationId, at, arm, queryPinIndex }) => ({
            recommendationId,
            at,
            arm,
            queryPinId: pins.idOf(queryPinIndex),
          })),
      };
    },
  );
}

function exposureReply({ unit, arm, list }: FirstExposure, idOf: (pinIndex: number) => string) {
  const { items } = list;
  const shown = Array.from(items.positions.keys()).filter((i) => items.positions[i] > 0);
  return {
    unit,
    arm,
    at: list.at,
    recommendationId: list.recommendationId,
    model: list.modelVersion,
    surface: list.surface,
    sources: items.sourceNames,
    items: shown.map((i) => ({
      pinId: idOf(items.pinIndexes[i]),
      position: items.positions[i],
      propensity: items.propensities[i],
      sources: items.sourceNames.filter((_, s) => !Number.isNaN(items.sourceScores[i * items.sourceNames.length + s])),
    })),
  };
}
