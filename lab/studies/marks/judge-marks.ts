/**
 * How many marks are found where one photo in a hundred without a taught mark may get a label. Forty drawn logos are pasted into photos.
 * Each half of the logos is taught in its turn, by one picture a logo; the other half then stands for all the marks that nobody taught.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LocalFeatureThreads } from '../../../src/exact/local-feature-threads.ts';
import { RECIPE } from '../../../src/exact/local-features.ts';
import { fitBinarizer, needsFit } from '../../../src/features/binarize.ts';
import { openConvNet } from '../../../src/features/convnet.ts';
import { netKeyOf } from '../../../src/features/feature-store.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { ServiceError } from '../../../src/errors.ts';
import { COMPARED_MOST, markCandidates, nearestPairsOf, type TaughtMark } from '../../../src/marks/mark-matching.ts';
import { type Eyes, lookAt, lookAtMark, VIEWS } from '../../../src/marks/picture-views.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import { type Box, boxIou } from '../../../src/vision/box.ts';
import { imageLimitsOf, openPool } from '../../../src/vision/inference-pool.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { projectRoot } from '../../../src/worker-url.ts';
import { judgedPhotos } from '../exact/exact-photos.ts';
import { drawnLogo, isName } from './drawn-logos.ts';
import { type Answer, curveOf, figuresOf, type JudgedScene } from './mark-figures.ts';
import { markScene } from './mark-scenes.ts';

const FLAGS = flags([
  { flag: '--datasets <folder>', meaning: 'where clothing-test, ikea-rooms and coco-val128 lie (default: ../shared/datasets)' },
  {
    flag: '--photos <n>',
    meaning: 'photos, each with a logo; half of them fit the threshold',
    kind: 'integer',
    range: [8, 4000],
    default: 400,
  },
  {
    flag: '--compared <n>',
    meaning: 'taught pictures that key points are compared with, the nearest by code',
    kind: 'integer',
    default: COMPARED_MOST,
  },
  { flag: '--seed <number>', meaning: 'which photos, and how logos are pasted', kind: 'integer', default: 1 },
  { flag: '--kept <file>', meaning: 'keeps what was judged, photo by photo; a call that was stopped goes on from there' },
  { flag: '--write <folder>', meaning: 'keep the photos, to look at' },
  { flag: '--workers <n>', meaning: 'threads', kind: 'integer', range: [1, 64], default: 2 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

const LOGOS = 40;
/** Of each half. */
const TAUGHT = 20;

export const job = defineJob({
  name: 'judge-marks',
  summary: 'detection of taught logos at 1 % false accepts, beside codes alone',
  examples: ['npm run lab -- judge-marks --kept judged.jsonl --json', 'npm run lab -- judge-marks --photos 40 --write /tmp/marks'],
  options: FLAGS,
  run: judgeMarks,
  describe: ({ photos, rows, chance }) => [
    `${photos} photos, half judged; chance of the right label ${chance}; shares with 95 % intervals (Wilson)`,
    ...rows.map(({ group, verified, codes }) => `${group.padEnd(24)} ${JSON.stringify({ verified, codes })}`),
  ],
});

async function judgeMarks(input: Input) {
  const { options, config, dataFolder } = input;
  const datasets = resolve(options.datasets ?? new URL('../shared/datasets', projectRoot()).pathname);
  const { photos } = judgedPhotos(datasets, options.photos, seededRandom(options.seed));
  const limits = imageLimitsOf(config);
  const threads = new LocalFeatureThreads(options.workers, limits);
  const pool = openPool(config, { workers: options.workers });
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const { rule, fc6Length } = net.features;
    if (needsFit(rule)) throw new ServiceError('JOB_USAGE', { reason: 'the active net has codes that are fitted to a catalog' });
    const binarizer = fitBinarizer(rule, fc6Length, { rows: 0, length: fc6Length, data: new Float32Array(0) });
    const eyes: Eyes = { net, binarizer, threads, limits };
    const logos = await Promise.all(Array.from({ length: LOGOS }, (_, i) => drawnLogo(i)));
    const marks: TaughtMark[] = [];
    for (const [i, logo] of logos.entries()) marks.push({ label: String(i), ...(await lookAtMark(logo, eyes)) });
    const { seed, compared } = options;
    const of = JSON.stringify([netKeyOf(net.features), RECIPE, VIEWS, { photos: photos.length, seed, compared }]);
    const scenes = await judgedScenes(
      { input, eyes, marks, logos },
      photos.map(({ file }) => file),
      of,
    );
    return {
      photos: photos.length,
      logos: LOGOS,
      taught: TAUGHT,
      compared,
      chance: 1 / TAUGHT,
      rows: figuresOf(scenes),
      curve: curveOf(scenes),
    };
  } finally {
    await pool.close();
    await threads.close();
  }
}

interface Made {
  readonly input: Input;
  readonly eyes: Eyes;
  /** Of all logos. */
  readonly marks: readonly TaughtMark[];
  readonly logos: readonly Uint8Array[];
}

/** One line of the kept file. `of`: all that the answers hang on, but for the code. */
interface KeptPhoto {
  readonly of: string;
  readonly photo: number;
  readonly scenes: readonly JudgedScene[];
}

async function judgedScenes(made: Made, files: readonly string[], of: string): Promise<JudgedScene[]> {
  const { options, progress, signal } = made.input;
  const { kept } = options;
  const known = kept === undefined ? new Map<number, readonly JudgedScene[]>() : keptScenes(kept, of);
  const scenes: JudgedScene[] = [];
  progress.start('photos', files.length);
  for (const [photo, file] of files.entries()) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const judged = known.get(photo) ?? (await judgeOne(made, photo, file));
    if (kept !== undefined && !known.has(photo))
      appendFileSync(kept, `${JSON.stringify({ of, photo, scenes: judged } satisfies KeptPhoto)}\n`);
    scenes.push(...judged);
    progress.update(photo + 1);
  }
  progress.stop();
  return scenes;
}

/** What a call before kept, by photo. A line that a stop cut off is taken away. */
function keptScenes(file: string, of: string): Map<number, readonly JudgedScene[]> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) writeFileSync(file, whole);
  const lines = whole.split('\n').filter((line) => line !== '');
  const photos = lines.map((line) => JSON.parse(line) as KeptPhoto).filter((one) => one.of === of);
  return new Map(photos.map(({ photo, scenes }) => [photo, scenes]));
}

/** A photo is asked twice: by the half of the logos that its own is of, and by the other. Every other photo fits the threshold. */
async function judgeOne({ input, eyes, marks, logos }: Made, i: number, file: string): Promise<JudgedScene[]> {
  const { options } = input;
  const random = seededRandom(mixedSeed(options.seed, `marks ${i}`));
  const logo = random.integer(LOGOS);
  const { bytes, box, share, isCutOut } = await markScene(file, logos[logo], random);
  if (options.write !== undefined) {
    mkdirSync(options.write, { recursive: true });
    writeFileSync(join(options.write, `${i} logo ${logo}.jpg`), bytes);
  }
  const views = await lookAt(bytes, [], eyes);
  return [0, 1].map((half): JudgedScene => {
    const taught = marks.slice(half * TAUGHT, (half + 1) * TAUGHT);
    const nearest = nearestPairsOf(views, taught)[0];
    const sureness = 1 - nearest.distance / (32 * nearest.mark.code.length);
    const answers: JudgedScene['answers'] = {
      verified: answerOf(markCandidates(views, taught, options.compared).at(0), box),
      codes: answerOf({ label: nearest.mark.label, sureness, box: views.regions[nearest.region] }, box),
    };
    const truth = Math.floor(logo / TAUGHT) === half ? String(logo) : null;
    return {
      truth,
      isName: isName(logo),
      isCutOut,
      share,
      side: Math.max(views.features.width, views.features.height),
      fits: i % 2 === 0,
      answers,
    };
  });
}

/** What has no label is surer of nothing than anything else: JSON has no -Infinity. */
const NO_ANSWER: Answer = { label: null, sureness: -1, overlap: 0 };

function answerOf(found: { label: string; sureness: number; box: Box } | undefined, truth: Box): Answer {
  return found ? { label: found.label, sureness: found.sureness, overlap: boxIou(found.box, truth) } : NO_ANSWER;
}
