/**
 * The search for the very same thing on a thread of its own: it holds the vocabulary, follows the store of local features, and reads query
 * pictures by OpenCV, so that neither memory nor time of the serving thread is touched.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { reasonOf, ServiceError } from '../errors.ts';
import { stampOf } from '../swapped-file.ts';
import type { ImageLimits } from '../vision/image-tensor.ts';
import { takeTurnsAmong } from '../vision/large-pictures.ts';
import { type Accept, type ExactMatch, searchInParts } from './exact-search.ts';
import type { ExactAnswer, ExactQuestion } from './exact-search-thread.ts';
import { localFeatures } from './key-points.ts';
import { type LocalFeatureStore, openLocalFeatureStore } from './local-feature-store.ts';
import { KEY_POINTS_MAX } from './local-features.ts';
import { looksAt } from './query-views.ts';
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

async function search({ bytes, box, others, asked }: ExactQuestion): Promise<ExactAnswer> {
  const { vocabulary, store } = current();
  const sources = { ...vocabulary, featuresOf: (pinIndex: number) => store.get(pinIndex) };
  const looks = await looksAt(bytes, limits, (picture) => localFeatures(picture, limits, KEY_POINTS_MAX));
  return { matches: sized(await searchInParts(sources, { looks, box, others, accept: acceptBy(asked) }), store) };
}

/** Asks the serving thread which pins may answer. Its end of the port stays open until it has the answer to the question. */
function acceptBy(asked: MessagePort): Accept {
  return (pinIndexes) =>
    new Promise((done) => {
      asked.once('message', (accepted: readonly number[]) => done(new Set(accepted)));
      asked.postMessage(pinIndexes);
    });
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
