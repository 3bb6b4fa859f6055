/** Looks for the taught marks in every picture. A picture is looked at once; marks that are taught later are compared with what was seen. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { counted } from '../../counted.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching, isPassing } from '../../catalog/pins/image-fetch.ts';
import type { PinImage } from '../../catalog/pins/pin-store.ts';
import { readDetectorSet, readUnited } from '../../detection/detector-set.ts';
import { openSetDetections } from '../../detection/set-detections.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { type MarkEyes, withMarkEyes } from '../../marks/mark-eyes.ts';
import { MARK_SURENESS_MIN, marksIn, type TaughtMark } from '../../marks/mark-matching.ts';
import { hasMarks, type MarkStore, openMarkStore, type SeenPicture, type TaughtPicture } from '../../marks/mark-store.ts';
import { lookAt, lookAtMark, VIEWS } from '../../marks/picture-views.ts';
import type { Box } from '../../vision/box.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { timeLeft } from '../time-left.ts';

const FLAGS = flags([
  { flag: '--workers <n>', meaning: 'worker threads (default: one a core)', kind: 'integer', range: [1, 256] },
  { flag: '--retry-failed', meaning: 'look again at images that were refused before' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** Pictures compared between two writes. */
const MATCHED_AT_ONCE = 20;

export const job = defineJob({
  name: 'find-marks',
  summary: 'finds the taught marks in all pictures; the page, filter=mark=LABEL and the objects of a pin then show them. See docs/MARKS.md',
  examples: ['related-pins find-marks --data var', 'related-pins find-marks --workers 2', 'related-pins find-marks --retry-failed --json'],
  options: FLAGS,
  alone: () => true,
  run: findMarks,
  describe: ({ read, looked, compared, refused, marks, pins, labels }) => [
    `${counted(read, 'picture')}: ${looked} looked at, ${compared} compared with ${counted(labels, 'label')}`,
    `${counted(marks, 'mark')} on ${counted(pins, 'pin')}${marks > 0 ? ': the page has a chip for each label, requests ask by filter=mark=LABEL' : ''}`,
    ...Object.entries(refused).map(([code, count]) => `refused: ${count} ${code}`),
  ],
});

async function findMarks(input: Input) {
  const { config, dataFolder, options } = input;
  const { synchronous } = config;
  const startedAt = performance.now();
  const untaught = new ServiceError('NOTHING_TO_DO', { reason: 'No mark is taught; teach-mark comes first.' });
  if (!hasMarks(dataFolder)) throw untaught;
  const store = openMarkStore(dataFolder, { synchronous });
  const catalog = openCatalog(dataFolder, { synchronous });
  try {
    if (store.labels().length === 0) throw untaught;
    const images = [...catalog.pins.images()];
    const workers = options.workers ?? availableParallelism();
    const counts = await withMarkEyes({ config, dataFolder, workers }, async (eyes) => {
      forgetGone(store, images);
      const seen = await lookAtAll(input, images, store, eyes);
      return { ...seen, compared: await compareAll(input, store, await taughtBy(store, eyes)) };
    });
    const found = store.found();
    return {
      read: images.length,
      ...counts,
      unchanged: images.length - counts.looked - counts.postponed,
      marks: found.length,
      pins: new Set(found.map(({ pinIndex }) => pinIndex)).size,
      labels: store.labels().length,
      seconds: Math.round(performance.now() - startedAt) / 1000,
    };
  } finally {
    catalog.close();
    store.close();
  }
}

/** Drops the rows of pins that were removed or lost their picture. */
function forgetGone(store: MarkStore, images: readonly PinImage[]): void {
  const there = new Set(images.map(({ pinIndex }) => pinIndex));
  store.forgetPins([...store.states().keys()].filter((pinIndex) => !there.has(pinIndex)));
}

interface Wanted {
  readonly image: PinImage;
  readonly objects: readonly Box[];
  readonly seen: string;
}

/** Looks at the pictures that are new, or have other objects, or were seen by another net. */
async function lookAtAll(input: Input, images: readonly PinImage[], store: MarkStore, eyes: MarkEyes) {
  const { progress, signal, options } = input;
  const states = store.states();
  const wanted = wantedLooks(input, images, eyes.madeBy).filter(({ image, seen }) => {
    const state = states.get(image.pinIndex);
    return state?.seen !== seen || (options.retryFailed === true && state.failure !== null);
  });
  const refused: Record<string, number> = {};
  let [looked, postponed] = [0, 0];
  const tell = timeLeft(progress, 'pictures', wanted.length);
  progress.start('looks at pictures', wanted.length);
  const look = (part: readonly Wanted[]): Promise<(SeenPicture | null)[]> => Promise.all(part.map((one) => lookAtOne(input, one, eyes)));
  for await (const { found } of partsAhead(wanted, eyes.threads.size, look, signal)) {
    const rows = found.filter((row) => row !== null);
    store.putSeen(rows);
    for (const { failure } of rows) if (failure) refused[failure] = (refused[failure] ?? 0) + 1;
    looked += rows.length;
    postponed += found.length - rows.length;
    progress.update(looked + postponed);
    tell(looked + postponed);
  }
  progress.stop();
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  return { looked, refused, postponed };
}

function wantedLooks({ dataFolder, config }: Input, images: readonly PinImage[], madeBy: string): Wanted[] {
  const set = readDetectorSet(dataFolder);
  const detections = openSetDetections(dataFolder, set, { synchronous: config.synchronous });
  try {
    return images.map((image) => {
      const found = detections.read(image.pinIndex);
      const objects = found ? readUnited(found.detections, set).map(({ box }) => box) : [];
      return { image, objects, seen: JSON.stringify([image.imageVersion, VIEWS, madeBy, digestOf(JSON.stringify(objects))]) };
    });
  } finally {
    detections.close();
  }
}

/** Null: a stop broke off its fetching, or its server is busy; the next run asks again. */
async function lookAtOne(
  { config, dataFolder, signal }: Input,
  { image, objects, seen }: Wanted,
  eyes: MarkEyes,
): Promise<SeenPicture | null> {
  const { pinIndex } = image;
  try {
    const bytes = await fetchImage(image.image, { ...imageFetching(config, dataFolder), signal });
    return { pinIndex, seen, views: await lookAt(bytes, objects, eyes) };
  } catch (error) {
    if (signal.aborted || isPassing(error)) return null;
    if (error instanceof ServiceError && error.code === 'INDEX_UNAVAILABLE') throw error;
    const failure = error instanceof ServiceError ? error.code : 'IMAGE_REFUSED';
    return { pinIndex, seen, views: null, failure, reason: reasonOf(error) };
  }
}

/** The taught pictures as these eyes see them: those that another net or recipe saw are looked at again. */
async function taughtBy(store: MarkStore, eyes: MarkEyes): Promise<readonly TaughtPicture[]> {
  const all = store.taught();
  const others = all.filter(({ madeBy }) => madeBy !== eyes.madeBy);
  if (others.length === 0) return all;
  const again: TaughtPicture[] = [];
  for (const one of others) again.push({ ...one, madeBy: eyes.madeBy, view: await lookAtMark(one.picture, eyes) });
  store.teach(again, Date.now());
  return store.taught();
}

/** Compares what was seen with the taught pictures, where that was not done with the same ones. Returns how many pictures. */
async function compareAll({ progress, signal }: Input, store: MarkStore, pictures: readonly TaughtPicture[]): Promise<number> {
  const set = digestOf(JSON.stringify([MARK_SURENESS_MIN, pictures.map(({ label, digest, madeBy }) => [label, digest, madeBy])]));
  const taught = pictures.map(({ label, view }): TaughtMark => ({ label, ...view }));
  const waiting = [...store.states().values()].filter(({ matched, failure }) => matched !== set && failure === null);
  progress.start('compares with taught marks', waiting.length);
  for (let from = 0; from < waiting.length; from += MATCHED_AT_ONCE) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const part = waiting.slice(from, from + MATCHED_AT_ONCE).map(({ pinIndex }) => {
      const views = store.views(pinIndex);
      return { pinIndex, marks: views ? marksIn(views, taught) : [] };
    });
    store.putFound(part, set);
    progress.update(from + part.length);
    await new Promise((turn) => setImmediate(turn));
  }
  progress.stop();
  return waiting.length;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
