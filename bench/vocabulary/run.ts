/** Memory and time of the vocabulary tree among many pictures, and of spatial verification. Only descriptors are real; see README.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvertedFile } from '../../src/exact/inverted-file.ts';
import { LocalFeatureThreads } from '../../src/exact/local-feature-threads.ts';
import { DESCRIPTOR_WORDS, KEY_POINTS_MAX, type LocalFeatures } from '../../src/exact/local-features.ts';
import { verified } from '../../src/exact/spatial-verification.ts';
import { trainTree, wordsIn } from '../../src/exact/vocabulary-tree.ts';
import { type Random, seededRandom } from '../../src/math/random.ts';
import { DEFAULT_IMAGE_LIMITS } from '../../src/vision/image-tensor.ts';
import { median } from '../python-peer.ts';
import { flagsOf } from '../flags.ts';

const SAMPLE = 300_000;
/** Descriptors that pictures are drawn from: their words are computed once. */
const POOL = 1_000_000;
const TURNED_BITS = 20;
const VERIFIED = 50;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const flags = { photos: [] as string[], pictures: [10_000, 100_000], take: 120, queries: 40 };
  const { photos: folders, pictures: sizes, take, queries } = flagsOf(argv, flags);
  if (folders.length === 0) throw new Error('--photos FOLDER: photos whose descriptors are drawn from');
  const random = seededRandom(1);
  const photos = await featuresOf(folders, take, random);
  const real = joined(photos);
  const startedAt = performance.now();
  const tree = trainTree(noisy(real, SAMPLE, random), { branching: 10, depth: 5, seed: 1 });
  const learnSeconds = (performance.now() - startedAt) / 1000;
  const pool = noisy(real, POOL, random);
  const words = wordsIn(tree, pool);
  const rows = sizes.map((pictures) => ({ pictures, ...timesAmong(pictures, tree.words, words, queries) }));
  return {
    descriptors: real.length / DESCRIPTOR_WORDS,
    learn: { descriptors: SAMPLE, words: tree.words, seconds: learnSeconds, treeBytes: tree.centres.byteLength },
    wordsMs: median(photos.map(({ descriptors }) => timed(() => wordsIn(tree, descriptors)))),
    rows,
    verifyMs: verification(photos),
  };
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

async function featuresOf(folders: readonly string[], take: number, random: Random): Promise<LocalFeatures[]> {
  const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))));
  const chosen = random.shuffled(files.filter((file) => /\.(jpe?g|png|webp)$/i.test(file)).sort()).slice(0, take);
  const threads = new LocalFeatureThreads(2, DEFAULT_IMAGE_LIMITS);
  try {
    return await Promise.all(chosen.map((file) => threads.find(readFileSync(file), KEY_POINTS_MAX)));
  } finally {
    await threads.close();
  }
}

function joined(photos: readonly LocalFeatures[]): Uint32Array {
  const all = new Uint32Array(photos.reduce((sum, { descriptors }) => sum + descriptors.length, 0));
  let at = 0;
  for (const { descriptors } of photos) {
    all.set(descriptors, at);
    at += descriptors.length;
  }
  return all;
}

function noisy(real: Uint32Array, count: number, random: Random): Uint32Array {
  const made = new Uint32Array(count * DESCRIPTOR_WORDS);
  const known = real.length / DESCRIPTOR_WORDS;
  for (let i = 0; i < made.length; i += DESCRIPTOR_WORDS) {
    const from = random.integer(known) * DESCRIPTOR_WORDS;
    made.set(real.subarray(from, from + DESCRIPTOR_WORDS), i);
    for (let k = 0; k < TURNED_BITS; k++) {
      const bit = random.integer(DESCRIPTOR_WORDS * 32);
      made[i + (bit >>> 5)] ^= 1 << (bit & 31);
    }
  }
  return made;
}

function timesAmong(pictures: number, wordCount: number, pool: Uint32Array, queries: number) {
  const random = seededRandom(2);
  const picture = (): Uint32Array => Uint32Array.from({ length: KEY_POINTS_MAX }, () => pool[random.integer(pool.length)]);
  const file = new InvertedFile(wordCount);
  const fillMs = timed(() => {
    for (let pinIndex = 0; pinIndex < pictures; pinIndex++) file.set(pinIndex, picture());
    file.weigh();
  });
  file.query(picture(), VERIFIED);
  const queryMs = median(Array.from({ length: queries }, picture).map((words) => timed(() => file.query(words, VERIFIED))));
  return { bytes: file.bytes, takenInMs: fillMs / pictures, queryMs, rssBytes: process.memoryUsage().rss };
}

/** Each of ten photos against itself and 49 others. */
function verification(photos: readonly LocalFeatures[]): number {
  const times = photos.slice(0, 10).map((query, q) =>
    timed(() => {
      for (let i = 0; i < VERIFIED; i++) verified(query, photos[(q + i) % photos.length]);
    }),
  );
  return median(times);
}
