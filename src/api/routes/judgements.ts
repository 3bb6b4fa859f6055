/** Blind judgements: a study is made of two treatments, judges answer its tasks, the summary says how far they agree. */
import { Type } from 'typebox';
import { ServiceError } from '../../errors.ts';
import type { Experiments } from '../../experiments/experiments.ts';
import { readTreatment, type Treatment } from '../../ranker/treatment.ts';
import { relatedPins } from '../../related-pins.ts';
import { listsToJudge, pooled } from '../../service/judgement-lists.ts';
import type { App, Service } from './routes.ts';
import { Anything, replies } from '../schemas.ts';

const StudyParams = Type.Object({ study: Type.String({ minLength: 1, maxLength: 100 }) });
const Judge = Type.Object({ judge: Type.String({ minLength: 1, maxLength: 256 }) });
const Answer = Type.Object({
  taskId: Type.String({ maxLength: 100 }),
  judge: Judge.properties.judge,
  answer: Type.Integer(),
});
const NewStudy = Type.Object({
  study: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$' }),
  kind: Type.Optional(Type.Union([Type.Literal('pair'), Type.Literal('grade')])),
  treatmentA: Type.Unknown({ description: 'A model name, a named variant, or a treatment.' }),
  treatmentB: Type.Unknown(),
  queries: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 20 })),
  length: Type.Optional(Type.Integer({ minimum: 1, maximum: 25, default: 8 })),
  repeats: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.2 })),
  seed: Type.Optional(Type.Integer({ default: 1 })),
});

export function judgementRoutes(app: App, { context }: Service, core: Experiments): void {
  const schema = (summary: string) => ({ summary, tags: ['judgements'], response: replies(Anything) });
  app.get('/v1/judgements', { schema: schema('The studies, with preference and agreement'), config: { scope: 'read' } }, async () => ({
    studies: core.judgements.studies().map((study) => core.judgements.summary(study)),
  }));
  app.post(
    '/v1/judgements',
    {
      schema: { ...schema("Makes a study of two treatments' lists, or of the candidates they show"), body: NewStudy },
      config: { scope: 'admin', lane: 'heavy' },
    },
    async ({ body }) => {
      const { study, kind = 'pair', queries = 20, length = 8, repeats = 0.2, seed = 1 } = body;
      const treatments = [given(body.treatmentA, 'treatmentA'), given(body.treatmentB, 'treatmentB')] as const;
      const lists = await listsToJudge(context.parts, relatedPins, { treatments, queries, length, seed, now: Date.now() });
      if (lists.length === 0)
        throw new ServiceError('REQUEST_INVALID', {
          detail: 'The two treatments give the same lists: there is nothing to judge.',
          field: 'treatmentB',
        });
      const tasks =
        kind === 'pair'
          ? core.judgements.addPairs(study, [nameOf(body.treatmentA), nameOf(body.treatmentB)], lists, seed, repeats)
          : core.judgements.addGrades(study, pooled(lists), seed, repeats);
      return { study, kind, queries: lists.length, tasks };
    },
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

function given(value: unknown, field: string): Treatment {
  const treatment = readTreatment(value);
  if (typeof treatment === 'string') throw new ServiceError('REQUEST_INVALID', { detail: `${field} ${treatment}.`, field });
  return treatment;
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
