/** The photos that the search for the very same thing is judged on, out of the shared data sets, and rooms that none of them shows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ServiceError } from '../../../src/errors.ts';
import type { Random } from '../../../src/math/random.ts';

export interface JudgedPhoto {
  readonly file: string;
  readonly from: 'clothing-test' | 'ikea-rooms' | 'coco-val128';
  /** What it shows, as the data set says: a garment, a type of furniture. */
  readonly kind: string;
}

const ROOMS = 40;

/** `count` photos, a quarter from coco-val128 as far as there are, the rest by halves; and rooms. Throws JOB_USAGE without the data. */
export function judgedPhotos(datasets: string, count: number, random: Random): { photos: JudgedPhoto[]; rooms: string[] } {
  const list = (folder: string): string[] => picturesIn(join(datasets, folder));
  const types = JSON.parse(readFileSync(join(required(datasets), 'ikea-rooms/products.json'), 'utf8')) as Record<string, { type: string }>;
  const coco = list('coco-val128/images').map((file): JudgedPhoto => ({ file, from: 'coco-val128', kind: 'photo' }));
  const clothing = list('clothing-test').map((file): JudgedPhoto => ({ file, from: 'clothing-test', kind: basename(join(file, '..')) }));
  const products = list('ikea-rooms/objects').map((file): JudgedPhoto => ({
    file,
    from: 'ikea-rooms',
    kind: types[basename(file, '.jpg')]?.type ?? '',
  }));
  const some = random.shuffled(coco).slice(0, Math.floor(count / 4));
  const garments = random.shuffled(clothing).slice(0, Math.floor((count - some.length) / 2));
  const furniture = random.shuffled(products).slice(0, count - some.length - garments.length);
  return { photos: [...some, ...garments, ...furniture], rooms: random.shuffled(list('ikea-rooms/rooms')).slice(0, ROOMS) };
}

function required(datasets: string): string {
  if (existsSync(join(datasets, 'ikea-rooms/products.json'))) return datasets;
  const reason = `${datasets} does not hold clothing-test, ikea-rooms and coco-val128; --datasets says where they are`;
  throw new ServiceError('JOB_USAGE', { reason });
}

/** In the order of their names, so that a seed draws the same everywhere. */
function picturesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => join(folder, name));
}
