/** Local features of all pictures that have none yet: what the search for the very same thing compares. */
import { availableParallelism } from 'node:os';
import { counted } from '../../counted.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching, isPassing } from '../../catalog/pins/image-fetch.ts';
import type { PinImage } from '../../catalog/pins/pin-store.ts';
import { type ErrorCode, reasonOf, ServiceError } from '../../errors.ts';
import { type LocalFeatureRow, type LocalFeatureStore, openLocalFeatureStore } from '../../exact/local-feature-store.ts';
import { LocalFeatureThreads } from '../../exact/local-feature-threads.ts';
import { KEY_POINTS_MAX, RECIPE } from '../../exact/local-features.ts';
import { imageLimitsOf } from '../../vision/inference-pool.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { timeLeft } from '../time-left.ts';

const FLAGS = flags([
  { flag: '--workers <n>', meaning: 'worker threads (default: one a core)', kind: 'integer', range: [1, 256] },
  { flag: '--retry-failed', meaning: 'look again at images that were refused before' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** Pictures under way for each thread. */
const AHEAD = 4;

export const job = defineJob({
  name: 'extract-local-features',
  summary: 'finds at most 500 key points in every new picture, for the search for the very same thing. See docs/MARKS.md',
  examples: ['related-pins extract-local-features --data var', 'related-pins extract-local-features --workers 8 --json'],
  options: FLAGS,
  alone: () => true,
  run: extractLocalFeatures,
  describe: ({ read, written, unchanged, refused, postponed, keyPointsPerPicture, seconds }) => [
    `${counted(read, 'picture')}: ${written} looked at, ${unchanged} unchanged${postponed > 0 ? `, ${postponed} left for the next run` : ''}, in ${seconds} s`,
    ...(keyPointsPerPicture === null
      ? []
      : [`${counted(keyPointsPerPicture, 'key point')} a picture; build-vocabulary makes them searchable`]),
    ...Object.entries(refused).map(([code, count]) => `refused: ${count} ${code}`),
  ],
});

async function extractLocalFeatures(input: Input) {
  const { config, dataFolder, options } = input;
  const startedAt = performance.now();
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const store = openLocalFeatureStore(dataFolder, { synchronous: config.synchronous });
  const threads = new LocalFeatureThreads(options.workers ?? availableParallelism(), imageLimitsOf(config));
  try {
    const images = [...catalog.pins.images()];
    if (images.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'No pin has an image; import pins with images first.' });
    const wanted = missing(images, store, options.retryFailed === true);
    const counts = await extractAll(input, wanted, { store, threads });
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return { read: images.length, ...counts, unchanged: images.length - wanted.length, recipe: RECIPE, workers: threads.size, seconds };
  } finally {
    await threads.close();
    store.close();
    catalog.close();
  }
}

interface Opened {
  readonly store: LocalFeatureStore;
  readonly threads: LocalFeatureThreads;
}

async function extractAll(input: Input, wanted: readonly PinImage[], { store, threads }: Opened) {
  const { progress, signal } = input;
  const refused: Record<string, number> = {};
  let [written, keyPoints, postponed, done] = [0, 0, 0, 0];
  const tell = timeLeft(input.progress, 'pictures', wanted.length);
  progress.start('pictures', wanted.length);
  for await (const { part, found } of partsAhead(wanted, AHEAD * threads.size, (images) => readPart(input, images, threads), signal)) {
    const rows = found.filter((row) => row !== null);
    store.put(rows);
    for (const { features, failure } of rows) {
      if (failure) refused[failure] = (refused[failure] ?? 0) + 1;
      written += Number(features !== null);
      keyPoints += features?.count ?? 0;
    }
    postponed += found.length - rows.length;
    done += part.length;
    progress.update(done);
    tell(done);
  }
  progress.stop();
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  return { written, refused, postponed, keyPointsPerPicture: written === 0 ? null : Math.round(keyPoints / written) };
}

/** Null: a stop broke off its fetching, or its server is busy; the next run asks again. */
function readPart(input: Input, images: readonly PinImage[], threads: LocalFeatureThreads): Promise<(LocalFeatureRow | null)[]> {
  return Promise.all(images.map((image) => readOne(input, image, threads)));
}

async function readOne(
  { config, dataFolder, signal }: Input,
  { pinIndex, imageVersion, image }: PinImage,
  threads: LocalFeatureThreads,
): Promise<LocalFeatureRow | null> {
  try {
    const bytes = await fetchImage(image, { ...imageFetching(config, dataFolder), signal });
    return { pinIndex, imageVersion, features: await threads.find(bytes, KEY_POINTS_MAX) };
  } catch (error) {
    if (signal.aborted || isPassing(error)) return null;
    if (error instanceof ServiceError && error.code === 'INDEX_UNAVAILABLE') throw error;
    const failure: ErrorCode = error instanceof ServiceError ? error.code : 'IMAGE_REFUSED';
    return { pinIndex, imageVersion, features: null, failure, reason: reasonOf(error) };
  }
}

/** Images without a row made from their present version. */
function missing(images: readonly PinImage[], store: LocalFeatureStore, retryFailed: boolean): PinImage[] {
  const versions = store.imageVersions();
  const failed = retryFailed ? store.failedPins() : new Set<number>();
  return images.filter(({ pinIndex, imageVersion }) => versions.get(pinIndex) !== imageVersion || failed.has(pinIndex));
}
