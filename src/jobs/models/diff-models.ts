import { ServiceError } from '../../errors.ts';
import { diffModels } from '../../ranker/measures/model-difference.ts';
import { defineJob } from '../job.ts';
import { modelGiven } from './model-given.ts';

/** Two models, feature by feature. */
export const job = defineJob({
  name: 'diff-models',
  summary: 'Shows how two models differ, feature by feature.',
  examples: ['related-pins diff-models rank-svm-1 rank-svm-2'],
  args: [
    { form: '<before>', meaning: 'name or file of a model' },
    { form: '<after>', meaning: 'name or file of another' },
  ],
  options: [],
  async run({ args, dataFolder }) {
    if (args.length !== 2) throw new ServiceError('JOB_USAGE', { reason: 'Name two models.' });
    const [before, after] = args.map((name) => modelGiven(dataFolder, name));
    return {
      before: before.name,
      after: after.name,
      ndcg10: { before: before.ndcg10.trained ?? null, after: after.ndcg10.trained ?? null },
      lineage: { before: before.lineage, after: after.lineage },
      differences: diffModels(before, after),
    };
  },
  describe({ before, after, differences }) {
    const weight = (value: number | null): string => (value === null ? '-' : value.toFixed(4)).padStart(10);
    return [
      `${'feature'.padEnd(36)} ${before.slice(-10).padStart(10)} ${after.slice(-10).padStart(10)}     change`,
      ...differences.map((row) => `${row.feature.padEnd(36)} ${weight(row.before)} ${weight(row.after)} ${weight(row.change)}`),
    ];
  },
});
