import { join } from 'node:path';
import { ModelRegistry, type ModelSummary } from '../ranker/model-registry.ts';
import type { Job } from './job.ts';

/** The models there are, which one serves, and the promotions so far. */
export const job: Job = {
  name: 'list-models',
  summary: 'Lists the models of the registry, the parts they play, and the audit of promotions.',
  examples: ['related-pins list-models', 'related-pins list-models --json'],
  options: [],
  async run({ dataFolder }) {
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    return { ...registry.roles(), models: registry.list(), history: registry.history() };
  },
  describe({ models, serving, canary, dark }) {
    const lines = (models as readonly ModelSummary[]).map(
      (model) =>
        `${model.serving ? '*' : ' '} ${model.name.padEnd(24)} ${model.problem ?? `${model.createdAt} ${model.features} features, NDCG@10 ${model.ndcg10?.toFixed(4) ?? '-'}`}`,
    );
    return [...lines, `serving: ${String(serving)}`, `canary: ${JSON.stringify(canary)}`, `dark: ${String(dark)}`];
  },
};
