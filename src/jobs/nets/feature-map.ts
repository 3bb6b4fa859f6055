/** The map of `evaluate-features`: a page of its own in which every image stands where a net puts it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { layOutImages, type MapLayout } from '../../features/image-map.ts';
import { seededRandom } from '../../math/random.ts';
import type { Progress } from '../../progress.ts';
import { thumbnail } from '../../vision/image-tensor.ts';
import { projectRoot } from '../../worker-url.ts';
import type { EvaluatedImage } from './evaluated-images.ts';

/** More do not fit on a screen, and the page stays under some 10 MB. */
const IMAGES_MAX = 2500;
const THUMBNAIL_WIDTH = 112;
const NEIGHBORS_SHOWN = 8;

interface MapInput {
  readonly images: readonly EvaluatedImage[];
  readonly labelOf: (label: number) => string;
  readonly seed: number;
}

/** Rows of one space, of the images at `at`. */
interface Space {
  readonly name: string;
  readonly at: readonly number[];
  readonly rows: readonly Float32Array[];
  readonly noise: readonly NoiseImage[];
}

interface NoiseImage {
  readonly picture: Uint8Array;
  readonly row: Float32Array;
}

export class MapMaking {
  private readonly input: MapInput;
  /** Ordinals of the images that are shown. */
  private readonly chosen: ReadonlySet<number>;
  private readonly spaces: Space[] = [];
  private readonly file: string;

  constructor(input: MapInput, file: string) {
    this.file = file;
    this.input = input;
    const all = input.images.map((_, i) => i);
    this.chosen = new Set(seededRandom(input.seed).shuffled(all).slice(0, IMAGES_MAX));
  }

  add(name: string, of: Pick<Space, 'at' | 'rows'>, noise: readonly NoiseImage[]): void {
    const kept = of.at.flatMap((ordinal, i) => (this.chosen.has(ordinal) ? [i] : []));
    this.spaces.push({ name, at: kept.map((i) => of.at[i]), rows: kept.map((i) => of.rows[i]), noise });
  }

  /** Lays out every space over the images that all nets could read, and writes the page. */
  async write(progress: Progress) {
    const { file } = this;
    const inAll = this.spaces.map(({ at }) => new Set(at));
    const shown = (this.spaces[0]?.at ?? []).filter((ordinal) => inAll.every((set) => set.has(ordinal)));
    progress.start('map', this.spaces.length);
    const spaces = this.spaces.map((space, i) => {
      const rows = new Map(space.at.map((ordinal, row) => [ordinal, space.rows[row]]));
      const all = [...shown.map((ordinal) => rows.get(ordinal) as Float32Array), ...space.noise.map(({ row }) => row)];
      const layout = layOutImages(all, this.input.seed);
      progress.update(i + 1);
      return shownSpace(space.name, layout);
    });
    progress.stop();
    const { labels, images } = await this.pictures(shown, this.spaces[0]?.noise ?? []);
    writeFileSync(file, mapPage({ labels, images, spaces }));
    return { file, images: images.length, spaces: spaces.map(({ name }) => name) };
  }

  private async pictures(shown: readonly number[], noise: readonly NoiseImage[]) {
    const { images, labelOf } = this.input;
    const labels: string[] = [];
    const ordinalOf = (label: string): number => (labels.includes(label) ? labels.indexOf(label) : labels.push(label) - 1);
    const pictures: PagePicture[] = [];
    for (const ordinal of shown) {
      const { name, labels: own, read } = images[ordinal];
      const label = ordinalOf(labelOf(own[0]));
      pictures.push({ name, label, src: await dataAddress(await read()) });
    }
    const noiseLabel = noise.length > 0 ? ordinalOf('(noise)') : -1;
    for (const [i, { picture }] of noise.entries())
      pictures.push({ name: `noise ${i + 1}`, label: noiseLabel, src: await dataAddress(picture) });
    return { labels, images: pictures };
  }
}

interface PagePicture {
  readonly name: string;
  readonly label: number;
  readonly src: string;
}

interface PageSpace {
  readonly name: string;
  /** x and y by turns, 0..1. */
  readonly points: readonly number[];
  readonly neighbors: readonly (readonly number[])[];
}

function shownSpace(name: string, { points, neighbors }: MapLayout): PageSpace {
  return {
    name,
    points: Array.from(points, (value) => Number(value.toFixed(4))),
    neighbors: neighbors.map((ids) => [...ids.subarray(0, NEIGHBORS_SHOWN)]),
  };
}

async function dataAddress(bytes: Uint8Array): Promise<string> {
  const small = await thumbnail(bytes, THUMBNAIL_WIDTH);
  return `data:image/jpeg;base64,${Buffer.from(small).toString('base64')}`;
}

const PLACE = '/* map */ null';

/** The page with its data in it; a closing tag inside a name must not end the script. */
function mapPage(map: {
  readonly labels: readonly string[];
  readonly images: readonly PagePicture[];
  readonly spaces: readonly PageSpace[];
}): string {
  const page = readFileSync(new URL('data/pages/image-map.html', projectRoot()), 'utf8');
  return page.replace(PLACE, () => JSON.stringify(map).replaceAll('<', '\\u003c'));
}
