/** Candidate lists from what the catalogue holds: pins that share boards, and pins that look alike. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_COOCCURRENCE } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import { flaggedOptions } from '../../candidates/cooccurrence/cooccurrence-options.ts';
import { buildCooccurrence, type BuildReceipt, type BuildSetting, buildVisualNeighbors } from '../../candidates/list-builds.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { siteCategories } from '../../catalog/pins/pin-columns.ts';
import { snapshotPins } from '../../catalog/pins/pin-snapshot.ts';
import { ServiceError } from '../../errors.ts';
import { featureNetOf } from '../../features/convnet.ts';
import { openFeatureStore } from '../../features/feature-store.ts';
import { openFeatures } from '../../features/resident-features.ts';
import { activeNet, netGiven } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { COOCCURRENCE_FLAGS } from './cooccurrence-flags.ts';
import type { Job, JobInput } from '../job.ts';

/** Pins kept per visual list when no flag says otherwise. */
const VISUAL_NEIGHBORS = 200;

export const job: Job = {
  name: 'build-candidates',
  summary: 'counts co-occurrence lists and visual neighbour lists, and swaps them in',
  examples: [
    'related-pins build-candidates',
    'related-pins build-candidates --method cosine --neighbors 200 --json',
    'related-pins build-candidates --only cooccurrence',
    'related-pins build-candidates --only visual --net nets/tuned-1',
  ],
  options: [
    { flag: '--only <lists>', meaning: 'cooccurrence or visual (default: both)' },
    { flag: '--net <folder>', meaning: 'make the visual lists of this net, before it is switched to (default: the active one)' },
    ...COOCCURRENCE_FLAGS,
    { flag: '--visual-neighbors <k>', meaning: 'pins kept per visual list', kind: 'integer', default: VISUAL_NEIGHBORS },
    { flag: '--threads <n>', meaning: 'counting threads (default: one per core)', kind: 'integer' },
  ],
  alone: () => true,
  run: buildCandidates,
};

async function buildCandidates(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const { only } = input.options;
  if (only !== undefined && only !== 'cooccurrence' && only !== 'visual')
    throw new ServiceError('JOB_USAGE', { reason: `--only must be cooccurrence or visual, it is ${String(only)}` });
  const options = flaggedOptions(input.options, DEFAULT_COOCCURRENCE);
  const setting: BuildSetting = {
    artifacts: join(input.dataFolder, 'artifacts'),
    threads: (input.options.threads as number | undefined) ?? availableParallelism(),
    progress: input.progress,
    signal: input.signal,
  };
  const catalog = openCatalog(input.dataFolder, { synchronous: input.config.synchronous });
  try {
    if (catalog.pins.count() === 0)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'The catalogue is empty; import-catalog comes first.' });
    const cooccurrence = only === 'visual' ? null : await buildCooccurrence(catalog, options, setting);
    const visual = only === 'cooccurrence' ? null : await buildVisual(input, catalog.pins.count(), setting);
    if (only === 'visual' && visual === null)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'There are no visual features; extract-features comes first.' });
    snapshotPins(input.dataFolder, catalog, siteCategories(input.config.categories));
    return { cooccurrence, visual, options };
  } finally {
    catalog.close();
  }
}

/** Null when the net has no features yet. */
async function buildVisual(input: JobInput, pins: number, setting: BuildSetting): Promise<BuildReceipt | null> {
  const { config, dataFolder, options } = input;
  const folder = options.net === undefined ? activeNet(dataFolder, 'visual') : netGiven(dataFolder, String(options.net));
  const net = featureNetOf(readNet(folder));
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    if (store.sequence(store.netIdOf(net)) === 0) {
      input.progress.note(`no features of ${net.name} yet: visual neighbour lists are left out (extract-features makes them)`);
      return null;
    }
    const features = openFeatures(dataFolder, store, net, config.classScoreBytes);
    const neighbors = (options.visualNeighbors as number | undefined) ?? VISUAL_NEIGHBORS;
    try {
      return await buildVisualNeighbors(features.image, pins, net.digest, neighbors, setting);
    } finally {
      features.close();
    }
  } finally {
    store.close();
  }
}
