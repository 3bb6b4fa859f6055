import { counted } from '../../counted.ts';
import { openContext } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import { readTreatment, type Treatment } from '../../treatment.ts';
import { listsToJudge, pooled } from '../../service/judgement-lists.ts';
import { defineJob } from '../job.ts';

/** Makes a study that people judge blind on the page /judge. */
export const job = defineJob({
  name: 'start-study',
  summary: "make a blind study of two treatments' lists, judged on the page /judge",
  examples: [
    'related-pins start-study --study spring --a as-retrieved --b rank-svm-3',
    'related-pins start-study --study labels --kind grade --a as-retrieved --b variant-c --queries 40',
  ],
  options: [
    { flag: '--study <name>', meaning: 'its name', required: true },
    { flag: '--a <treatment>', meaning: 'a model, a variant or a treatment as JSON', required: true },
    { flag: '--b <treatment>', meaning: 'what it is compared with', required: true },
    {
      flag: '--kind <kind>',
      meaning: 'pair (two lists side by side) or grade (single candidates, 0 to 4)',
      choices: ['pair', 'grade'],
      default: 'pair',
    },
    { flag: '--queries <n>', meaning: 'query pins', kind: 'integer', default: 20 },
    { flag: '--length <n>', meaning: 'items per list', kind: 'integer', default: 8 },
    { flag: '--repeats <share>', meaning: 'share of the tasks that come twice, to measure agreement', kind: 'number', default: 0.2 },
    { flag: '--seed <s>', meaning: 'seed of queries, order and sides', kind: 'integer', default: 1 },
  ],
  async run({ options, config, dataFolder }) {
    const { study, a, b, kind, queries, length, repeats, seed } = options;
    const treatments = [given(a, '--a'), given(b, '--b')] as const;
    const context = await openContext(config, dataFolder);
    try {
      const lists = await listsToJudge(context.parts, { treatments, queries, length, seed, now: Date.now() });
      if (lists.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'The two treatments give the same lists.' });
      const store = context.experiments.judgements;
      const tasks =
        kind === 'pair' ? store.addPairs(study, [a, b], lists, seed, repeats) : store.addGrades(study, pooled(lists), seed, repeats);
      return { study, kind, queries: lists.length, tasks };
    } finally {
      await context.close();
    }
  },
  describe: ({ study, tasks, queries }) => [
    `${study}: ${counted(tasks, 'task')} over ${counted(queries, 'query pin')}; judge them at /judge/${study}`,
  ],
});

function given(text: string, flag: string): Treatment {
  const treatment = readTreatment(text);
  if (typeof treatment === 'string') throw new ServiceError('JOB_USAGE', { reason: `${flag} ${treatment}` });
  return treatment;
}
