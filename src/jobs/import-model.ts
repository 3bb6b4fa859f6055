import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { reasonOf, ServiceError } from '../errors.ts';
import { FEATURE_COLUMNS } from '../ranker/feature-table.ts';
import { MODEL_FORMAT } from '../ranker/model-artifact.ts';
import { importModel } from '../ranker/model-exchange.ts';
import { writeModelFile } from '../ranker/model-file.ts';
import { codeVersion } from '../ranker/model-provenance.ts';
import { ModelRegistry } from '../ranker/model-registry.ts';
import type { Job } from './job.ts';

/** A linear model of this or another engine into the registry, or into a model file. */
export const job: Job = {
  name: 'import-model',
  summary: 'Brings a linear model in: flat JSON, Solr LTR or OpenSearch LTR, told apart by their shape.',
  examples: ['related-pins import-model model.json --name from-solr', 'related-pins import-model flat.json --out model.json'],
  args: [{ form: '[file]', meaning: 'the file to read' }],
  options: [
    { flag: '--model <file>', meaning: 'the same as the argument' },
    { flag: '--name <name>', meaning: 'name in the registry (the name of the file)' },
    { flag: '--out <file>', meaning: 'write a model file instead of adding to the registry' },
  ],
  async run({ args, options, dataFolder }) {
    const path = args[0] ?? options.model;
    if (path === undefined) throw new ServiceError('JOB_USAGE', { reason: 'Name the file to import.' });
    const features = importModel(readJson(String(path)), String(path));
    const name = String(options.name ?? basename(String(path)).replace(/\.[^.]*$/, ''));
    const lineage = {
      source: 'import',
      window: null,
      codeVersion: codeVersion(),
      seed: 0,
      c: null,
      settings: { file: basename(String(path)) },
      netDigest: null,
      previous: null,
    } as const;
    const made = { features, lineage, counts: { lists: 0, rows: 0, pairs: 0 }, training: {}, distributions: {} };
    if (options.out !== undefined) {
      writeModelFile(String(options.out), made);
      return { model: name, features: features.length, out: options.out };
    }
    const unknown = features.find((feature) => !FEATURE_COLUMNS.includes(feature.name));
    if (unknown)
      throw new ServiceError('RANKER_MODEL_REFUSED', {
        model: name,
        reason: `unknown ranking feature "${unknown.name}"; with --out it becomes a file for evaluate-ranker`,
      });
    const createdAt = new Date().toISOString();
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    registry.add({ format: MODEL_FORMAT, name, kind: 'linear', createdAt, ndcg10: {}, onnxDigest: null, ...made });
    return { model: name, features: features.length };
  },
};

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: path, reason: reasonOf(error) }, error);
  }
}
