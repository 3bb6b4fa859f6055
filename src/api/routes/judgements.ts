/** Blind judgements: a study is made of two treatments, judges answer its tasks, the summary says how far they agree. */
import { PIN_REMOVED } from '../../catalog/pins/pin-columns.ts';
import { ServiceError } from '../../errors.ts';
import type { Experiments } from '../../experiments/experiments.ts';
import { readTreatment, type Treatment } from '../../treatment.ts';
import { listsToJudge, pooled } from '../../service/judgement-lists.ts';
import type { App, Service } from './routes.ts';
import { AnswerBody, JudgeQuery, NewStudy, NextTask, StudyBody, StudyList, StudyParams } from '../experiment-schemas.ts';
import { replies } from '../schemas.ts';

export function judgementRoutes(app: App, { context }: Service, core: Experiments): void {
  const schema = <R>(summary: string, reply: R) => ({ summary, tags: ['judgements'], response: replies(reply) });
  const { pins } = context;
  /** A study shows no pin that was taken away since it was made. */
  const isThere = (pinId: string): boolean => {
    const pinIndex = pins.indexOf(pinId);
    return pinIndex >= 0 && (pins.flags[pinIndex] & PIN_REMOVED) === 0;
  };
  app.get(
    '/v1/judgements',
    { schema: schema('The studies, with preference and agreement', StudyList), config: { scope: 'read' } },
    async () => ({
      studies: core.judgements.studies().map((study) => core.judgements.summary(study)),
    }),
  );
  app.post(
    '/v1/judgements',
    {
      schema: { ...schema("Makes a study of two treatments' lists, or of the candidates they show", NewStudy), body: StudyBody },
      config: { scope: 'admin', lane: 'heavy' },
    },
    async ({ body }) => {
      const { study, kind = 'pair', queries = 20, length = 8, repeats = 0.2, seed = 1 } = body;
      const treatments = [given(body.treatmentA, 'treatmentA'), given(body.treatmentB, 'treatmentB')] as const;
      const lists = await listsToJudge(context.parts, { treatments, queries, length, seed, now: Date.now() });
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
        ...schema('What a judge sees next; nothing tells the treatments apart', NextTask),
        params: StudyParams,
        querystring: JudgeQuery,
      },
      config: { scope: 'events' },
    },
    async (request) => ({ task: core.judgements.next(request.params.study, request.query.judge, isThere) }),
  );
  app.post(
    '/v1/judgements/:study',
    { schema: { ...schema('An answer of a judge', NextTask), params: StudyParams, body: AnswerBody }, config: { scope: 'events' } },
    async (request) => {
      const { taskId, judge, answer } = request.body;
      core.judgements.answer(taskId, judge, answer, Date.now());
      return { task: core.judgements.next(request.params.study, judge, isThere) };
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
