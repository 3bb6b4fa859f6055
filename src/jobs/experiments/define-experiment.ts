/** Checks an experiment's definition and keeps it as a draft, or as a new version of one that is there. */
import { readFileSync } from 'node:fs';
import { reasonOf, ServiceError } from '../../errors.ts';
import { authorOf, BY_OPTION, openExperimentFolder } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'define-experiment',
  summary: 'check an experiment definition and keep it as a draft',
  examples: [
    'related-pins define-experiment --file crosses.json',
    `echo '{"key":"c","arms":[{"key":"control","weight":0.5},{"key":"C","weight":0.5,"treatment":"variant C"}]}' > c.json && related-pins define-experiment --file c.json`,
  ],
  options: [{ flag: '--file <file>', meaning: 'the definition as JSON', required: true }, BY_OPTION],
  async run({ options, dataFolder, config }) {
    const definition = readJson(options.file);
    const folder = openExperimentFolder(dataFolder, config);
    try {
      const { key, state, version, definition: kept } = folder.experiments.define(definition, folder.known, authorOf(options.by));
      return { key, state, version, definition: kept };
    } finally {
      folder.close();
    }
  },
  describe: ({ key, state, version }) => [`${key}: ${state}, version ${version}`],
});

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'JSON', reason: reasonOf(error) }, error);
  }
}
