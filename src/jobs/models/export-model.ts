import { writeFileSync } from 'node:fs';
import { ServiceError } from '../../errors.ts';
import { EXCHANGE_FORMATS, exportModel } from '../../ranker/exchange/model-exchange.ts';
import { defineJob } from '../job.ts';
import { modelGiven } from './model-given.ts';

/** A linear model as flat JSON, or as Solr or OpenSearch / Elasticsearch keep it. */
export const job = defineJob({
  name: 'export-model',
  summary: 'Writes a linear model for another engine: flat JSON, Solr LTR, OpenSearch LTR.',
  examples: [
    'related-pins export-model --model rank-svm-1 --format json --out model.json',
    'related-pins export-model --model rank-svm-1 --format solr --out solr.json',
  ],
  options: [
    { flag: '--model <name>', meaning: 'name of a model of the registry, or a model file', required: true },
    { flag: '--format <format>', meaning: EXCHANGE_FORMATS.join(', '), choices: EXCHANGE_FORMATS, default: 'json' },
    { flag: '--out <file>', meaning: 'the file to write', required: true },
  ],
  async run({ options, dataFolder }) {
    const { format, out } = options;
    const { name, kind, features } = modelGiven(dataFolder, options.model);
    if (kind !== 'linear') throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason: 'only linear models can be exported' });
    writeFileSync(out, `${JSON.stringify(exportModel(name, features, format), null, 1)}\n`);
    return { model: name, format, features: features.length, out };
  },
});
