/** Binary codes, class scores and fingerprints of all images that have none yet, packed for serving; near-duplicates grouped. */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { counted } from '../../counted.ts';
import { judgedGroups } from '../../catalog/pins/pair-judgement-store.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { ServiceError } from '../../errors.ts';
import { openSamePicture } from '../../exact/same-picture.ts';
import { type ConvNet, type FeatureNet, featureNetOf, openConvNet } from '../../features/convnet.ts';
import { binarizerFor, type ExtractionInput, extractRows, type ImageToRead, outcomeOf } from '../../features/extraction.ts';
import { readExtracted, writeExtractionPlan } from '../../features/extraction-shards.ts';
import { packFeatures } from '../../features/feature-artifact.ts';
import { type FeatureRow, type FeatureStore, netKeyOf, openFeatureStore } from '../../features/feature-store.ts';
import { blocksFor, foundPairs, writePairPlan } from '../../features/duplicate-shards.ts';
import {
  closePairs,
  DUPLICATE_RULES,
  type DuplicateRules,
  type Fingerprint,
  groupsOf,
  type IndexPair,
  unopposed,
} from '../../features/near-duplicates.ts';
import { imageLimitsOf, type InferencePool, openPool } from '../../vision/inference-pool.ts';
import { activeNet, netGiven } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { isJpegWithoutEnd } from '../../vision/image-damage.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { isOnSpark, runOnSpark, sharedFolder, SPARK_FLAGS } from '../spark.ts';
import { makeNetVectors } from './net-vectors.ts';

const FLAGS = flags([
  { flag: '--net <folder>', meaning: 'a net to extract beside the active one (default: the active net)' },
  { flag: '--workers <n>', meaning: 'inference workers (default: one a core)', kind: 'integer' },
  { flag: '--threads <n>', meaning: 'threads of each', kind: 'integer', range: [1, 256], default: 1 },
  { flag: '--batch <n>', meaning: 'images a net sees at once', kind: 'integer', range: [1, 1024], default: 8 },
  { flag: '--pace <n>', meaning: 'at most this many images a second, beside a service that should not feel it', kind: 'number' },
  { flag: '--no-groups', meaning: 'leave the groups of near-duplicates as they are' },
  { flag: '--retry-failed', meaning: 'look again at images that were refused before' },
  ...SPARK_FLAGS,
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'extract-features',
  summary: 'computes codes, class scores and fingerprints of all new images and packs them for serving',
  examples: [
    'related-pins extract-features --data var',
    'related-pins extract-features --net nets/resnet50 --workers 8 --json',
    'related-pins extract-features --on spark --master spark://head:7077 --shared /shared/pins',
  ],
  options: FLAGS,
  help: `--on spark has Apache Spark read the images and look for near-duplicates, with the same bits; codes are fitted and packed here. Its machines must reach the images
at the same paths or addresses.`,
  alone: () => true,
  run: extractFeatures,
});

async function extractFeatures(input: Input) {
  const { options, config, dataFolder } = input;
  const startedAt = performance.now();
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  const folder = typeof options.net === 'string' ? netGiven(dataFolder, options.net) : activeNet(dataFolder, 'visual');
  const plan = { workers: options.workers ?? availableParallelism(), threads: options.threads, batch: options.batch };
  const pool = openPool(config, plan);
  try {
    const convNet = await openConvNet(folder, pool);
    input.progress.note(
      `net ${convNet.net.manifest.name}, provider ${pool.provider}, ${counted(plan.workers, 'worker')} of ${counted(plan.threads, 'thread')}, ${counted(plan.batch, 'image')} at once`,
    );
    const counts = await extractAll(input, { catalog, store, pool, convNet });
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    return {
      ...counts,
      net: convNet.net.manifest.name,
      netDigest: convNet.net.digest,
      provider: pool.provider,
      workers: pool.size,
      plan,
      seconds,
    };
  } finally {
    await pool.close();
    store.close();
    catalog.close();
  }
}

interface Opened {
  readonly catalog: CatalogStore;
  readonly store: FeatureStore;
  readonly pool: InferencePool;
  readonly convNet: ConvNet;
}

async function extractAll(input: Input, { catalog, store, pool, convNet }: Opened) {
  const { config, dataFolder, progress, signal } = input;
  const net = convNet.features;
  const images = [...catalog.pins.images()];
  if (images.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'No pin has an image; import pins with images first.' });
  const wanted = missing(images, store, net, input.options.retryFailed === true);
  const fetching = imageFetching(config, dataFolder);
  const fetch = (image: string): Promise<Uint8Array> =>
    fetchImage(image, { ...fetching, signal }).then((bytes) => {
      if (isJpegWithoutEnd(bytes)) endless.add(image);
      return bytes;
    });
  const postponed = new Set<string>();
  const endless = new Set<string>();
  const extraction: ExtractionInput = { convNet, pool, store, fetch, signal, postpone: (image) => postponed.add(image) };
  const binarizer = await binarizerFor(extraction, images);
  const rejected: Record<string, { count: number; pins: string[] }> = {};
  let done = 0;
  let written = 0;
  const active = activeDigest(dataFolder) === net.digest;
  const pace = paceOf(input);
  const dealt = { net: convNet.net, binarizer, fetching, limits: imageLimitsOf(config), parts: input.options.parts };
  const batches = isOnSpark(input.options)
    ? extractedOnSpark(input, wanted, dealt, { store, postponed, endless })
    : extractRows(extraction, wanted, binarizer);
  progress.start('images', wanted.length);
  for await (const rows of batches) {
    if (active) catalog.pins.noteImages(rows.map(outcomeOf));
    for (const row of rows) if (row.failure) reject(rejected, row, catalog.pins.idOf(row.pinIndex));
    written += rows.filter((row) => row.code !== null).length;
    done += rows.length;
    progress.update(done);
    await pace(done, wanted.length);
  }
  progress.stop();
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  progress.start('packing', 0);
  const artifact = packFeatures(dataFolder, store, net, binarizer.bits);
  // Groups are those that the serving net sees.
  const grouped = active && input.options.groups !== false;
  const nearDuplicates = grouped ? await groupAgain(input, { catalog, store, dataFolder }, net, binarizer.bits) : null;
  progress.stop();
  const vectors = await makeNetVectors(input, store, net);
  return {
    read: images.length,
    written,
    unchanged: images.length - wanted.length,
    rejected,
    /** Servers of images that were busy or away: the next run asks them again. */
    postponed: postponed.size,
    notes: endless.size > 0 ? { 'JPEG without its end marker, read where nothing else is missing': endless.size } : {},
    nearDuplicates,
    /** The short vectors of a net that gives them, as a set with its graph. */
    vectors,
    bits: binarizer.bits,
    artifact,
  };
}

interface Extracted {
  readonly store: FeatureStore;
  readonly postponed: Set<string>;
  readonly endless: Set<string>;
}

/** Has Spark read the images, and takes in what its tasks have written, piece by piece. */
async function* extractedOnSpark(
  input: Input,
  images: readonly ImageToRead[],
  dealt: Parameters<typeof writeExtractionPlan>[2],
  { store, postponed, endless }: Extracted,
): AsyncGenerator<readonly FeatureRow[]> {
  if (input.options.pace !== undefined)
    throw new ServiceError('JOB_USAGE', { reason: '--pace holds one machine back; it is not for --on spark' });
  if (images.length === 0) return;
  const folder = sharedFolder(input, 'extraction');
  const { pieces } = writeExtractionPlan(folder, images, dealt);
  await runOnSpark(input, 'extract-features', folder, [['extract', pieces]]);
  const netId = store.netIdOf(featureNetOf(dealt.net));
  input.progress.start('taking in', images.length);
  for (let piece = 0; piece < pieces; piece++) {
    const found = readExtracted(folder, piece);
    for (const image of found.postponed) postponed.add(image);
    for (const image of found.endless) endless.add(image);
    store.put(netId, 'image', found.rows);
    yield found.rows;
  }
  rmSync(folder, { recursive: true });
}

interface Grouped {
  readonly catalog: CatalogStore;
  readonly store: FeatureStore;
  readonly dataFolder: string;
}

/**
 * Groups all pins again by the rules fitted for this catalogue, else the shipped ones, unless their key points, where there are
 * some, speak against it; returns the pins that stand behind another.
 */
export function groupNearDuplicates(grouped: Grouped, net: FeatureNet, bits: number): number {
  const search = searchOf(grouped, net);
  return regroup(grouped, net, search, closePairs(search.prints, bits, search.rules));
}

async function groupAgain(input: Input, grouped: Grouped, net: FeatureNet, bits: number): Promise<number> {
  return isOnSpark(input.options) ? groupOnSpark(input, grouped, net, bits) : groupNearDuplicates(grouped, net, bits);
}

/** The same, with Spark comparing the pictures; here where they are few. */
async function groupOnSpark(input: Input, grouped: Grouped, net: FeatureNet, bits: number): Promise<number> {
  const search = searchOf(grouped, net);
  const { parts } = input.options;
  if (blocksFor(search.prints.length, parts) === 1) return groupNearDuplicates(grouped, net, bits);
  const folder = sharedFolder(input, 'near-duplicates');
  const plan = writePairPlan(folder, search.prints, { bits, rules: search.rules, parts });
  await runOnSpark(input, 'extract-features', folder, [['pairs', plan.pieces]]);
  const behind = regroup(grouped, net, search, foundPairs(folder, plan));
  rmSync(folder, { recursive: true });
  return behind;
}

interface DuplicateSearch {
  readonly prints: readonly Fingerprint[];
  readonly rules: DuplicateRules;
  /** The number of the last image that was read. */
  readonly through: number;
}

function searchOf({ store }: Grouped, net: FeatureNet): DuplicateSearch {
  const netId = store.netIdOf(net);
  const through = store.imageSequence(netId);
  return { prints: store.fingerprints(netId), rules: store.duplicateRules(netId) ?? DUPLICATE_RULES, through };
}

function regroup(
  { catalog, dataFolder }: Grouped,
  net: FeatureNet,
  { prints, through }: DuplicateSearch,
  pairs: Iterable<IndexPair>,
): number {
  const { pins, removals, sequence } = catalog;
  const gone = removals.removedPins();
  const keyPoints = openSamePicture(dataFolder);
  const mayBe = (pinIndex: number, other: number): boolean =>
    !gone.has(pinIndex) && !gone.has(other) && (keyPoints?.mayBe(pinIndex, other) ?? true);
  const groups = withJudgements(groupsOf(prints, pins.count(), unopposed(prints, pairs, mayBe)), catalog);
  keyPoints?.close();
  catalog.groups.set(groups.entries());
  sequence.setNumber(groupedThrough(net), through);
  return groups.filter((group, pinIndex) => group !== pinIndex).length;
}

/** Whether images were read since the pins were last grouped. */
export function groupsAreDue({ sequence }: CatalogStore, store: FeatureStore, net: FeatureNet): boolean {
  return store.imageSequence(store.netIdOf(net)) !== sequence.number(groupedThrough(net));
}

/** The number in the catalog up to which images of a net are grouped. */
function groupedThrough(net: FeatureNet): string {
  return `grouped ${netKeyOf(net)}`;
}

/** What people said stands above the rules. */
function withJudgements(groups: Int32Array, { pairs }: CatalogStore): Int32Array {
  const judged = pairs.all();
  if (judged.length === 0) return groups;
  for (const [pinIndex, group] of judgedGroups(new Map(groups.entries()), judged)) groups[pinIndex] = group;
  return groups;
}

/** Null where the active net is refused: its features are then not touched. */
function activeDigest(dataFolder: string): string | null {
  try {
    return readNet(activeNet(dataFolder, 'visual')).digest;
  } catch {
    return null;
  }
}

const TOLD_MS = 10_000;

/** Waits after each part as long as `--pace` asks, and says now and then how long it will take. */
function paceOf({ options, progress, signal }: Input): (done: number, of: number) => Promise<void> {
  const perSecond = options.pace;
  if (perSecond !== undefined && perSecond <= 0)
    throw new ServiceError('JOB_USAGE', { reason: `--pace is more than 0 images a second; it is ${perSecond}` });
  const startedAt = performance.now();
  let toldAt = startedAt;
  return async (done, of) => {
    const ms = performance.now() - startedAt;
    if (performance.now() - toldAt > TOLD_MS) {
      toldAt = performance.now();
      progress.note(`${done} of ${counted(of, 'image')}, about ${Math.ceil(((of - done) * ms) / (1000 * done))} s left`);
    }
    const due = perSecond === undefined ? 0 : (1000 * done) / perSecond - ms;
    if (due > 0) await sleep(due, undefined, { signal }).catch(() => undefined);
  };
}

/** Images without a row of this net made from their present version, or without the vector that the net gives. */
function missing(images: readonly ImageToRead[], store: FeatureStore, net: FeatureNet, retryFailed: boolean): ImageToRead[] {
  const netId = store.netIdOf(net);
  const versions = store.imageVersions(netId, 'image');
  const withoutVector = net.embeds ? store.pinsWithoutEmbedding(netId) : null;
  return images.filter(({ pinIndex, imageVersion }) => {
    if (versions.get(pinIndex) !== imageVersion || withoutVector?.has(pinIndex)) return true;
    return retryFailed && store.get(netId, 'image', pinIndex)?.code === null;
  });
}

function reject(rejected: Record<string, { count: number; pins: string[] }>, row: FeatureRow, pinId: string): void {
  rejected[row.failure as string] ??= { count: 0, pins: [] };
  const entry = rejected[row.failure as string];
  entry.count++;
  if (entry.pins.length < 100) entry.pins.push(`${pinId}: ${row.reason}`);
}
