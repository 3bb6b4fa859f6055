/**
 * Whether the very same thing is found again: photos are altered by a seeded recipe (altered-pictures.ts) and asked among all photos, by
 * deep codes, by the words of the vocabulary tree, by words with spatial verification, and by both together as the service blends them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { codeOf, fitBinarizer, needsFit } from '../../../src/features/binarize.ts';
import { openConvNet } from '../../../src/features/convnet.ts';
import {
  type ExactSources,
  INLIERS_MIN,
  proposedByWords,
  sameness,
  searchInParts,
  VERIFIED_BY_CODE,
} from '../../../src/exact/exact-search.ts';
import { InvertedFile } from '../../../src/exact/inverted-file.ts';
import { LocalFeatureThreads } from '../../../src/exact/local-feature-threads.ts';
import { DESCRIPTOR_WORDS, KEY_POINTS_MAX, type LocalFeatures } from '../../../src/exact/local-features.ts';
import { looksAt, type PictureLooks } from '../../../src/exact/query-views.ts';
import { trainTree, wordsIn } from '../../../src/exact/vocabulary-tree.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { hamming } from '../../../src/math/bits.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import type { Box } from '../../../src/vision/box.ts';
import { decodeImage } from '../../../src/vision/image-tensor.ts';
import { imageLimitsOf, type InferencePool, openPool } from '../../../src/vision/inference-pool.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { projectRoot } from '../../../src/worker-url.ts';
import { type Alteration, ALTERATIONS, alteredPicture } from './altered-pictures.ts';
import { type JudgedPhoto, judgedPhotos } from './exact-photos.ts';
import { type Judged, rowsOf } from './exact-figures.ts';

const FLAGS = flags([
  { flag: '--datasets <folder>', meaning: 'where clothing-test, ikea-rooms and coco-val128 lie (default: ../shared/datasets)' },
  { flag: '--photos <n>', meaning: 'photos that are searched among', kind: 'integer', range: [20, 2000], default: 500 },
  {
    flag: '--queries <n>',
    meaning: 'queries of each alteration, of photos drawn at random',
    kind: 'integer',
    range: [1, 2000],
    default: 100,
  },
  { flag: '--only <name>', meaning: 'this alteration only', repeatable: true, choices: ALTERATIONS },
  { flag: '--seed <number>', meaning: 'which photos, and how they are altered', kind: 'integer', default: 1 },
  { flag: '--write <folder>', meaning: 'keep the queries as pictures, to look at' },
  { flag: '--workers <n>', meaning: 'threads', kind: 'integer', range: [1, 64], default: 2 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'judge-exact',
  summary: 'recall of the search for the very same thing on altered photos: codes, words, words verified, and the blend',
  examples: ['npm run lab -- judge-exact --json', 'npm run lab -- judge-exact --queries 20 --only crop --write /tmp/queries'],
  options: FLAGS,
  run: judgeExact,
  describe: ({ rows, photos, falseAccepts }) => [
    `Among ${photos} photos; recall at 1 and at 4 with 95 % intervals (Wilson)`,
    ...rows.map(({ alteration, queries, recall }) => `${alteration.padEnd(20)} ${String(queries).padStart(4)}  ${JSON.stringify(recall)}`),
    `${JSON.stringify(falseAccepts)} of the queries had another photo with ${INLIERS_MIN} inliers or more`,
  ],
});

async function judgeExact(input: Input) {
  const { options, config, progress } = input;
  const datasets = resolve(options.datasets ?? new URL('../shared/datasets', projectRoot()).pathname);
  const { photos, rooms } = judgedPhotos(datasets, options.photos, seededRandom(options.seed));
  const threads = new LocalFeatureThreads(options.workers, imageLimitsOf(config));
  const pool = openPool(config, { workers: options.workers });
  try {
    const made: Made = {
      input,
      photos,
      rooms,
      threads,
      codes: await codesOf(input, photos, pool),
      exact: await sourcesOf(input, photos, threads),
    };
    const judged: Judged[] = [];
    let done = 0;
    const asked = ALTERATIONS.filter((how) => options.only === undefined || options.only.includes(how));
    progress.start('queries', asked.length * options.queries);
    for (const how of asked) {
      const drawn = seededRandom(mixedSeed(options.seed, how)).shuffled(photos.map((_, i) => i));
      for (const photo of drawn.slice(0, options.queries)) {
        judged.push(...(await judgeOne(made, how, photo)));
        progress.update(++done);
      }
    }
    progress.stop();
    return { photos: photos.length, seed: options.seed, chance: { at1: 1 / photos.length, at4: 4 / photos.length }, ...rowsOf(judged) };
  } finally {
    await pool.close();
    await threads.close();
  }
}

interface Codes {
  readonly bits: number;
  readonly of: readonly (Uint32Array | null)[];
  /** `box`: the part that is meant; null: all of it. */
  read(bytes: Uint8Array, box: Box | null): Promise<Uint32Array | null>;
}

interface Made {
  readonly input: Input;
  readonly photos: readonly JudgedPhoto[];
  readonly rooms: readonly string[];
  readonly threads: LocalFeatureThreads;
  readonly codes: Codes;
  readonly exact: ExactSources;
}

async function codesOf({ dataFolder, progress }: Input, photos: readonly JudgedPhoto[], pool: InferencePool): Promise<Codes> {
  const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
  const { rule, fc6Length } = net.features;
  progress.start('codes', photos.length);
  const found = await net.embed(photos.map(({ file }) => ({ bytes: readFileSync(file) })));
  const rows = found.flatMap((one) => (one.ok ? [one.fc6] : []));
  const data = new Float32Array(needsFit(rule) ? rows.length * fc6Length : 0);
  if (data.length > 0) rows.forEach((row, i) => data.set(row, i * fc6Length));
  const binarizer = fitBinarizer(rule, fc6Length, { rows: rows.length, length: fc6Length, data });
  const code = (one: (typeof found)[number]): Uint32Array | null => (one.ok ? codeOf(binarizer, one.fc6) : null);
  return {
    bits: binarizer.bits,
    of: found.map(code),
    read: async (bytes, box) => code((await net.embed([{ bytes, ...(box && { box }) }]))[0]),
  };
}

async function sourcesOf(
  { options, progress }: Input,
  photos: readonly JudgedPhoto[],
  threads: LocalFeatureThreads,
): Promise<ExactSources> {
  progress.start('local features', photos.length);
  const features: LocalFeatures[] = [];
  for (let from = 0; from < photos.length; from += 16) {
    const part = photos.slice(from, from + 16);
    features.push(...(await Promise.all(part.map(({ file }) => threads.find(readFileSync(file), KEY_POINTS_MAX)))));
    progress.update(features.length);
  }
  const descriptors = new Uint32Array(features.reduce((sum, { count }) => sum + count * DESCRIPTOR_WORDS, 0));
  let at = 0;
  for (const one of features) {
    descriptors.set(one.descriptors, at);
    at += one.descriptors.length;
  }
  const tree = trainTree(descriptors, { branching: 10, depth: 5, seed: options.seed });
  const words = new InvertedFile(tree.words);
  features.forEach((one, i) => words.set(i, wordsIn(tree, one.descriptors)));
  words.weigh();
  return { tree, words, featuresOf: (i) => features[i] };
}

/** The answer to the whole picture and, where the thing lies in a room, to a box around it. */
async function judgeOne(made: Made, how: Alteration, photo: number): Promise<Judged[]> {
  const { input, photos, rooms, threads } = made;
  const { options, config } = input;
  const random = seededRandom(mixedSeed(options.seed, `${how} ${photo}`));
  const [thing, room] = await Promise.all([photos[photo].file, random.pick(rooms)].map(async (file) => decodeImage(readFileSync(file))));
  const { bytes, place } = await alteredPicture(how, thing.working, room.working, random);
  if (options.write !== undefined) {
    mkdirSync(options.write, { recursive: true });
    writeFileSync(join(options.write, `${how} ${photo}.jpg`), bytes);
  }
  const looks = await looksAt(bytes, imageLimitsOf(config), (picture) => threads.find(picture, KEY_POINTS_MAX));
  const judged = [await answerTo(made, { how, photo, bytes, looks, box: null })];
  if (place !== null) judged.push(await answerTo(made, { how, photo, bytes, looks, box: place }));
  return judged;
}

interface Question {
  readonly how: Alteration;
  readonly photo: number;
  readonly bytes: Uint8Array;
  readonly looks: PictureLooks;
  readonly box: Box | null;
}

async function answerTo({ photos, codes, exact }: Made, { how, photo, bytes, looks, box }: Question): Promise<Judged> {
  const [view, code] = await Promise.all([looks.at(box), codes.read(bytes, box)]);
  const visual = codes.of.map((one) => (one && code ? 1 - hamming(one, code) / codes.bits : 0));
  const byCode = ordered(visual);
  const matches = await searchInParts(exact, { looks, box, others: byCode.slice(0, VERIFIED_BY_CODE) });
  const alone = await searchInParts(exact, { looks, box });
  const inliers = new Map(matches.map((match) => [match.pinIndex, match.inliers]));
  const lists = {
    codes: byCode,
    tree: proposedByWords(exact, view).map(({ pinIndex }) => pinIndex),
    verified: alone.map(({ pinIndex }) => pinIndex),
    blend: ordered(visual.map((value, i) => value + sameness(inliers.get(i) ?? 0))),
  };
  const others = alone.filter(({ pinIndex }) => pinIndex !== photo);
  return {
    alteration: how,
    isMarked: box !== null,
    from: photos[photo].from,
    places: Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.indexOf(photo)])) as Judged['places'],
    inliers: alone.find(({ pinIndex }) => pinIndex === photo)?.inliers ?? 0,
    othersInliers: Math.max(0, ...others.map((match) => match.inliers)),
    wonBySameKind: alone[0] !== undefined && alone[0].pinIndex !== photo && photos[alone[0].pinIndex].kind === photos[photo].kind,
  };
}

/** Indexes of the highest values first, of equals the lower index. */
function ordered(values: readonly number[]): number[] {
  return values.map((_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
}
