/** Does what is due after pins, pictures or nets have changed: the jobs that follow an import, in order, each only as far as needed. */
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { type CooccurrenceMetadata, lastCounted } from '../../candidates/cooccurrence/cooccurrence-store.ts';
import { listsAreOf } from '../../candidates/visual/visual-neighbors.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { hasMarks } from '../../marks/mark-store.ts';
import { hasLocalFeatures } from '../../exact/local-feature-store.ts';
import { unfitted } from '../../features/binarize.ts';
import { type FeatureNet, featureNetOf } from '../../features/convnet.ts';
import { type FeatureStore, openFeatureStore } from '../../features/feature-store.ts';
import { openFeatures } from '../../features/resident-features.ts';
import { coverageOf } from '../../service/net-switching.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { type Net, readNet } from '../../vision/net-manifest.ts';
import { job as buildCandidates } from '../candidates/build-candidates.ts';
import { callJob, defineJob, type JobInput } from '../job.ts';
import { lockJob } from '../job-lock.ts';
import { job as detectObjects } from '../nets/detect-objects.ts';
import { job as extractFeatures, groupNearDuplicates, groupsAreDue } from '../nets/extract-features.ts';
import { job as extractLocalFeatures } from '../search/extract-local-features.ts';
import { job as findMarks } from '../search/find-marks.ts';
import { job as indexObjects } from '../search/index-objects.ts';

/** One step: the job it is, and in words what it did. */
export interface RefreshStep {
  readonly job: string;
  readonly did: string;
  readonly seconds: number;
}

export const job = defineJob({
  name: 'refresh',
  summary:
    'does what is due after new pins, pictures or another net: extract, detect, index, build, group; local features and marks where they are in use',
  examples: ['related-pins refresh --data var', 'related-pins refresh --no-objects --json'],
  options: [{ flag: '--no-objects', meaning: 'leave the objects in the pictures alone' }],
  alone: () => true,
  run: async (input) => ({ steps: await refresh(input, { objects: input.options.objects !== false }) }),
  describe: ({ steps }) => steps.map(({ job: name, did, seconds }) => `${name}: ${did} (${seconds.toFixed(1)} s)`),
});

/** The steps in order; a step that has nothing to do says so. @throws NOTHING_TO_DO for an empty catalog, JOB_STOPPED, JOB_RUNNING. */
export async function refresh(input: JobInput, { objects }: { readonly objects: boolean }): Promise<RefreshStep[]> {
  const { dataFolder, config } = input;
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    if (catalog.pins.count() === 0)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'The catalog is empty; import-catalog or open comes first.' });
    const due: Due = { input, catalog, store, net: readNet(activeNet(dataFolder, 'visual')) };
    const steps: RefreshStep[] = [];
    const works = [
      ...PICTURES,
      ...(hasLocalFeatures(dataFolder) ? LOCAL_FEATURES : []),
      ...(objects ? OBJECTS : []),
      ...(hasMarks(dataFolder) ? MARKS : []),
      ...LISTS,
    ];
    for (const [name, work] of works) steps.push(await step(dataFolder, name, () => work(due)));
    return steps;
  } finally {
    store.close();
    catalog.close();
  }
}

interface Due {
  readonly input: JobInput;
  readonly catalog: CatalogStore;
  readonly store: FeatureStore;
  readonly net: Net;
}

type Work = (due: Due) => Promise<string>;

const PICTURES: readonly (readonly [string, Work])[] = [[extractFeatures.name, extract]];
/** Where somebody began with them. */
const LOCAL_FEATURES: readonly (readonly [string, Work])[] = [[extractLocalFeatures.name, extractLocal]];
const OBJECTS: readonly (readonly [string, Work])[] = [
  [detectObjects.name, detect],
  [indexObjects.name, index],
];
/** Where somebody taught one; objects are among the regions in which they are looked for. */
const MARKS: readonly (readonly [string, Work])[] = [[findMarks.name, marks]];
const LISTS: readonly (readonly [string, Work])[] = [
  [buildCandidates.name, build],
  ['group-near-duplicates', group],
];

async function step(dataFolder: string, name: string, work: () => Promise<string>): Promise<RefreshStep> {
  const startedAt = performance.now();
  const lock = lockJob(dataFolder, name);
  try {
    const did = await work().catch((error: unknown) => {
      if (error instanceof ServiceError && error.code === 'NOTHING_TO_DO') return `nothing: ${reasonOf(error)}`;
      throw error;
    });
    return { job: name, did, seconds: Math.round(performance.now() - startedAt) / 1000 };
  } finally {
    lock.release();
  }
}

async function extract({ input, catalog, store, net }: Due): Promise<string> {
  const { images, missing } = coverageOf(catalog, store, net);
  if (images > 0 && missing === 0) return `nothing: every image has features of ${net.manifest.name}`;
  const done = await callJob(extractFeatures, input, { groups: false });
  const refused = Object.values(done.rejected).reduce((sum, { count }) => sum + count, 0);
  return `${counted(done.written, 'image')} read by ${net.manifest.name}${refused > 0 ? `, ${refused} refused` : ''}`;
}

async function extractLocal({ input }: Due): Promise<string> {
  const { written, keyPointsPerPicture } = await callJob(extractLocalFeatures, input);
  return written === 0
    ? 'nothing: every image has local features'
    : `${counted(written, 'image')}, ${counted(keyPointsPerPicture ?? 0, 'key point')} each`;
}

async function marks({ input }: Due): Promise<string> {
  const { looked, compared, marks: found, pins } = await callJob(findMarks, input);
  if (looked + compared === 0) return 'nothing: every picture was compared with the taught marks';
  return `${counted(looked, 'picture')} looked at, ${counted(found, 'mark')} on ${counted(pins, 'pin')} in all`;
}

async function detect({ input }: Due): Promise<string> {
  const done = await callJob(detectObjects, input);
  const crops = done.crops?.written ?? 0;
  if (done.written + crops === 0) return 'nothing: every image was looked at, and its dominant object is described';
  return `${counted(done.written, 'image')} looked at, ${counted(crops, 'dominant object')} described`;
}

async function index({ input }: Due): Promise<string> {
  const { written, objects } = await callJob(indexObjects, input);
  return written === 0
    ? 'nothing: the objects of every image are indexed'
    : `${counted(objects, 'object')} of ${counted(written, 'image')} indexed`;
}

async function build({ input, catalog, store, net }: Due): Promise<string> {
  const last = lastCounted(join(input.dataFolder, 'artifacts'));
  const boards = boardsAreDue(last, catalog);
  const looks = looksAreDue(input, catalog, store, featureNetOf(net));
  if (!boards && !looks) return 'nothing: no save and no code has changed since the last build';
  const only = boards && looks ? {} : { only: boards ? ('cooccurrence' as const) : ('visual' as const) };
  // Options that were chosen on held-out saves are taken over by the job itself, with what it says of the choice.
  await callJob(buildCandidates, input, { ...(last?.choice ? {} : last?.options), ...only });
  return [boards ? 'pins that share boards' : '', looks ? 'pins that look alike' : ''].filter((part) => part !== '').join(' and ');
}

/** Whether saves came or went since the lists were counted. */
function boardsAreDue(last: CooccurrenceMetadata | null, catalog: CatalogStore): boolean {
  if (last === null) return catalog.saves.count() > 0;
  return catalog.saves.savedSince(last.sequence).length > 0 || catalog.removedSince(last.sequence);
}

function looksAreDue({ dataFolder, config }: JobInput, catalog: CatalogStore, store: FeatureStore, net: FeatureNet): boolean {
  if (store.sequence(store.netIdOf(net)) === 0) return false;
  const features = openFeatures(dataFolder, store, net, config.classScoreBytes);
  try {
    return !listsAreOf(join(dataFolder, 'artifacts'), net.digest, features.image, catalog.pins.count());
  } finally {
    features.close();
  }
}

async function group({ input: { dataFolder }, catalog, store, net }: Due): Promise<string> {
  const features = featureNetOf(net);
  if (!groupsAreDue(catalog, store, features)) return 'nothing: no image was read since the last grouping';
  const binarizer = store.binarizer(store.netIdOf(features)) ?? unfitted(features.rule, features.fc6Length);
  if (binarizer === null) return `nothing: the codes of ${features.name} are not fitted yet`;
  const behind = groupNearDuplicates({ catalog, store, dataFolder }, features, binarizer.bits);
  return `${counted(behind, 'pin')} behind a near-duplicate`;
}
