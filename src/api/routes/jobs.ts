import { Type } from 'typebox';
import type { JobRun } from '../../schedule/job-run-store.ts';
import { flagsOf, JOB_FORMS, valuesOf } from '../../schedule/job-forms.ts';
import type { JobStatus } from '../../schedule/scheduler.ts';
import type { Context } from '../../service/context.ts';
import { whyNot } from '../../service/job-readiness.ts';
import type { App, Service } from './routes.ts';
import { Nullable, oneOf, type Reply, replies } from '../schemas.ts';

const Time = Nullable(Type.String({ description: 'ISO 8601' }));
const Run = Type.Object({
  id: Type.Integer(),
  job: Type.String(),
  flags: Type.Array(Type.String()),
  cron: Nullable(Type.String()),
  who: Nullable(Type.String()),
  state: Type.String({
    description: 'running, done, failed, refused, stopped, killed, or lost with the service that started it',
  }),
  startedAt: Type.String({ description: 'ISO 8601' }),
  endedAt: Time,
  seconds: Nullable(Type.Number()),
  receipt: Type.Unknown(),
  said: Type.String({ description: 'The end of what it wrote to standard error.' }),
});
const Field = Type.Object({
  name: Type.String(),
  kind: oneOf('flag', 'text', 'number', 'integer', 'argument'),
  meaning: Type.String(),
  choices: Type.Optional(Type.Array(Type.String())),
  required: Type.Optional(Type.Boolean()),
});
const Values = Type.Record(Type.String(), Type.Union([Type.Boolean(), Type.Number(), Type.String({ maxLength: 1000 })]));
const Job = Type.Object({
  job: Type.String(),
  cron: Nullable(Type.String()),
  flags: Type.Array(Type.String()),
  nextRunAt: Time,
  state: Type.String({ description: 'running, waiting or idle' }),
  progress: Type.Union([Type.Object({ step: Type.String(), done: Type.Number(), total: Type.Number() }), Type.Null()]),
  last: Type.Union([Run, Type.Null()]),
  form: Type.Object({ summary: Type.String(), fields: Type.Array(Field) }, { description: 'What may be asked over HTTP.' }),
  values: Type.Union([Values, Type.Null()], {
    description: 'Of its line in the schedule; null where the line holds flags that only schedule-job sets.',
  }),
  cannot: Nullable(Type.String({ description: 'Why it could do nothing now.' })),
});
const Jobs = Type.Object({ jobs: Type.Array(Job), problem: Nullable(Type.String()) });
const Runs = Type.Object({ runs: Type.Array(Run) });
export type JobsReply = Reply<typeof Jobs>;
export type RunsReply = Reply<typeof Runs>;
const Params = Type.Object({ job: Type.String({ maxLength: 100 }) });

const quiet = { scope: 'admin', quiet: true } as const;
const loud = { scope: 'admin' } as const;

/** The schedule: what runs when, what runs now, how it ended. */
export function jobRoutes(app: App, { context }: Service): void {
  const all = () => ({ jobs: context.jobs.status().map((status) => jobReply(context, status)), problem: context.jobs.problem });
  const about = (summary: string) => ({ summary, tags: ['jobs'], response: replies(Jobs) });
  app.get('/v1/jobs', { schema: about('The jobs that may be scheduled, and how each stands'), config: quiet }, async () => all());
  app.get('/v1/jobs/runs', { schema: HISTORY, config: quiet }, async ({ query }) => {
    return { runs: context.jobs.runs(query.limit ?? 50, query.job ?? null).map(runReply) };
  });
  const run = {
    ...about('Runs a job as soon as no other one runs, with the values given, or else with the flags of its line'),
    params: Params,
    body: Type.Optional(Type.Object({ values: Type.Optional(Values) }, { additionalProperties: false })),
  };
  app.post('/v1/jobs/:job/run', { schema: run, config: loud }, async ({ params: { job }, body, keyName }) => {
    const values = body?.values;
    context.jobs.ask(job, keyName ?? 'http', values && flagsOf(job, values));
    return all();
  });
  const stop = { ...about('Stops a job at its next safe point'), params: Params };
  app.post('/v1/jobs/:job/stop', { schema: stop, config: loud }, async ({ params }) => {
    context.jobs.stop(params.job);
    return all();
  });
  const schedule = {
    ...about('Gives a job a cron expression (UTC), and the values of its form; other flags are set by schedule-job alone'),
    params: Params,
    body: Type.Object({ cron: Type.String({ maxLength: 200 }), values: Type.Optional(Values) }, { additionalProperties: false }),
  };
  app.put('/v1/jobs/:job/schedule', { schema: schedule, config: loud }, async ({ params: { job }, body: { cron, values } }) => {
    context.jobs.setCron(job, cron, values && flagsOf(job, values));
    return all();
  });
  const byHand = { ...about('Lets a job run by hand only'), params: Params };
  app.delete('/v1/jobs/:job/schedule', { schema: byHand, config: loud }, async ({ params }) => {
    context.jobs.setCron(params.job, null);
    return all();
  });
}

const HISTORY = {
  summary: 'The last runs, newest first, each with its receipt',
  tags: ['jobs'],
  querystring: Type.Object({
    job: Type.Optional(Type.String({ maxLength: 100 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  }),
  response: replies(Runs),
};

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

function jobReply(context: Context, { nextRunAt, last, flags, ...status }: JobStatus) {
  const { job } = status;
  const { summary, fields } = JOB_FORMS[job];
  return {
    ...status,
    flags: [...flags],
    nextRunAt: iso(nextRunAt),
    last: last && runReply(last),
    form: { summary, fields: fields.map(({ choices, ...field }) => (choices ? { ...field, choices: [...choices] } : field)) },
    values: valuesOf(job, flags),
    cannot: whyNot(context, job, flags),
  };
}

function runReply({ startedAt, endedAt, flags, pid: _, born: __, ...run }: JobRun) {
  const seconds = endedAt === null ? null : Math.round(endedAt - startedAt) / 1000;
  return { ...run, flags: [...flags], startedAt: new Date(startedAt).toISOString(), endedAt: iso(endedAt), seconds };
}
