/** What tune-net learns from: images, the labels they carry, and their fc6 activations, kept in a file while they are computed. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { ServiceError } from '../../errors.ts';
import { annotationClusters, type Terms } from '../../features/tuning/annotation-clusters.ts';
import type { LabelSet, Part } from '../../features/tuning/label-split.ts';
import { seededRandom } from '../../math/random.ts';
import type { InferencePool } from '../../vision/inference-pool.ts';
import type { Net } from '../../vision/net-manifest.ts';
import type { JobInput } from '../job.ts';
import { folderImages } from './labelled-images.ts';

export interface TuningImage {
  /** Images of one key are copies of each other, and never both learned from and judged. */
  readonly key: string;
  /** Which image, as it is now: another picture in its place has another version. */
  readonly version: string;
  readonly read: () => Promise<Uint8Array>;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly terms: Terms;
}

interface TuningChoice {
  /** A folder of folders; absent: the catalogue. */
  readonly images?: string;
  readonly kinds?: string;
  /** At most so many images, drawn by the seed. */
  readonly sample: number;
  readonly seed: number;
}

/** The catalogue's images with boards, categories and annotations; or a folder's, whose sub-folders are labels. */
export function tuningImages(input: JobInput<TuningChoice>): TuningImage[] {
  const { options } = input;
  const all = typeof options.images === 'string' ? labelledFolder(resolve(options.images)) : catalogImages(input);
  const { sample: most, seed } = options;
  const kept =
    all.length <= most
      ? all
      : seededRandom(seed)
          .shuffled(all.map((_, i) => i))
          .slice(0, most)
          .sort((a, b) => a - b)
          .map((i) => all[i]);
  if (kept.length >= 20) return kept;
  throw new ServiceError('NOTHING_TO_DO', { reason: `There are ${kept.length} labelled images; a head needs some dozens.` });
}

function labelledFolder(folder: string): TuningImage[] {
  return folderImages(folder).map(({ file, label, read }) => {
    const key = relative(folder, file);
    const { size, mtimeMs } = statSync(file);
    return { key, version: `${key} ${size} ${mtimeMs}`, read, labels: { label: [label] }, terms: new Map() };
  });
}

function catalogImages({ options, dataFolder, config }: JobInput<TuningChoice>): TuningImage[] {
  const kinds = typeof options.kinds === 'string' ? readKinds(resolve(options.kinds)) : null;
  const catalog = openCatalog(dataFolder);
  const fetching = imageFetching(config, dataFolder);
  try {
    return [...catalog.pins.images()].flatMap(({ pinIndex, image, imageVersion }): TuningImage[] => {
      const pin = catalog.pins.get(pinIndex);
      if (!pin) return [];
      const id = catalog.pins.idOf(pinIndex);
      const group = catalog.pins.columnRow(pinIndex)?.[11] ?? pinIndex;
      const labels = {
        boards: [...catalog.saves.boardsOf(pinIndex)].map(String),
        categories: strongest(pin.categoryVector),
        ...(kinds ? { kinds: kinds.get(id) ?? [] } : {}),
      };
      const read = () => fetchImage(image, fetching);
      const terms = new Map(Object.entries(pin.annotations ?? {}));
      return [{ key: `group ${group}`, version: `${id} ${imageVersion}`, read, labels, terms }];
    });
  } finally {
    catalog.close();
  }
}

function strongest(vector: Readonly<Record<string, number>> | null): string[] {
  const [best] = Object.entries(vector ?? {}).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return best ? [best[0]] : [];
}

/** JSON Lines `{"pinId", "label"}`: what kind of thing a pin is known to show. */
function readKinds(file: string): Map<string, string[]> {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return new Map(
    lines.map((line, at) => {
      const { pinId, label } = JSON.parse(line) as { pinId?: unknown; label?: unknown };
      if (typeof pinId === 'string' && typeof label === 'string') return [pinId, [label]];
      throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'kinds', reason: `line ${at + 1} lacks pinId or label` });
    }),
  );
}

/** Labels as ordinals; annotation clusters are found on the training images. */
export function labelSets(images: readonly TuningImage[], parts: readonly Part[], seed: number): LabelSet[] {
  const names = Object.keys(images[0].labels);
  const sets = names.map((name): LabelSet => {
    const ordinals = new Map<string, number>();
    const ordinal = (label: string): number => ordinals.get(label) ?? (ordinals.set(label, ordinals.size), ordinals.size - 1);
    const labels = images.map((image) => image.labels[name].map(ordinal));
    return { name, labels, labelCount: ordinals.size, heldOut: name === 'boards' ? 'labels' : 'images' };
  });
  const training = parts.flatMap((part, row) => (part === 'train' ? [row] : []));
  const count = Math.min(200, Math.round(Math.sqrt(images.length)));
  const clusters = annotationClusters(
    images.map(({ terms }) => terms),
    training,
    count,
    seed,
  );
  const labels = Array.from(clusters, (cluster) => (cluster < 0 ? [] : [cluster]));
  return [...sets, { name: 'annotations', labels, labelCount: count, heldOut: 'images' }];
}

const CHUNK = 64;

/** Names a net and the images it looks at, each in its present version: what activations, and all that is learned from them, depend on. */
export function activationsKey(net: Net, images: readonly TuningImage[]): string {
  const parts = [net.digest, ...images.map(({ key, version }) => JSON.stringify([key, version]))];
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/**
 * fc6 of every image, n x d; a row of an image that could not be read starts with NaN. Rows are appended to a file in `folder`
 * as they come, so a stopped run goes on; a file of another net or other images is begun again.
 */
export async function activationsOf(
  net: Net,
  pool: InferencePool,
  images: readonly TuningImage[],
  folder: string,
  { progress, signal }: JobInput,
): Promise<Float32Array> {
  const length = net.manifest.outputs.fc6.length as number;
  const file = join(folder, 'activations.f32');
  const done = startFile(folder, file, activationsKey(net, images), 4 * length);
  progress.start('images', images.length);
  for (let from = done; from < images.length; from += CHUNK) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const bytes = await Promise.all(images.slice(from, from + CHUNK).map((image) => image.read().catch(() => new Uint8Array(0))));
    const found = await pool.embed(
      net,
      bytes.map((one) => ({ bytes: one })),
    );
    const rows = new Float32Array(found.length * length);
    found.forEach((one, i) => {
      if (one.ok) rows.set(one.fc6, i * length);
      else rows[i * length] = Number.NaN;
    });
    appendFileSync(file, new Uint8Array(rows.buffer));
    progress.update(Math.min(images.length, from + CHUNK));
  }
  progress.stop();
  const data = readFileSync(file);
  return new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}

/** Returns the rows that are there; of one that was being written when the run ended nothing is kept, or all behind it would stand askew. */
function startFile(folder: string, file: string, key: string, rowBytes: number): number {
  const keyFile = join(folder, 'activations.key');
  mkdirSync(folder, { recursive: true });
  if (existsSync(file) && existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key) {
    const rows = Math.floor(statSync(file).size / rowBytes);
    truncateSync(file, rows * rowBytes);
    return rows;
  }
  writeFileSync(file, '');
  writeFileSync(keyFile, key);
  return 0;
}
