/**
 * The search for the very same thing on a thread of its own: it holds the vocabulary, follows the store of local features, and reads query
 * pictures by OpenCV, so that neither memory nor time of the serving thread is touched.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf, ServiceError } from '../errors.ts';
import { stampOf } from '../swapped-file.ts';
import type { Box } from '../vision/box.ts';
import { type ImageLimits, measureImage } from '../vision/image-tensor.ts';
import { takeTurnsAmong } from '../vision/large-pictures.ts';
import { type ExactMatch, searchInParts } from './exact-search.ts';
import type { ExactAnswer, ExactQuestion } from './exact-search-thread.ts';
import { localFeatures } from './key-points.ts';
import { type LocalFeatureStore, openLocalFeatureStore } from './local-feature-store.ts';
import { KEY_POINTS_MAX, type LocalFeatures } from './local-features.ts';
import { cutOut, partsOf, placedIn } from './query-views.ts';
import { followStore, openVocabulary, type Vocabulary, vocabularyArtifacts } from './vocabulary.ts';

interface Settings {
  readonly dataFolder: string;
  readonly limits: ImageLimits;
  readonly turns?: SharedArrayBuffer;
}

const { dataFolder, limits, turns } = workerData as Settings;
if (turns) takeTurnsAmong(turns);

interface Opened {
  readonly stamp: string;
  readonly vocabulary: Vocabulary;
  readonly store: LocalFeatureStore;
}

let opened: Opened | null = null;
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (question: ExactQuestion) => {
  last = last.then(async () => parentPort?.postMessage(await answer(question)));
});

/** The current vocabulary, up to date with the store. */
function current(): Opened {
  const stamp = stampOf(`${vocabularyArtifacts(dataFolder).folder}/CURRENT`);
  if (opened?.stamp !== stamp) {
    const vocabulary = openVocabulary(dataFolder);
    if (vocabulary === null) throw new ServiceError('INDEX_UNAVAILABLE', { index: 'vocabulary', reason: 'run build-vocabulary' });
    opened = { stamp, vocabulary, store: opened?.store ?? openLocalFeatureStore(dataFolder, { readonly: true }) };
  }
  followStore(opened.vocabulary, opened.store);
  return opened;
}

async function answer(question: ExactQuestion): Promise<ExactAnswer> {
  try {
    return await search(question);
  } catch (error) {
    const { code, fields } = error instanceof ServiceError ? error : new ServiceError('INDEX_UNAVAILABLE', unavailable(error));
    return { refused: { code, fields } };
  }
}

function unavailable(error: unknown) {
  return { index: 'local features', reason: reasonOf(error) };
}

async function search({ bytes, box, others, accepted }: ExactQuestion): Promise<ExactAnswer> {
  const { vocabulary, store } = current();
  const sources = { ...vocabulary, featuresOf: (pinIndex: number) => store.get(pinIndex) };
  const accept = (pinIndex: number): boolean => accepted[pinIndex] === 1;
  const { width, height } = await measureImage(bytes, limits);
  const view = (region: Box | null): Promise<LocalFeatures> => viewOf(bytes, region, { width, height });
  const query = { whole: await view(box), parts: box === null ? partsOf(width, height) : [], part: view };
  return { matches: sized(await searchInParts(sources, query, others, accept), store) };
}

/** The features of a region (null: the whole), in places of the whole picture. */
async function viewOf(bytes: Uint8Array, box: Box | null, { width, height }: { width: number; height: number }): Promise<LocalFeatures> {
  const cut = box === null ? null : await cutOut(bytes, box, limits);
  if (box === null || cut === null) return localFeatures(bytes, limits, KEY_POINTS_MAX);
  return placedIn(await localFeatures(cut, limits, KEY_POINTS_MAX), box, width, height);
}

/** With the size of each picture, in whose pixels its region is. */
function sized(matches: readonly ExactMatch[], store: LocalFeatureStore) {
  return matches
    .filter(({ inliers }) => inliers > 0)
    .map((match) => {
      const { width = 0, height = 0 } = store.get(match.pinIndex) ?? {};
      return { ...match, extent: [width, height] as const };
    });
}
