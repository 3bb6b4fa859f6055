import { join } from 'node:path';
import { setCanary, setDark } from '../../ranker/registry/model-promotion.ts';
import { ModelRegistry, type Trial } from '../../ranker/registry/model-registry.ts';
import { ServiceError } from '../../errors.ts';
import { openContext } from '../../service/context.ts';
import { promoteJudged } from '../../service/model-judge.ts';
import { defineJob } from '../job.ts';
import { judgementLines, toldChange, userName } from './model-given.ts';

/** Makes a model serve if it is judged no worse than what serves, or tries it on a share of traffic, or lets it score in the dark. */
export const job = defineJob({
  name: 'promote-model',
  summary: 'Makes a model the serving one; a running server follows within a second.',
  examples: [
    'related-pins promote-model',
    'related-pins promote-model rank-svm-3 --why "one percent better on the holdout"',
    'related-pins promote-model rank-svm-4 --canary 0.05',
    'related-pins promote-model rank-svm-4 --dark --share 0.2',
    'related-pins promote-model --stop-dark',
  ],
  args: [{ form: '[model]', meaning: 'name of the model; the newest without one' }],
  options: [
    { flag: '--model <name>', meaning: 'the same as the argument' },
    { flag: '--who <name>', meaning: 'who decides (the name of the operating system user)' },
    { flag: '--why <text>', meaning: 'the reason, kept in the audit', default: '' },
    { flag: '--force', meaning: 'promote although it is judged worse, or nobody can tell; needs --why' },
    { flag: '--canary <share>', meaning: 'serve it to this share of users only; 0 ends the trial', kind: 'number' },
    { flag: '--dark', meaning: 'let it score live lists without showing anything; report-dark-reads says how they would differ' },
    { flag: '--share <share>', meaning: 'with --dark: share of the lists it scores', kind: 'number', default: 1 },
    { flag: '--stop-dark', meaning: 'end the dark reads' },
  ],
  async run({ args, options, config, dataFolder }) {
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    const name = args[0] ?? options.model ?? null;
    const decision = { who: options.who ?? userName(), why: options.why, force: options.force === true };
    if (decision.force && decision.why === '')
      throw new ServiceError('JOB_USAGE', { reason: '--force needs --why: the audit keeps the reason.' });
    if (options.stopDark) return { ...setDark(registry, null, decision) };
    if (options.canary === 0) return { ...setCanary(registry, null, decision) };
    const trial = (share: number): Trial => ({ model: name ?? newest(registry), share });
    if (options.dark) return { ...setDark(registry, trial(options.share), decision) };
    if (options.canary !== undefined) return { ...setCanary(registry, trial(options.canary), decision) };
    const context = await openContext(config, dataFolder);
    try {
      return { ...(await promoteJudged(context, name, decision)) };
    } finally {
      await context.close();
    }
  },
  describe(receipt) {
    const judgement = 'judgement' in receipt ? receipt.judgement : null;
    return [...(judgement ? judgementLines(judgement) : []), toldChange(receipt)];
  },
});

function newest(registry: ModelRegistry): string {
  const model = registry.newest();
  if (model === null) throw new ServiceError('NOTHING_TO_DO', { reason: 'There is no model to try; run train-ranker first.' });
  return model;
}
