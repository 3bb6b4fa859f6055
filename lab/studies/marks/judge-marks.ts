/**
 * How many marks are found where one photo in a hundred without a taught mark may get a label. Forty drawn logos are pasted into photos;
 * half of the logos are taught by one picture each, the others stand for all the marks that nobody taught.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LocalFeatureThreads } from '../../../src/exact/local-feature-threads.ts';
import { cornersOf, type Point, type Quadrilateral } from '../../../src/exact/homography.ts';
import { fitBinarizer, needsFit } from '../../../src/features/binarize.ts';
import { openConvNet } from '../../../src/features/convnet.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { ServiceError } from '../../../src/errors.ts';
import { COMPARED_MOST, markCandidates, nearestPairsOf, type TaughtMark } from '../../../src/marks/mark-matching.ts';
import { type Eyes, lookAt, lookAtMark } from '../../../src/marks/picture-views.ts';
import { mixedSeed, type Random, seededRandom } from '../../../src/math/random.ts';
import { type Box, boxIou } from '../../../src/vision/box.ts';
import { decodeImage, encodePixels, type Pixels } from '../../../src/vision/image-tensor.ts';
import { imageLimitsOf, openPool } from '../../../src/vision/inference-pool.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { projectRoot } from '../../../src/worker-url.ts';
import { borderColour, laidInto, movedCorners } from '../exact/altered-pictures.ts';
import { judgedPhotos } from '../exact/exact-photos.ts';
import { drawnLogo, isName } from './drawn-logos.ts';
import { type Answer, curveOf, figuresOf, type JudgedScene } from './mark-figures.ts';

const FLAGS = flags([
  { flag: '--datasets <folder>', meaning: 'where clothing-test, ikea-rooms and coco-val128 lie (default: ../shared/datasets)' },
  { flag: '--photos <n>', meaning: 'photos, half of them with a taught logo', kind: 'integer', range: [8, 4000], default: 400 },
  {
    flag: '--compared <n>',
    meaning: 'taught pictures that key points are compared with, the nearest by code',
    kind: 'integer',
    default: COMPARED_MOST,
  },
  { flag: '--seed <number>', meaning: 'which photos, and how logos are pasted', kind: 'integer', default: 1 },
  { flag: '--write <folder>', meaning: 'keep the photos, to look at' },
  { flag: '--workers <n>', meaning: 'threads', kind: 'integer', range: [1, 64], default: 2 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

const LOGOS = 40;
const TAUGHT = 20;
/** Longer side of a logo in shares of the photo's. */
const SHARES = [0.08, 0.3] as const;
/** Standard deviation of the noise, in levels of 255. */
const NOISE = 8;

export const job = defineJob({
  name: 'judge-marks',
  summary: 'detection of taught logos at 1 % false accepts, beside codes alone',
  examples: ['npm run lab -- judge-marks --json', 'npm run lab -- judge-marks --photos 40 --write /tmp/marks'],
  options: FLAGS,
  run: judgeMarks,
  describe: ({ photos, rows, chance }) => [
    `${photos} photos, half judged; chance of the right label ${chance}; shares with 95 % intervals (Wilson)`,
    ...rows.map(({ group, verified, codes }) => `${group.padEnd(24)} ${JSON.stringify({ verified, codes })}`),
  ],
});

async function judgeMarks(input: Input) {
  const { options, config, dataFolder, progress } = input;
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
    const taught: TaughtMark[] = [];
    for (let i = 0; i < TAUGHT; i++) taught.push({ label: String(i), ...(await lookAtMark(logos[i], eyes)) });
    const scenes: JudgedScene[] = [];
    progress.start('photos', photos.length);
    for (const [i, { file }] of photos.entries()) {
      scenes.push(await judgeOne({ input, eyes, taught, logos }, i, file));
      progress.update(i + 1);
    }
    progress.stop();
    return {
      photos: photos.length,
      logos: LOGOS,
      taught: TAUGHT,
      compared: options.compared,
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
  readonly taught: readonly TaughtMark[];
  readonly logos: readonly Uint8Array[];
}

/** Photos take turns: taught and unknown logos, and of both every other pair fits the threshold. */
async function judgeOne({ input, eyes, taught, logos }: Made, i: number, file: string): Promise<JudgedScene> {
  const { options } = input;
  const random = seededRandom(mixedSeed(options.seed, `marks ${i}`));
  const isTaught = i % 2 === 0;
  const logo = random.integer(TAUGHT) + (isTaught ? 0 : TAUGHT);
  const isCutOut = random.next() < 0.5;
  const share = SHARES[0] + (SHARES[1] - SHARES[0]) * random.next();
  const [photo, mark] = await Promise.all([decodeImage(readFileSync(file)), decodeImage(logos[logo])]);
  const scene = pasted(photo.working, mark.working, { share, isCutOut }, random);
  const bytes = await encodePixels(scene.picture, 'jpeg', 90);
  if (options.write !== undefined) {
    mkdirSync(options.write, { recursive: true });
    writeFileSync(join(options.write, `${i} logo ${logo}.jpg`), bytes);
  }
  const views = await lookAt(bytes, [], eyes);
  const nearest = nearestPairsOf(views, taught)[0];
  const best = markCandidates(views, taught, options.compared).at(0);
  const answers: JudgedScene['answers'] = {
    verified: answerOf(best && { label: best.label, sureness: best.sureness, box: best.box }, scene.box),
    codes: answerOf(
      { label: nearest.mark.label, sureness: 1 - nearest.distance / (32 * nearest.mark.code.length), box: views.regions[nearest.region] },
      scene.box,
    ),
  };
  return { truth: isTaught ? String(logo) : null, isName: isName(logo), isCutOut, share, fits: i % 4 < 2, answers };
}

function answerOf(found: { label: string; sureness: number; box: Box } | undefined, truth: Box): Answer {
  if (!found) return { label: null, sureness: Number.NEGATIVE_INFINITY, overlap: 0 };
  return { label: found.label, sureness: found.sureness, overlap: boxIou(found.box, truth) };
}

/** A logo anywhere in a photo, seen a little from aside, under noise. */
function pasted(photo: Pixels, logo: Pixels, { share, isCutOut }: { share: number; isCutOut: boolean }, random: Random) {
  const picture: Pixels = { ...photo, data: Uint8Array.from(photo.data) };
  const side = Math.min(share * Math.max(photo.width, photo.height), photo.width, photo.height);
  const [left, top] = [random.next() * (photo.width - side), random.next() * (photo.height - side)];
  const square = cornersOf(side, side).map(([x, y]): Point => [x + left, y + top]) as unknown as Quadrilateral;
  const corners = movedCorners(square, random);
  laidInto(picture, logo, corners, isCutOut ? borderColour(logo) : null);
  for (let at = 0; at < picture.data.length; at++) picture.data[at] = clamped(picture.data[at] + NOISE * normal(random));
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const box: Box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  return { picture, box };
}

function clamped(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Box and Muller, A note on the generation of random normal deviates, 1958. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
