import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { ModelRegistry, type ModelRoles, type ModelSummary } from '../../ranker/registry/model-registry.ts';
import { defineJob } from '../job.ts';
import { toldChange } from './model-given.ts';

/** The models there are, which one serves, and the promotions so far. */
export const job = defineJob({
  name: 'list-models',
  summary: 'Lists the models of the registry, the parts they play, and the audit of promotions.',
  examples: ['related-pins list-models', 'related-pins list-models --json'],
  options: [],
  async run({ dataFolder }) {
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    return { ...registry.roles(), models: registry.list(), history: registry.history() };
  },
  describe({ models, history, ...roles }) {
    const width = Math.max(12, ...models.map(({ name }) => name.length));
    const lines = models.map((model) => `${partOf(model.name, roles).padEnd(8)} ${model.name.padEnd(width)}  ${aboutModel(model)}`);
    if (!models.some(({ name }) => name === roles.serving)) lines.unshift(`serves   ${roles.serving}`);
    return history.length === 0
      ? lines
      : [...lines, '', ...history.slice(-LAST_CHANGES).map((entry) => `${entry.at}  ${toldChange(entry)}`)];
  },
});

const LAST_CHANGES = 10;

function partOf(name: string, { serving, canary, dark }: ModelRoles): string {
  if (name === serving) return 'serves';
  if (name === canary?.model) return `${Number((100 * canary.share).toFixed(1))} %`;
  return name === dark?.model ? 'dark' : '';
}

function aboutModel({ problem, createdAt, features, ndcg10, source }: ModelSummary): string {
  if (problem !== undefined) return `cannot be used: ${problem}`;
  const measured = ndcg10 === null ? 'not measured' : `NDCG@10 ${ndcg10.toFixed(4)}`;
  return `${createdAt?.slice(0, 16).replace('T', ' ')}  from ${source}, ${counted(features, 'feature')}, ${measured}`;
}
