/** Makes another net serve: its features, the lists made from them and the model trained on them, in one instant. */
import { cpSync, existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { ServiceError } from '../../errors.ts';
import { openFeatureStore } from '../../features/feature-store.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { staleParts } from '../../service/stale-parts.ts';
import { coverageOf, expectCoverage, modelFor, netNamed, switchServing } from '../../service/net-switching.ts';
import { type DarkNet, darkNetOf, writeDarkNet } from '../../vision/net-folder.ts';
import { userName } from '../models/model-given.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--model <name>', meaning: 'the ranking model that goes with it (default: the newest trained on its features)' },
  { flag: '--why <text>', meaning: 'the reason, kept with the switch', default: '' },
  {
    flag: '--dark',
    meaning: 'do not switch: make a share of the closeups again with it, unseen; report-dark-reads --net says how they would differ',
  },
  { flag: '--share <share>', meaning: 'with --dark: share of the closeups', kind: 'number', above: 0, range: [0, 1], default: 1 },
  { flag: '--stop-dark', meaning: 'end the dark reads' },
  { flag: '--force', meaning: 'switch although images lack features of it, or the guardrail speaks against the model' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'switch-net',
  summary: 'makes another net serve, with its features, lists and model, in one instant and without a restart',
  args: [{ form: '[net]', meaning: 'its name in nets/ of the data folder, a folder to copy there, or bundled' }],
  examples: [
    'related-pins switch-net tuned-1 --data var',
    'related-pins switch-net tuned-1 --model rank-svm-7 --why "P@10 on held-out boards 0.29, was 0.26"',
    'related-pins switch-net bundled --model starter',
    'related-pins switch-net tuned-1 --dark --share 0.2',
    'related-pins switch-net --stop-dark',
  ],
  options: FLAGS,
  run: switchNet,
});

async function switchNet(input: Input) {
  const { args, options, dataFolder, config } = input;
  if (options.stopDark === true) return stopDark(dataFolder);
  if (args[0] === undefined) throw new ServiceError('JOB_USAGE', { reason: 'switch-net needs the name of a net.' });
  const name = placed(dataFolder, args[0]);
  const net = netNamed(dataFolder, name);
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    const asked = options.model ?? null;
    const decision = { who: userName(), why: options.why, force: options.force === true };
    if (options.dark !== true) {
      const made = switchServing({ catalog, store, registry, dataFolder }, name, decision, asked);
      return { ...made, stale: staleParts(dataFolder) };
    }
    const coverage = coverageOf(catalog, store, net);
    if (!decision.force) expectCoverage(net, coverage);
    return { ...readInTheDark(input, name, modelFor(registry, net, asked) ?? registry.roles().serving), ...coverage };
  } finally {
    store.close();
    catalog.close();
  }
}

function readInTheDark({ options, dataFolder }: Input, net: string, model: string): DarkNet {
  const dark: DarkNet = { net, share: options.share, model, since: new Date().toISOString() };
  writeDarkNet(dataFolder, dark);
  return dark;
}

function stopDark(dataFolder: string): Readonly<Record<string, unknown>> {
  const ended = darkNetOf(dataFolder);
  if (ended === null) throw new ServiceError('NOTHING_TO_DO', { reason: 'No net reads in the dark.' });
  writeDarkNet(dataFolder, null);
  return { ended };
}

/** The net's name in `nets/`; a folder from elsewhere is copied there first. */
function placed(dataFolder: string, given: string): string {
  const folder = resolve(given);
  if (!given.includes('/') || !existsSync(join(folder, 'manifest.json'))) return given;
  const name = basename(folder);
  const own = join(dataFolder, 'nets', name);
  if (resolve(own) !== folder) cpSync(folder, own, { recursive: true });
  return name;
}
