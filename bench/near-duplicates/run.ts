/** Which thresholds tell copies of a photo from other photos? See the README beside this file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOf, fitBinarizer } from '../../src/features/binarize.ts';
import { openConvNet } from '../../src/features/convnet.ts';
import {
  closePairs,
  DUPLICATE_RULES,
  type DuplicateRules,
  type Fingerprint,
  fingerprintDistance,
  fitDuplicateRules,
  isWithin,
  type JudgedPair,
  WIDEST_RULES,
} from '../../src/features/near-duplicates.ts';
import { seededRandom } from '../../src/math/random.ts';
import { cropJpeg, decodeImage, encodePixels, thumbnail } from '../../src/vision/image-tensor.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { projectRoot } from '../../src/worker-url.ts';

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
  const flag = (name: string): string | undefined => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined);
  const folders = flag('--images')
    ? [flag('--images') as string]
    : SHARED.map((path) => fileURLToPath(new URL(`../${path}`, projectRoot())));
  const files = folders.filter(existsSync).flatMap(photosIn);
  if (files.length === 0) return { missing: `no photos in ${folders.join(', ')}; name --images FOLDER` };
  const photos = seededRandom(1)
    .shuffled(files)
    .slice(0, Number(flag('--photos') ?? 1000));
  const pool = new InferencePool({ workers: 2 });
  try {
    const net = await openConvNet(flag('--net') ?? fileURLToPath(new URL('data/nets/visual', projectRoot())), pool);
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
    const copies: { kind: string; original: number; print: Omit<Fingerprint, 'pinIndex'> }[] = [];
    const names: string[] = [];
    for (let from = 0; from < photos.length; from += 16) {
      const chunk = photos.slice(from, from + 16).map((file) => ({ file, bytes: readFileSync(file) }));
      const made = await Promise.all(chunk.map(({ bytes }) => Promise.all(Object.values(COPIES).map((copy) => copy(bytes)))));
      const prints = await print(chunk.map(({ bytes }) => bytes));
      for (const [i, original] of prints.entries()) {
        if (!original) continue;
        originals.push({ pinIndex: originals.length, ...original });
        names.push(chunk[i].file);
        const found = await print(made[i]);
        found.forEach((one, k) => one && copies.push({ kind: Object.keys(COPIES)[k], original: originals.length - 1, print: one }));
      }
    }
    return judged(originals, copies, names, length, Number(flag('--precision') ?? 0.99));
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

interface CopyPair extends JudgedPair {
  readonly kind: string;
  readonly sameSignature: boolean;
}

function judged(
  originals: readonly Fingerprint[],
  copies: readonly { kind: string; original: number; print: Omit<Fingerprint, 'pinIndex'> }[],
  names: readonly string[],
  bits: number,
  precision: number,
): Record<string, unknown> {
  const pairs: CopyPair[] = copies.map(({ kind, original, print }) => ({
    kind,
    ...fingerprintDistance(originals[original], print, bits),
    duplicate: true,
    sameSignature: originals[original].signature === print.signature,
  }));
  const others = [...closePairs(originals, bits, WIDEST_RULES)];
  const collisions = others.filter(({ a, b }) => originals[a].signature === originals[b].signature);
  const different = others.filter((pair) => !collisions.includes(pair));
  const known: JudgedPair[] = [...pairs, ...different.map((pair) => ({ ...pair, duplicate: false }))];
  const figures = (rules: DuplicateRules, list: readonly JudgedPair[] = known): { precision: number; recall: number } => {
    const within = known.filter((pair) => isWithin(pair, rules));
    const right = within.filter((pair) => pair.duplicate).length;
    return {
      precision: right / Math.max(1, within.length),
      recall: right / pairs.length,
    };
  };
  const kinds = Object.keys(COPIES);
  const byCopy = (rules: DuplicateRules): Record<string, number> =>
    Object.fromEntries(
      kinds.map((kind) => [
        kind,
        shareOf(
          pairs.filter((pair) => pair.kind === kind),
          (pair) => isWithin(pair, rules),
        ),
      ]),
    );
  const wanted = [...new Set([precision, 0.99, 0.995, 0.998, 0.999, 1])].sort();
  return {
    photos: originals.length,
    copies: pairs.length,
    fit: wanted.map((least) => fitDuplicateRules(known, least)).map((fit) => ({ ...fit, byCopy: byCopy(fit.rules) })),
    shipped: { rules: DUPLICATE_RULES, ...figures(DUPLICATE_RULES), byCopy: byCopy(DUPLICATE_RULES) },
    signature: Object.fromEntries(
      kinds.map((kind) => [
        kind,
        shareOf(
          pairs.filter((pair) => pair.kind === kind),
          (pair) => pair.sameSignature,
        ),
      ]),
    ),
    sameSignature: collisions.map(({ a, b }) => [names[a], names[b]]).slice(0, 20),
    close: different
      .filter((pair) => isWithin(pair, DUPLICATE_RULES))
      .sort((a, b) => a.codeShare - b.codeShare)
      .slice(0, 40)
      .map(({ a, b, hashBits, codeShare, difference }) => ({
        hashBits,
        codeShare,
        difference,
        photos: [names[a], names[b]],
      })),
  };
}

function shareOf<T>(list: readonly T[], holds: (one: T) => boolean): number {
  return list.filter(holds).length / Math.max(1, list.length);
}
