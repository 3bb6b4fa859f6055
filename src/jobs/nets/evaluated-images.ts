/** The labelled images that `evaluate-features` asks with: of a folder of folders, or of the catalogue. */
import { resolve } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { ServiceError } from '../../errors.ts';
import { seededRandom } from '../../math/random.ts';
import type { JobInput } from '../job.ts';
import { folderImages } from './labelled-images.ts';

export interface EvaluatedImage {
  /** What people know it by: a file's name, a pin's id. */
  readonly name: string;
  readonly labels: readonly number[];
  readonly read: () => Promise<Uint8Array>;
}

interface EvaluatedImages {
  readonly images: readonly EvaluatedImage[];
  /** A label's name. */
  readonly labelOf: (label: number) => string;
}

interface ImageChoice {
  /** A folder of folders; absent: the catalogue. */
  readonly images?: string;
  readonly truth: 'categories' | 'boards';
  readonly perClass?: number;
  readonly seed: number;
}

/** What the flags name, at most `--per-class` of each label. Throws NOTHING_TO_DO where there are no two. */
export function evaluatedImages(input: JobInput<ImageChoice>): EvaluatedImages {
  const { options } = input;
  const { images, labelOf } = typeof options.images === 'string' ? labelledFolder(resolve(options.images)) : catalogImages(input);
  return { images: perClass(images, options), labelOf };
}

/** The images of a folder, labelled by the ordinals of their folders. */
function labelledFolder(folder: string): EvaluatedImages {
  const images = folderImages(folder);
  const names = [...new Set(images.map(({ label }) => label))];
  return {
    images: images.map(({ file, label, read }) => ({
      name: file.slice(folder.length + 1),
      labels: [names.indexOf(label)],
      read,
    })),
    labelOf: (label) => names[label],
  };
}

/** The catalogue's images; their strongest category, or all their boards, are their labels. */
function catalogImages({ options, dataFolder, config }: JobInput<ImageChoice>): EvaluatedImages {
  const byBoards = options.truth === 'boards';
  const catalog = openCatalog(dataFolder);
  try {
    const names: string[] = [];
    const images: EvaluatedImage[] = [];
    for (const { pinIndex, image } of catalog.pins.images()) {
      const labels = byBoards ? [...catalog.saves.boardsOf(pinIndex)] : strongest(catalog.pins.get(pinIndex)?.categoryVector ?? {}, names);
      if (byBoards) for (const board of labels) names[board] ??= catalog.boards.get(board)?.title || `board ${board}`;
      const read = () => fetchImage(image, imageFetching(config, dataFolder));
      if (labels.length > 0) images.push({ name: catalog.pins.idOf(pinIndex), labels, read });
    }
    if (images.length > 1) return { images, labelOf: (label) => names[label] };
  } finally {
    catalog.close();
  }
  throw new ServiceError('NOTHING_TO_DO', {
    reason: `No two pins of the catalogue have an image and ${options.truth}; name --images FOLDER.`,
  });
}

function strongest(vector: Readonly<Record<string, number>>, names: string[]): number[] {
  const [best] = Object.entries(vector).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (!best) return [];
  if (!names.includes(best[0])) names.push(best[0]);
  return [names.indexOf(best[0])];
}

/** At most `--per-class` images of each label, drawn by seed; images of several labels count for the first. */
function perClass(images: readonly EvaluatedImage[], { perClass: most, seed }: ImageChoice): readonly EvaluatedImage[] {
  if (most === undefined) return images;
  const taken = new Map<number, number>();
  const order = seededRandom(seed).shuffled(images.map((_, i) => i));
  const kept = order.filter((i) => {
    const count = (taken.get(images[i].labels[0]) ?? 0) + 1;
    taken.set(images[i].labels[0], count);
    return count <= most;
  });
  return kept.sort((a, b) => a - b).map((i) => images[i]);
}
