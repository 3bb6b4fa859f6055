import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { ServiceError } from '../../errors.ts';
import { openDarkReads } from '../../ranker/registry/dark-read-store.ts';
import { type DarkRead, darkReadsOfLog, type Spread, summarizeDarkReads } from '../../ranker/registry/dark-reads.ts';
import { listScorer } from '../../ranker/training/linear-trainer.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { RANGE_FLAGS } from './ranker-flags.ts';
import { readLog } from './training-log.ts';

const FLAGS = flags([
  { flag: '--model <name>', meaning: 'the model (the one that read last)' },
  { flag: '--net <name>', meaning: 'of a net that reads in the dark (switch-net --dark) instead of a model' },
  ...RANGE_FLAGS,
  { flag: '--on-log', meaning: 'score the lists of the log instead, before any live traffic; needs --model' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** How lists would differ under a model that scores in the dark. */
export const job = defineJob({
  name: 'report-dark-reads',
  summary: 'Says how lists would differ under the model (or the net) that reads in the dark: overlap, order, scores, latency.',
  examples: [
    'related-pins promote-model rank-svm-4 --dark && related-pins report-dark-reads',
    'related-pins report-dark-reads --model rank-svm-4 --from 2026-06-01 --json',
    'related-pins report-dark-reads --model rank-svm-4 --on-log',
    'related-pins report-dark-reads --net tuned-1',
  ],
  options: FLAGS,
  async run(input) {
    const { options } = input;
    const reads = options.onLog ? readsOnLog(input) : liveReads(input);
    const serving = [...new Set(reads.map(({ servingModel }) => servingModel))].sort();
    return {
      model: reads[0].darkModel,
      servingModels: serving,
      from: isoAt(reads[0]),
      to: isoAt(reads[reads.length - 1]),
      ...summarizeDarkReads(reads),
    };
  },
  describe({ model, servingModels, overlap, kendallTau, rankChange, firstDiffersShare, scores, latencyMs, reads, problems }) {
    const spread = (value: Spread | null): string =>
      value === null
        ? '-'
        : `mean ${value.mean.toFixed(3)}, 5 % ${value.p5.toFixed(3)}, half ${value.p50.toFixed(3)}, 95 % ${value.p95.toFixed(3)}`;
    return [
      `${model} in the dark beside ${servingModels.join(', ')}: ${counted(reads, 'list')}`,
      ...Object.entries(overlap).map(([k, share]) => `  first ${k.padStart(2)} items in common   ${(100 * share).toFixed(1)} %`),
      `  first item another one   ${firstDiffersShare === null ? '-' : `${(100 * firstDiffersShare).toFixed(1)} %`}`,
      `  Kendall's tau            ${spread(kendallTau)}`,
      `  places an item moves     ${spread(rankChange)}`,
      `  scores, serving          ${spread(scores.serving)}`,
      `  scores, dark             ${spread(scores.dark)}`,
      `  milliseconds, serving    ${spread(latencyMs.serving)}`,
      `  milliseconds, dark       ${spread(latencyMs.dark)}`,
      ...Object.entries(problems).map(([problem, count]) => `  failed ${counted(count, 'time')}: ${problem}`),
    ];
  },
});

const isoAt = ({ at }: DarkRead): string => new Date(at).toISOString();

function liveReads({ options, dataFolder }: Input): readonly DarkRead[] {
  const none = new ServiceError('NOTHING_TO_DO', {
    reason: 'No model and no such net has read in the dark here; begin with promote-model --dark or switch-net --dark, or take --on-log.',
  });
  if (!existsSync(join(dataFolder, 'dark-reads.sqlite'))) throw none;
  const store = openDarkReads(dataFolder);
  try {
    const last = options.net === undefined ? store.lastModel() : store.lastModel('nets', options.net);
    const model = options.model === undefined ? last : options.model;
    const reads = model === null ? [] : store.reads({ model, from: options.from, to: options.to });
    if (reads.length === 0) throw none;
    return reads;
  } finally {
    store.close();
  }
}

function readsOnLog({ options, dataFolder }: Input): readonly DarkRead[] {
  if (options.model === undefined) throw new ServiceError('JOB_USAGE', { reason: '--on-log needs --model.' });
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const { name, kind, features } = registry.read(options.model);
  if (kind !== 'linear')
    throw new ServiceError('RANKER_MODEL_REFUSED', {
      model: name,
      reason: 'only linear models are measured on the log',
    });
  const data = readLog(dataFolder, options);
  return darkReadsOfLog(data, listScorer(data, features), name);
}
