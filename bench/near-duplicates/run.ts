/** Which thresholds tell copies of a photo from other photos? See the README beside this file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf, ServiceError } from '../../src/errors.ts';
import { LocalFeatureThreads } from '../../src/exact/local-feature-threads.ts';
import { KEY_POINTS_MAX, type LocalFeatures } from '../../src/exact/local-features.ts';
import { mayBeSame } from '../../src/exact/same-picture.ts';
import { codeOf, fitBinarizer } from '../../src/features/binarize.ts';
import { openConvNet } from '../../src/features/convnet.ts';
import {
  closePairs,
  DUPLICATE_RULES,
  type DuplicateRules,
  type Fingerprint,
  fingerprintDistance,
  type FingerprintPair,
  fitDuplicateRules,
  isWithin,
  type JudgedPair,
  WIDEST_RULES,
} from '../../src/features/near-duplicates.ts';
import { seededRandom } from '../../src/math/random.ts';
import { cropJpeg, decodeImage, DEFAULT_IMAGE_LIMITS, encodePixels, thumbnail } from '../../src/vision/image-tensor.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { projectRoot } from '../../src/worker-url.ts';
import { typographicCards } from './typographic-cards.ts';
import { flagsOf } from '../flags.ts';

const SHARED = ['shared/datasets/ikea-rooms/objects', 'shared/datasets/clothing-test'];

type Copy = (bytes: Uint8Array) => Promise<Uint8Array>;

const recoded =
  (format: 'jpeg' | 'webp', quality: number): Copy =>
  async (bytes) =>
    encodePixels((await decodeImage(bytes)).working, format, quality);

const cropped =
  (share: number): Copy =>
  async (bytes) => {
    const { width, height } = await decodeImage(bytes);
    return cropJpeg(bytes, [width * share, height * share, width * (1 - share), height * (1 - share)], 4096);
  };

const COPIES: Readonly<Record<string, Copy>> = {
  'jpeg 60': recoded('jpeg', 60),
  'jpeg 30': recoded('jpeg', 30),
  webp: recoded('webp', 75),
  'half size': async (bytes) => thumbnail(bytes, Math.ceil((await decodeImage(bytes)).width / 2)),
  'crop 2 %': cropped(0.02),
  'crop 4 %': cropped(0.04),
  'crop 8 %': cropped(0.08),
};

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const flags = flagsOf(argv, {
    images: SHARED.map((path) => fileURLToPath(new URL(`../${path}`, projectRoot()))) as readonly string[],
    photos: 3000,
    copied: 200,
    net: fileURLToPath(new URL('data/nets/visual', projectRoot())),
    precision: 0.99,
  });
  const { images: folders, copied } = flags;
  const files = folders.filter(existsSync).flatMap(photosIn);
  if (files.length === 0) return { missing: `no photos in ${folders.join(', ')}; name --images FOLDER` };
  const photos = seededRandom(1).shuffled(files).slice(0, flags.photos);
  const pool = new InferencePool({ workers: 2 });
  try {
    const net = await openConvNet(flags.net, pool);
    const length = net.features.fc6Length;
    const binarizer = fitBinarizer('activation > 0', length, { rows: 0, length, data: new Float32Array(0) });
    const print = async (images: readonly Uint8Array[]): Promise<(Omit<Fingerprint, 'pinIndex'> | null)[]> =>
      (await net.embed(images.map((bytes) => ({ bytes })))).map((found) =>
        found.ok && found.signature && found.phash && found.colours
          ? {
              signature: found.signature,
              phash: found.phash,
              colours: found.colours,
              code: codeOf(binarizer, found.fc6),
            }
          : null,
      );
    const originals: Fingerprint[] = [];
    const copies: Copied[] = [];
    const names: string[] = [];
    for (let from = 0; from < photos.length; from += 16) {
      const chunk = photos.slice(from, from + 16).map((file) => ({ file, bytes: readFileSync(file) }));
      const made = await Promise.all(
        chunk.map(({ bytes }, i) => (from + i < copied ? Promise.all(Object.values(COPIES).map((copy) => copy(bytes))) : [])),
      );
      const prints = await print(chunk.map(({ bytes }) => bytes));
      for (const [i, original] of prints.entries()) {
        if (!original) continue;
        originals.push({ pinIndex: originals.length, ...original });
        names.push(chunk[i].file);
        const found = await print(made[i]);
        found.forEach(
          (one, k) => one && copies.push({ kind: Object.keys(COPIES)[k], original: originals.length - 1, print: one, bytes: made[i][k] }),
        );
      }
    }
    const pictures = await typographicCards();
    const cards = (await print(pictures)).flatMap((one, i) => (one ? [{ pinIndex: i, ...one }] : []));
    const { different, ...figures } = judged(originals, copies, names, length, flags.precision);
    const asked = [...closePairs(cards, length, DUPLICATE_RULES)].map(
      ({ a, b }) => [pictures[cards[a].pinIndex], pictures[cards[b].pinIndex]] as const,
    );
    return {
      ...figures,
      keyPoints: await judgedByKeyPoints(originals, copies, names, different, asked, length),
      cards: { drawn: cards.length, united: [...closePairs(cards, length, DUPLICATE_RULES)].length, close: nearestCards(cards, length) },
    };
  } finally {
    await pool.close();
  }
}

function photosIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? photosIn(path) : /\.jpe?g$/i.test(entry.name) ? [path] : [];
  });
}

/** A copy of an original, by its place. */
interface Copied {
  readonly kind: string;
  readonly original: number;
  readonly print: Omit<Fingerprint, 'pinIndex'>;
  readonly bytes: Uint8Array;
}

interface CopyPair extends JudgedPair {
  readonly kind: string;
  readonly sameSignature: boolean;
  readonly fitted: boolean;
}

/** Pairs of cards that the widest rules propose, those that would be united first when a rule is loosened. */
function nearestCards(cards: readonly Fingerprint[], bits: number): unknown[] {
  const pairs = [...closePairs(cards, bits, WIDEST_RULES)].sort((a, b) => a.difference - b.difference);
  return pairs.slice(0, 5).map(({ hashBits, codeShare, difference, edges }) => ({ hashBits, codeShare, difference, edges }));
}

/** Every second photo, with its copies, is fitted on; the others judge what was fitted and what ships. */
function judged(
  originals: readonly Fingerprint[],
  copies: readonly Copied[],
  names: readonly string[],
  bits: number,
  precision: number,
): Record<string, unknown> & { readonly different: readonly FingerprintPair[] } {
  const pairs: CopyPair[] = copies.map(({ kind, original, print }) => ({
    kind,
    ...fingerprintDistance(originals[original], print, bits),
    duplicate: true,
    fitted: original % 2 === 0,
    sameSignature: originals[original].signature === print.signature,
  }));
  const others = [...closePairs(originals, bits, WIDEST_RULES)];
  // The same picture filed twice, to the pixel: neither a copy that we made nor another picture.
  const filedTwice = others.filter(({ codeShare, edges }) => codeShare === 0 && edges === 0);
  const different = others.filter((pair) => !filedTwice.includes(pair)).map((pair) => ({ ...pair, duplicate: false }));
  const within = (half: 0 | 1): typeof different => different.filter(({ a, b }) => a % 2 === half && b % 2 === half);
  const fitOn = [...pairs.filter(({ fitted }) => fitted), ...within(0)];
  const judge: Half = { copies: pairs.filter(({ fitted }) => !fitted), different: within(1) };
  const wanted = [...new Set([precision, 0.99, 0.995, 0.998, 0.999, 1])].sort();
  return {
    different,
    photos: originals.length,
    copies: pairs.length,
    filedTwice: filedTwice.length,
    fit: wanted.map((least) => fitDuplicateRules(fitOn, least)).map((fit) => ({ ...fit, heldOut: figures(judge, fit.rules) })),
    shipped: {
      rules: DUPLICATE_RULES,
      heldOut: figures(judge, DUPLICATE_RULES),
      all: figures({ copies: pairs, different }, DUPLICATE_RULES),
    },
    signature: byCopy(pairs, ({ sameSignature }) => sameSignature),
    close: different
      .filter((pair) => isWithin(pair, DUPLICATE_RULES))
      .sort((a, b) => a.edges - b.edges)
      .slice(0, 40)
      .map(({ a, b, hashBits, codeShare, difference, edges }) => ({
        hashBits,
        codeShare,
        difference,
        edges,
        photos: [names[a], names[b]],
      })),
  };
}

/** The shipped rules again, with the word that key points have against a pair where `extract-local-features` ran. */
async function judgedByKeyPoints(
  originals: readonly Fingerprint[],
  copies: readonly Copied[],
  names: readonly string[],
  different: readonly FingerprintPair[],
  cards: readonly (readonly [Uint8Array, Uint8Array])[],
  bits: number,
): Promise<Record<string, unknown>> {
  const threads = new LocalFeatureThreads(availableParallelism(), DEFAULT_IMAGE_LIMITS);
  const known = new Map<string, Promise<LocalFeatures>>();
  const find = (bytes: Uint8Array): Promise<LocalFeatures> => threads.find(bytes, KEY_POINTS_MAX);
  const photo = (original: number): Promise<LocalFeatures> => {
    const name = names[original];
    if (!known.has(name)) known.set(name, find(readFileSync(name)));
    return known.get(name) as Promise<LocalFeatures>;
  };
  const answers = { asked: 0, apart: 0 };
  const mayBe = async (first: Promise<LocalFeatures>, second: Promise<LocalFeatures>): Promise<boolean> => {
    const may = mayBeSame(await first, await second);
    answers.asked += Number(may !== null);
    answers.apart += Number(may === false);
    return may ?? true;
  };
  try {
    const found: Copied[] = [];
    for (const copy of copies) {
      const within = isWithin(fingerprintDistance(originals[copy.original], copy.print, bits), DUPLICATE_RULES);
      if (within && (await mayBe(photo(copy.original), find(copy.bytes)))) found.push(copy);
    }
    const joined = different.filter((pair) => isWithin(pair, DUPLICATE_RULES));
    const united = await Promise.all(joined.map(({ a, b }) => mayBe(photo(a), photo(b))));
    const unitedCards = await Promise.all(cards.map(([a, b]) => mayBe(find(a), find(b))));
    return {
      ...answers,
      united: united.filter(Boolean).length,
      unitedCards: unitedCards.filter(Boolean).length,
      recall: found.length / Math.max(1, copies.length),
      byCopy: byCopy(copies, (copy) => found.includes(copy)),
    };
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'INDEX_UNAVAILABLE') return { missing: reasonOf(error) };
    throw error;
  } finally {
    await threads.close();
  }
}

interface Half {
  readonly copies: readonly CopyPair[];
  readonly different: readonly JudgedPair[];
}

/** `united`: pairs of different photos that the rules join. */
function figures({ copies, different }: Half, rules: DuplicateRules): Record<string, unknown> {
  const united = different.filter((pair) => isWithin(pair, rules)).length;
  const found = copies.filter((pair) => isWithin(pair, rules)).length;
  return {
    united,
    precision: found / Math.max(1, found + united),
    recall: found / Math.max(1, copies.length),
    byCopy: byCopy(copies, (pair) => isWithin(pair, rules)),
  };
}

function byCopy<Pair extends { readonly kind: string }>(pairs: readonly Pair[], holds: (pair: Pair) => boolean): Record<string, number> {
  return Object.fromEntries(
    Object.keys(COPIES).map((kind) => [
      kind,
      shareOf(
        pairs.filter((pair) => pair.kind === kind),
        holds,
      ),
    ]),
  );
}

function shareOf<T>(list: readonly T[], holds: (one: T) => boolean): number {
  return list.filter(holds).length / Math.max(1, list.length);
}
