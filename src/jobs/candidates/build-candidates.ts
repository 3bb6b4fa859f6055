/** Candidate lists from what the catalogue holds: pins that share boards, and pins that look alike. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type CooccurrenceOptions, DEFAULT_COOCCURRENCE } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import { BOARDS_LEAST, type MethodChoice } from '../../candidates/cooccurrence/choose-method.ts';
import { flaggedOptions } from '../../candidates/cooccurrence/cooccurrence-options.ts';
import { lastCounted } from '../../candidates/cooccurrence/cooccurrence-store.ts';
import {
  boardPinsOfCatalog,
  buildCooccurrence,
  type BuildReceipt,
  type BuildSetting,
  buildVisualNeighbors,
  type CountingTasks,
} from '../../candidates/list-builds.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { snapshotPins } from '../../catalog/pins/pin-snapshot.ts';
import { ServiceError } from '../../errors.ts';
import { featureNetOf } from '../../features/convnet.ts';
import { openFeatureStore } from '../../features/feature-store.ts';
import { openFeatures } from '../../features/resident-features.ts';
import { activeNet, netGiven } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { choiceTable, chooseCounting, givenSettings, settingText } from './choose-counting.ts';
import { COUNTING_FLAGS, type CountingFlags } from './cooccurrence-flags.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { isOnSpark, runOnSpark, sharedFolder, SPARK_FLAGS } from '../spark.ts';

/** Pins kept per visual list when no flag says otherwise. */
const VISUAL_NEIGHBORS = 200;

const FLAGS = flags([
  { flag: '--only <lists>', meaning: 'cooccurrence or visual (default: both)', choices: ['cooccurrence', 'visual'] },
  { flag: '--net <folder>', meaning: 'make the visual lists of this net, before it is switched to (default: the active one)' },
  ...COUNTING_FLAGS,
  ...SPARK_FLAGS,
  { flag: '--visual-neighbors <k>', meaning: 'pins kept per visual list', kind: 'integer', default: VISUAL_NEIGHBORS },
  { flag: '--threads <n>', meaning: 'counting threads (default: one per core)', kind: 'integer' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'build-candidates',
  summary: 'counts co-occurrence lists and visual neighbour lists, and swaps them in',
  examples: [
    'related-pins build-candidates',
    'related-pins build-candidates --method auto',
    'related-pins build-candidates --method cosine --neighbors 200 --json',
    'related-pins build-candidates --only cooccurrence',
    'related-pins build-candidates --only cooccurrence --on spark --master spark://head:7077 --shared /shared/pins',
    'related-pins build-candidates --only visual --net nets/tuned-1',
  ],
  options: FLAGS,
  help: `--method auto holds out one save of each of many boards, tries every method with settings of its own, and takes what finds
most of them again (recall@20). The lists remember the choice: later builds without a method take it over.
--on spark has Apache Spark count the co-occurrence lists, with the same bits; visual lists are made here.`,
  alone: () => true,
  run: buildCandidates,
  describe: (receipt) => [
    ...(receipt.choice ? choiceTable(receipt.choice) : []),
    ...Object.entries(receipt)
      .filter(([name]) => name !== 'choice')
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
  ],
});

async function buildCandidates(input: Input) {
  const { only } = input.options;
  const setting: BuildSetting = {
    artifacts: join(input.dataFolder, 'artifacts'),
    threads: input.options.threads ?? availableParallelism(),
    progress: input.progress,
    signal: input.signal,
  };
  const catalog = openCatalog(input.dataFolder, { synchronous: input.config.synchronous });
  try {
    if (catalog.pins.count() === 0)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'The catalogue is empty; import-catalog comes first.' });
    const counted = only === 'visual' ? null : await buildBoards(catalog, input, setting);
    const visual = only === 'cooccurrence' ? null : await buildVisual(input, catalog.pins.count(), setting);
    if (only === 'visual' && visual === null)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'There are no visual features; extract-features comes first.' });
    snapshotPins(input.dataFolder, catalog);
    const { cooccurrence = null, options = null, choice } = counted ?? {};
    return { cooccurrence, visual, options, ...(choice ? { choice } : {}) };
  } finally {
    catalog.close();
  }
}

/** By the flags; without any, by what was chosen on held-out saves for the lists that are there, else by the usual settings. */
async function buildBoards(catalog: CatalogStore, input: Input, setting: BuildSetting) {
  const { options: flags, progress } = input;
  const { options, choice } = flags.method === 'auto' ? await chosen(catalog, flags, setting) : givenOrKept(flags, setting);
  if (flags.method === undefined && choice) progress.note(`counted as chosen on held-out saves: ${settingText(options)}`);
  return { cooccurrence: await buildCooccurrence(catalog, options, setting, choice, tasksOf(input)), options, choice };
}

/** The tasks of Spark; undefined when this machine counts. */
function tasksOf(input: Input): CountingTasks | undefined {
  if (!isOnSpark(input.options)) return undefined;
  const folder = sharedFolder(input, 'counting');
  return {
    folder,
    parts: input.options.parts,
    run: ({ files, bounds }) =>
      runOnSpark(input, 'build-candidates', folder, [
        ['split', files],
        ['count', bounds.length - 1],
      ]),
  };
}

interface Counting {
  readonly options: CooccurrenceOptions;
  readonly choice?: MethodChoice;
}

function givenOrKept(flags: CountingFlags, { artifacts }: BuildSetting): Counting {
  const last = givenSettings(flags).length > 0 ? null : lastCounted(artifacts);
  if (last?.choice) return { options: last.options, choice: last.choice };
  return { options: flaggedOptions(flags, DEFAULT_COOCCURRENCE) };
}

async function chosen(catalog: CatalogStore, flags: CountingFlags, { progress, signal }: BuildSetting): Promise<Counting> {
  const choice = await chooseCounting(boardPinsOfCatalog(catalog), flags, progress, signal);
  if (choice) return { options: choice.chosen.options, choice };
  progress.note(`fewer than ${BOARDS_LEAST} boards hold three pins: nothing can be held out, the usual settings are taken`);
  return { options: DEFAULT_COOCCURRENCE };
}

/** Null when the net has no features yet. */
async function buildVisual(input: Input, pins: number, setting: BuildSetting): Promise<BuildReceipt | null> {
  const { config, dataFolder, options } = input;
  const folder = options.net === undefined ? activeNet(dataFolder, 'visual') : netGiven(dataFolder, options.net);
  const net = featureNetOf(readNet(folder));
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    if (store.sequence(store.netIdOf(net)) === 0) {
      input.progress.note(`no features of ${net.name} yet: visual neighbour lists are left out (extract-features makes them)`);
      return null;
    }
    const features = openFeatures(dataFolder, store, net, config.classScoreBytes);
    const neighbors = options.visualNeighbors ?? VISUAL_NEIGHBORS;
    try {
      return await buildVisualNeighbors(features.image, pins, net.digest, neighbors, setting);
    } finally {
      features.close();
    }
  } finally {
    store.close();
  }
}
