/** Experiments and judgements over HTTP: the shapes of their requests and replies, which the pages read too. */
import { Type } from 'typebox';
import { EVENT_TYPES } from '../catalog/pins/records.ts';
import { TreatmentSchema } from '../treatment.ts';
import { NumberOrNull, oneOf, type Reply, TextOrNull } from './schemas.ts';

const Count = Type.Integer({ minimum: 0 });
const Share = Type.Number({ minimum: 0, maximum: 1 });

export const KeyParams = Type.Object({ key: Type.String({ minLength: 1, maxLength: 100 }) });

const State = oneOf('draft', 'running', 'stopped', 'archived');
const Tone = oneOf('good', 'bad', 'open', 'broken');
const LiftFields = { lift: NumberOrNull, low: NumberOrNull, high: NumberOrNull };

const Arm = Type.Object({
  key: Type.String(),
  weight: Share,
  treatment: Type.Partial(TreatmentSchema, { description: 'What the arm changes; absent fields keep what serves outside experiments.' }),
});
const OwnMetric = Type.Object({
  name: Type.String(),
  label: Type.String(),
  kind: oneOf('mean', 'ratio', 'proportion'),
  events: Type.Array(oneOf(...EVENT_TYPES)),
  better: oneOf('up', 'down'),
  meaning: Type.String(),
});
const MarginFields = {
  margin: Type.Number({ description: 'Harm that is tolerated: 0.02 allows 2 % worse; with marginUnit absolute, 5 allows 5 ms more.' }),
  marginUnit: Type.Optional(oneOf('absolute')),
};
const DefinitionFields = {
  description: Type.String(),
  hypothesis: Type.String({ description: 'What is expected, and why.' }),
  owner: Type.String(),
  tags: Type.Array(Type.String()),
  unit: oneOf('user', 'session'),
  design: oneOf('split', 'interleaved'),
  seed: Type.String({ description: 'Salts the hash; the key by default.' }),
  hashVersion: Type.Integer(),
  layer: Type.Object({
    name: Type.String(),
    slots: Type.Unsafe<readonly [number, number]>({ type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 }),
  }),
  traffic: Share,
  eligibility: Type.Object({
    surfaces: Type.Optional(Type.Array(Type.String())),
    querySet: Type.Optional(
      Type.Union([Type.Object({ popular: Type.Integer({ minimum: 1 }) }), Type.Object({ pinIds: Type.Array(Type.String()) })]),
    ),
    categories: Type.Optional(Type.Array(Type.String())),
    dominantObject: Type.Optional(Type.Boolean()),
  }),
  metrics: Type.Array(Type.String(), { description: 'The first one decides.' }),
  ownMetrics: Type.Array(OwnMetric, { description: 'Those that metrics.json defines, as it did then. Filled in by the service.' }),
  dimensions: Type.Array(Type.String(), { description: 'Dimensions of metrics.json that divide the report; default: all.' }),
  guardrails: Type.Array(Type.Object({ metric: Type.String(), ...MarginFields })),
  caps: Type.Record(Type.String(), Type.Number(), { description: 'Totals of a unit above the cap count as the cap, by metric.' }),
  attributionHours: Type.Number(),
  attribution: Type.Object({
    closeup: Type.Optional(Type.Number()),
    click: Type.Optional(Type.Number()),
    longClick: Type.Optional(Type.Number()),
    hide: Type.Optional(Type.Number()),
    save: Type.Optional(Type.Number()),
  }),
  plannedDays: Type.Number(),
  impressionsFrom: oneOf('served', 'events'),
  curveByHour: Type.Boolean({ description: 'Count the lift of the first day by the hour.' }),
  counterfactualShare: Share,
  prePeriodDays: Type.Number(),
  expectedUnits: Type.Number(),
  alpha: Type.Number(),
  minimumLift: Type.Number(),
};
const Forced = Type.Record(Type.String(), Type.String(), {
  description: 'Units put into an arm by hand. Shown to those who may know people.',
});

export const Definition = Type.Object({
  key: Type.String(),
  ...DefinitionFields,
  arms: Type.Array(Arm, { description: 'The first arm is the control. Weights sum to one.' }),
  forced: Type.Optional(Forced),
});
export type Definition = Reply<typeof Definition>;

/** What a definition may say. The check of a definition (experiments/experiment.ts) names the field that is wrong. */
export const DefinitionBody = Type.Object({
  key: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' }),
  arms: Type.Array(
    Type.Object({
      key: Type.String(),
      weight: Share,
      treatment: Type.Optional(
        Type.Union([Type.String({ description: 'A named treatment: control, variant A, B or C.' }), Arm.properties.treatment]),
      ),
    }),
    { minItems: 2, maxItems: 20, description: 'The first arm is the control. Weights sum to one.' },
  ),
  ...Type.Partial(Type.Object({ ...DefinitionFields, forced: Forced })).properties,
});

export const ExperimentState = Type.Object({ key: Type.String(), state: State, version: Type.Integer(), definition: Definition });
export const DefinitionVersion = Type.Object({ key: Type.String(), version: Type.Integer(), definition: Definition });

export const ExperimentCard = Type.Object({
  key: Type.String(),
  description: Type.String(),
  state: State,
  verdict: Type.String(),
  tone: Tone,
  users: Count,
  startedAt: NumberOrNull,
  stoppedAt: NumberOrNull,
  healthy: Type.Boolean(),
  conclusion: TextOrNull,
  owner: Type.String(),
  tags: Type.Array(Type.String()),
  metric: Type.String({ description: 'Label of the deciding metric.' }),
  ...LiftFields,
});
export type ExperimentCard = Reply<typeof ExperimentCard>;

export const ExperimentList = Type.Object({
  experiments: Type.Array(ExperimentCard),
  holdout: Type.Number(),
  known: Type.Object(
    {
      models: Type.Array(Type.String()),
      serving: Type.String({ description: 'The model that serves now: the control of most experiments.' }),
      sources: Type.Array(Type.String()),
      categories: Type.Array(Type.String()),
      surfaces: Type.Array(Type.String()),
      metrics: Type.Array(Type.Object({ name: Type.String(), label: Type.String(), kind: Type.String(), meaning: Type.String() })),
      dimensions: Type.Record(Type.String(), Type.Array(Type.String()), { description: 'Dimensions of metrics.json and their values.' }),
      metricsProblem: Type.Unsafe<string | null>({
        ...TextOrNull,
        description: 'Why metrics.json is refused; null when it is well, or not there.',
      }),
    },
    { description: 'What a definition may name.' },
  ),
});
export type ExperimentList = Reply<typeof ExperimentList>;

export const ReportRow = Type.Object({
  metric: Type.String(),
  label: Type.String(),
  arm: Type.String(),
  segment: Type.String(),
  users: Count,
  controlUsers: Count,
  value: NumberOrNull,
  controlValue: NumberOrNull,
  ...LiftFields,
  p: NumberOrNull,
  q: NumberOrNull,
  fixed: Type.Object({ low: NumberOrNull, high: NumberOrNull, p: NumberOrNull }),
  adjusted: Type.Union([Type.Object({ ...LiftFields, p: NumberOrNull }), Type.Null()]),
});
const VerdictWord = oneOf('ship', 'do not ship', 'keep running', 'undecided', 'broken');
const Rate = Type.Object(
  {
    metric: Type.String(),
    label: Type.String(),
    kind: oneOf('ratio', 'proportion', 'mean', 'quantile'),
    value: NumberOrNull,
    numerator: NumberOrNull,
    denominator: NumberOrNull,
  },
  { description: 'What a metric came to in an arm.' },
);
const PointFields = { arm: Type.String(), users: Count, ...LiftFields, p: NumberOrNull };

export const Report = Type.Object({
  key: Type.String(),
  state: State,
  version: Type.Integer(),
  verdict: VerdictWord,
  reason: Type.String(),
  restsOn: Type.Array(Type.String()),
  interval: oneOf('always-valid', 'fixed-horizon'),
  alpha: Type.Number(),
  sampleRatio: Type.Object({
    of: oneOf('users', 'first picks'),
    p: Type.Number(),
    exactP: NumberOrNull,
    alarm: Type.Boolean(),
    users: Type.Array(Type.Number()),
    shares: Type.Array(Type.Number()),
  }),
  window: Type.Object({ plannedDays: Type.Number(), endsAt: TextOrNull, reachedAt: TextOrNull }),
  arms: Type.Array(
    Type.Object({
      arm: Type.String(),
      weight: Type.Number(),
      users: Count,
      lists: Count,
      rates: Type.Array(Rate),
      verdict: Type.Optional(VerdictWord),
      reason: Type.Optional(Type.String()),
      restsOn: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  rows: Type.Array(ReportRow),
  guardrails: Type.Array(
    Type.Object({
      metric: Type.String(),
      arm: Type.String(),
      ...MarginFields,
      state: oneOf('safe', 'harmed', 'open'),
      ...LiftFields,
    }),
  ),
  table4: Type.Array(
    Type.Object({
      features: Type.String(),
      queries: Type.String(),
      engagement: Type.String(),
      interval: Type.String(),
      users: Count,
    }),
  ),
  sequence: Type.Array(Type.Object({ ...PointFields, day: Type.String() })),
  firstDay: Type.Array(Type.Object({ ...PointFields, hour: Type.Integer() }), {
    description: 'The deciding metric after each hour of the first day.',
  }),
  novelty: Type.Array(Type.Object({ ...PointFields, daysSinceFirst: Type.Integer() })),
  exposuresPerDay: Type.Array(Type.Object({ day: Type.String(), arm: Type.String(), users: Count })),
  power: Type.Object({ minimumDetectableLift: NumberOrNull, unitsNeeded: NumberOrNull }),
  health: Type.Object({
    crossedLists: Count,
    modelMissingLists: Count,
    withoutUnitLists: Count,
    eventsKeptApart: Count,
    burnInUnits: Count,
    faults: Type.Array(Type.String()),
  }),
});
export type Report = Reply<typeof Report>;

export const ForestRow = Type.Object({
  label: Type.String(),
  arm: Type.String(),
  metric: Type.String(),
  users: Count,
  ...LiftFields,
  text: Type.String(),
  tone: Tone,
  adjusted: TextOrNull,
});
export type ForestRow = Reply<typeof ForestRow>;
export type Tone = ForestRow['tone'];

const Series = Type.Object({
  arm: Type.String(),
  days: Type.Array(Type.String()),
  lift: Type.Array(NumberOrNull),
  low: Type.Array(NumberOrNull),
  high: Type.Array(NumberOrNull),
});
export type Series = Reply<typeof Series>;

export const ConcludeBody = Type.Object(
  {
    decision: oneOf('serve', 'keep-control'),
    arm: Type.Optional(Type.String({ maxLength: 64, description: 'The arm that is to serve; the first one tried without it.' })),
    why: Type.String({ minLength: 1, maxLength: 1000, description: 'The reason, kept in the history.' }),
    force: Type.Optional(Type.Boolean({ description: 'Promote although the judge is against it, or cannot tell.' })),
  },
  { additionalProperties: false },
);

/** One experiment as the page draws it. */
export const ExperimentView = Type.Object({
  card: ExperimentCard,
  definition: Definition,
  version: Type.Integer(),
  report: Report,
  headline: Type.Array(ForestRow),
  segments: Type.Array(ForestRow),
  sequence: Type.Array(Series),
  health: Type.Array(Type.Object({ name: Type.String(), text: Type.String(), tone: Tone })),
  audit: Type.Array(
    Type.Object({ at: Type.Number(), by: Type.String(), action: Type.String(), version: Type.Integer(), detail: Type.String() }),
  ),
});
export type ExperimentView = Reply<typeof ExperimentView>;

export const Forecast = Type.Object({
  days: Type.Number(),
  lists: Count,
  unitsSeen: Count,
  complete: Type.Boolean({ description: 'Whether the history was read to its end.' }),
  unitsEnrolled: Count,
  metrics: Type.Array(
    Type.Object({
      metric: Type.String(),
      value: NumberOrNull,
      detectableLift: NumberOrNull,
      detectableLiftWatching: NumberOrNull,
      unitsNeeded: NumberOrNull,
      suggestedCap: NumberOrNull,
    }),
  ),
});
export type Forecast = Reply<typeof Forecast>;

export const ExposurePage = Type.Object({
  exposures: Type.Array(
    Type.Object({
      unit: Type.String(),
      arm: Type.String(),
      at: Type.Number(),
      recommendationId: Type.String(),
      model: Type.String(),
      surface: Type.String(),
      sources: Type.Array(Type.String()),
      items: Type.Array(
        Type.Object({ pinId: Type.String(), position: Type.Integer(), propensity: Type.Number(), sources: Type.Array(Type.String()) }),
      ),
    }),
  ),
  nextAfter: TextOrNull,
});

export const DifferenceList = Type.Object({
  differences: Type.Array(Type.Object({ recommendationId: Type.String(), at: Type.Number(), arm: TextOrNull, queryPinId: Type.String() })),
});
export type DifferenceList = Reply<typeof DifferenceList>;

const StudyKind = oneOf('pair', 'grade');
export const StudyParams = Type.Object({ study: Type.String({ minLength: 1, maxLength: 100 }) });
export const JudgeQuery = Type.Object({ judge: Type.String({ minLength: 1, maxLength: 256 }) });
export const AnswerBody = Type.Object({
  taskId: Type.String({ minLength: 1, maxLength: 100 }),
  judge: JudgeQuery.properties.judge,
  answer: Type.Integer(),
});
const AnyTreatment = Type.Union([Type.String(), Type.Partial(TreatmentSchema)], {
  description: 'A model name, a named variant, or a treatment.',
});
export const StudyBody = Type.Object({
  study: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$' }),
  kind: Type.Optional(Type.Union([Type.Literal('pair'), Type.Literal('grade')])),
  treatmentA: AnyTreatment,
  treatmentB: AnyTreatment,
  queries: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 20 })),
  length: Type.Optional(Type.Integer({ minimum: 1, maximum: 25, default: 8 })),
  repeats: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.2 })),
  seed: Type.Optional(Type.Integer({ default: 1 })),
});
export const StudyList = Type.Object({
  studies: Type.Array(
    Type.Object({
      study: Type.String(),
      kind: StudyKind,
      tasks: Count,
      judgements: Count,
      judges: Count,
      preferenceForB: NumberOrNull,
      preferences: Type.Union([Type.Object({ a: Count, b: Count, tie: Count }), Type.Null()]),
      agreement: NumberOrNull,
      selfAgreement: NumberOrNull,
    }),
  ),
});
export type StudyList = Reply<typeof StudyList>;
export const NewStudy = Type.Object({ study: Type.String(), kind: StudyKind, queries: Count, tasks: Count });

const Task = Type.Object({
  taskId: Type.String(),
  kind: StudyKind,
  queryPinId: Type.String(),
  left: Type.Array(Type.String()),
  right: Type.Array(Type.String()),
  done: Count,
  total: Count,
});
export type BlindTask = Reply<typeof Task>;
/** `task` null: the judge has seen all. */
export const NextTask = Type.Object({ task: Type.Union([Task, Type.Null()]) });
export type NextTask = Reply<typeof NextTask>;
