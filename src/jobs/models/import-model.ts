import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import { FEATURE_COLUMNS } from '../../ranker/scoring/feature-table.ts';
import { MODEL_FORMAT, type ModelLineage } from '../../ranker/registry/model-artifact.ts';
import { importModel } from '../../ranker/exchange/model-exchange.ts';
import { writeModelFile } from '../../ranker/registry/model-file.ts';
import { codeVersion } from '../../ranker/registry/model-provenance.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { checkParity, onnxDigestOf, openOnnxRanker, type ParityRows } from '../../ranker/scoring/onnx-ranker.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--model <file>', meaning: 'the same as the argument' },
  { flag: '--name <name>', meaning: 'name in the registry (the name of the file)' },
  { flag: '--onnx <file>', meaning: 'an ONNX ranker: raw features in, a score per row out' },
  { flag: '--features <file>', meaning: 'with --onnx: JSON list of the ranking features in the order of its input' },
  {
    flag: '--parity <file>',
    meaning: 'with --onnx: JSON {rows, scores} of the trainer, checked before it is taken in',
  },
  { flag: '--out <file>', meaning: 'write a model file instead of adding to the registry' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** A linear model of this or another engine into the registry, or into a model file. */
export const job = defineJob({
  name: 'import-model',
  summary: 'Brings a linear model in: flat JSON, Solr LTR or OpenSearch LTR, told apart by their shape.',
  examples: [
    'related-pins import-model model.json --name from-solr',
    'related-pins import-model flat.json --out model.json',
    'related-pins import-model --onnx trees.onnx --features names.json --parity parity.json --name trees',
  ],
  args: [{ form: '[file]', meaning: 'the file to read' }],
  options: FLAGS,
  async run({ args, options, dataFolder }) {
    const { onnx, out } = options;
    if (onnx !== undefined) return importOnnx(onnx, options, dataFolder);
    const path = args[0] ?? options.model;
    if (path === undefined) throw new ServiceError('JOB_USAGE', { reason: 'Name the file to import.' });
    const features = importModel(readJson(path), path);
    const name = options.name ?? basename(path).replace(/\.[^.]*$/, '');
    const lineage = lineageOf(path);
    const made = { features, lineage, counts: { lists: 0, rows: 0, pairs: 0 }, training: {}, distributions: {} };
    if (out !== undefined) {
      writeModelFile(out, made);
      return { model: name, features: features.length, out };
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
});

function lineageOf(path: string): ModelLineage {
  const settings = { file: basename(path) };
  return {
    source: 'import',
    window: null,
    codeVersion: codeVersion(),
    seed: 0,
    c: null,
    settings,
    netDigest: null,
    previous: null,
  };
}

/** Boosted trees or a neural net of another trainer; refused unless it scores the trainer's own rows as the trainer did. */
async function importOnnx(path: string, options: Input['options'], dataFolder: string) {
  const { features: list, parity } = options;
  if (list === undefined || parity === undefined)
    throw new ServiceError('JOB_USAGE', {
      reason: '--onnx needs --features (the order of its input) and --parity (rows and scores of the trainer).',
    });
  const name = options.name ?? basename(path).replace(/\.[^.]*$/, '');
  const names = readJson(list) as readonly string[];
  const unknown = Array.isArray(names) ? names.find((feature) => !FEATURE_COLUMNS.includes(feature)) : list;
  if (unknown !== undefined)
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason: `unknown ranking feature "${unknown}"` });
  const twice = names.find((feature, at) => names.indexOf(feature) !== at);
  if (twice !== undefined)
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason: `the feature "${twice}" is listed twice` });
  const onnxDigest = onnxDigestOf(path);
  await checkParity(await openOnnxRanker(name, path, names, onnxDigest), names, readJson(parity) as ParityRows);
  const features = names.map((feature) => ({ name: feature, weight: 0, normalization: { kind: 'none' } as const }));
  new ModelRegistry(join(dataFolder, 'models')).addOnnx(
    {
      format: MODEL_FORMAT,
      name,
      kind: 'onnx',
      createdAt: new Date().toISOString(),
      features,
      onnxDigest,
      lineage: lineageOf(path),
      counts: { lists: 0, rows: 0, pairs: 0 },
      training: {},
      ndcg10: {},
      distributions: {},
    },
    readFileSync(path),
  );
  return { model: name, kind: 'onnx', features: names.length, onnxDigest };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: path, reason: reasonOf(error) }, error);
  }
}
