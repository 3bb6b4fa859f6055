/** Makes another net serve: its features, the lists made from them and the model trained on them, in one instant. */
import { cpSync, existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { openCatalog } from '../catalog/catalog-store.ts';
import { openFeatureStore } from '../features/feature-store.ts';
import { promoteModel } from '../ranker/model-promotion.ts';
import { ModelRegistry } from '../ranker/model-registry.ts';
import { coverageOf, expectCoverage, modelFor, netNamed, switchTo } from '../serving/net-switching.ts';
import type { Job, JobInput } from './job.ts';

export const job: Job = {
  name: 'switch-net',
  summary: 'makes another net serve, with its features, lists and model, in one instant and without a restart',
  args: [{ form: '<net>', meaning: 'its name in nets/ of the data folder, a folder to copy there, or bundled' }],
  examples: [
    'related-pins switch-net tuned-1 --data var',
    'related-pins switch-net tuned-1 --model rank-svm-7 --why "P@10 on held-out boards 0.29, was 0.26"',
    'related-pins switch-net bundled --model as-retrieved',
  ],
  options: [
    { flag: '--model <name>', meaning: 'the ranking model that goes with it (default: the newest trained on its features)' },
    { flag: '--why <text>', meaning: 'the reason, kept with the switch', default: '' },
    { flag: '--force', meaning: 'switch although images lack features of it, or the guardrail speaks against the model' },
  ],
  run: switchNet,
};

async function switchNet({ args, options, dataFolder, config }: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const name = placed(dataFolder, args[0]);
  const net = netNamed(dataFolder, name);
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    const coverage = coverageOf(catalog, store, net);
    if (options.force !== true) expectCoverage(net, coverage);
    const model = modelFor(registry, net, (options.model as string | undefined) ?? null);
    const before = registry.roles().serving;
    const why = String(options.why);
    const decision = { who: userInfo().username, why: `with the net ${name}: ${why}`, force: options.force === true };
    // The model first: until the pointer of the net moves, servers refuse it and go on with the one they have.
    if (model !== null && model !== before) promoteModel(registry, model, decision);
    const made = switchTo(dataFolder, name, net, { model: model ?? before, why, before });
    return { ...made, previousModel: before, images: coverage.images, missing: coverage.missing };
  } finally {
    store.close();
    catalog.close();
  }
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
