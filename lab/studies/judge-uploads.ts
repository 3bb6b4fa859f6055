/**
 * What the own vectors of a tuned net gain for uploads. Two thirds of a folder of labelled photos become the catalog, and `tune-net`
 * learns from them; the other third is uploaded (or the photos of another folder, and then all are catalog). Each asks twice: by the net's codes alone, and by the graph over its vectors with the
 * true cosine. The net before tuning and chance stand beside. Right is what carries the upload's label.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { exactNearest } from '../../src/candidates/vectors/vector-set.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { folderImages } from '../../src/jobs/nets/labelled-images.ts';
import { job as tuneNet } from '../../src/jobs/nets/tune-net.ts';
import { callJob, defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { bootstrapDifference, bootstrapMean, type Interval, intervalText } from '../../src/math/bootstrap.ts';
import { mixedSeed, seededRandom } from '../../src/math/random.ts';
import { type VisualSearchSources, visualSearch } from '../../src/search/flashlight.ts';
import type { RegionSight } from '../../src/search/picture.ts';
import { type Context, openContext } from '../../src/service/context.ts';

const FLAGS = flags([
  {
    flag: '--photos <folder>',
    meaning: 'labelled photos, a folder a label: two of three are the catalog and are learned from',
    required: true,
  },
  { flag: '--uploads <folder>', meaning: 'labelled photos that ask (default: the third of the others that is left)' },
  { flag: '--net <folder>', meaning: 'the net to start from (default: the one that ships)' },
  { flag: '--short <n>', meaning: 'length of the vectors', kind: 'integer', default: 128 },
  { flag: '--epochs <n>', meaning: 'of tune-net at most', kind: 'integer', default: 20 },
  { flag: '--threads <n>', meaning: 'training and inference threads', kind: 'integer', default: 2 },
  { flag: '--seed <n>', meaning: 'of the tuning and the intervals', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

const AT = [1, 5, 10] as const;
const DEEPEST = 10;

interface Row {
  readonly way: string;
  readonly precision: Readonly<Record<string, Interval>>;
  /** Median of a search, without reading the picture. */
  readonly medianMs: number;
}

export const job = defineJob({
  name: 'judge-uploads',
  summary:
    'Whether the own vectors of a tuned net find more for uploads than its codes: photos nobody learned from ask a labelled catalog.',
  examples: ['npm run lab -- judge-uploads --photos kinds/ikea-rooms --json'],
  options: FLAGS,
  run: judge,
  describe: ({ pins, uploads, chance, rows, gain, sameAsExact }) => [
    `${uploads} uploads ask ${pins} pins; by chance ${chance.toFixed(3)} are right`,
    ...rows.map(
      ({ way, precision, medianMs }) =>
        `${way.padEnd(36)}${AT.map((k) => ` P@${k} ${precision[k].mean.toFixed(3)}`).join('')} ${intervalText(precision[10], 3)}, ${medianMs.toFixed(2)} ms`,
    ),
    `vectors over codes, P@10: ${gain.mean.toFixed(4)} ${intervalText(gain)}`,
    `of the ten nearest of an exact scan over the vectors the search shows ${sameAsExact.toFixed(4)}`,
  ],
});

async function judge(input: Input) {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-uploads-'));
  try {
    const { net, short, epochs, threads, seed } = input.options;
    const own = { ...input, dataFolder: folder, config: { ...input.config, data: folder } };
    const { photos, uploads, images } = divided(input.options, folder);
    fillCatalog(folder, photos);
    const out = join(folder, 'nets', 'visual');
    // What lies there serves.
    if (net !== undefined) cpSync(resolve(net), out, { recursive: true });
    await callJob(extractFeatures, own, { workers: threads, groups: false });
    const before = await searched(own, { photos, uploads }, ['codes of the net before tuning']);
    rmSync(out, { recursive: true, force: true });
    const tuned = await callJob(tuneNet, own, {
      name: 'tuned',
      out,
      images,
      short,
      epochs,
      threads,
      seed,
      ...(net === undefined ? {} : { net }),
    });
    const extracted = await callJob(extractFeatures, own, { workers: threads, groups: false });
    const after = await searched(own, { photos, uploads }, ['codes of the tuned net', 'its vectors: graph and true cosine']);
    const [codes, vectors] = after.hits;
    const rows = [...before.rows, ...after.rows];
    const counts = { pins: photos.length, uploads: codes.length, chance: after.chance };
    const gain = bootstrapDifference(vectors, codes, seed);
    return { ...counts, rows, gain, sameAsExact: after.sameAsExact, tunedFrom: tuned.net, vectors: extracted.vectors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Photos = ReturnType<typeof folderImages>;

/** What is the catalog, what asks, and the folder of the catalog's photos (links, where a third is left out). */
function divided({ photos: place, uploads, seed }: Input['options'], work: string) {
  const all = folderImages(resolve(place));
  if (uploads !== undefined) return { photos: all, uploads: folderImages(resolve(uploads)), images: resolve(place) };
  const asks = new Set(all.filter(({ file }) => seededRandom(mixedSeed(seed, basename(file))).next() < 1 / 3));
  const photos = all.filter((photo) => !asks.has(photo));
  const images = join(work, 'learned');
  for (const { file, label } of photos) {
    mkdirSync(join(images, label), { recursive: true });
    symlinkSync(file, join(images, label, basename(file)));
  }
  return { photos, uploads: [...asks], images };
}

function fillCatalog(folder: string, photos: Photos): void {
  const catalog = openCatalog(folder);
  catalog.pins.upsert(photos.map(({ file }, i) => readPin({ id: `p${i}`, image: file }, Date.now()) as PinRecord));
  catalog.close();
}

/** All uploads by codes, and where a second way is named by vectors too. */
async function searched(input: Input, { photos, uploads }: { readonly photos: Photos; readonly uploads: Photos }, ways: readonly string[]) {
  const context = await openContext(input.config, input.dataFolder);
  try {
    const { seed } = input.options;
    const seen: { readonly label: string; readonly sight: RegionSight }[] = [];
    input.progress.start('uploads', uploads.length);
    for (const { label, read } of uploads) {
      const { reader, net } = context.search;
      // A photo that cannot be read asks nothing.
      const sight = await reader.sight({ bytes: await read(), key: null }, null, net).catch(() => null);
      if (sight) seen.push({ label, sight });
      input.progress.update(seen.length);
    }
    input.progress.stop();
    const rows: Row[] = [];
    const hits: number[][] = [];
    const labelOf = (pinIndex: number): string => photos[Number(context.pins.idOf(pinIndex).slice(1))].label;
    let found: readonly (readonly number[])[] = [];
    for (const [at, way] of ways.entries()) {
      const { sources } = context.search;
      const asked = await askedAll(seen, at === 0 ? { ...sources, vectors: null } : sources, labelOf);
      rows.push({ way, precision: precisionOf(asked.right, seed), medianMs: asked.medianMs });
      hits.push(asked.right.map((list) => list.filter(Boolean).length / DEEPEST));
      found = asked.found;
    }
    const shares = seen.map(({ label }) => photos.filter((photo) => photo.label === label).length / photos.length);
    const chance = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return { rows, hits, chance, sameAsExact: sameShare(context, seen, found) };
  } finally {
    await context.close();
  }
}

async function askedAll(
  seen: readonly { readonly label: string; readonly sight: RegionSight }[],
  sources: VisualSearchSources,
  labelOf: (pinIndex: number) => string,
) {
  const right: boolean[][] = [];
  const found: number[][] = [];
  const times: number[] = [];
  for (const { label, sight } of seen) {
    const startedAt = performance.now();
    const results = await visualSearch({ ...sight, pinIndex: -1 }, {}, sources);
    times.push(performance.now() - startedAt);
    const first = results.slice(0, DEEPEST).map(({ pinIndex }) => pinIndex);
    found.push(first);
    right.push(first.map((pinIndex) => labelOf(pinIndex) === label));
  }
  return { right, found, medianMs: times.sort((a, b) => a - b)[times.length >> 1] ?? 0 };
}

function precisionOf(right: readonly (readonly boolean[])[], seed: number): Row['precision'] {
  const at = (k: number): number[] => right.map((list) => list.slice(0, k).filter(Boolean).length / k);
  return Object.fromEntries(AT.map((k) => [String(k), bootstrapMean(at(k), seed)]));
}

/** Share of the nearest ten of an exact scan over all vectors that the search showed among its ten. */
function sameShare({ search }: Context, seen: readonly { readonly sight: RegionSight }[], found: readonly (readonly number[])[]): number {
  const set = search.sources.vectors?.set;
  if (!set) return Number.NaN;
  let same = 0;
  for (const [at, { sight }] of seen.entries()) {
    const truth = exactNearest(set, sight.embedding ?? new Float32Array(set.dimensions), DEEPEST).pinIndexes;
    same += found[at].filter((pinIndex) => truth.includes(pinIndex)).length / DEEPEST;
  }
  return same / seen.length;
}
