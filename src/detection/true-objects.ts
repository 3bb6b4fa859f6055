/**
 * Detection truth from files, in the two forms people keep it in (INTERFACES, "Records and files"):
 *   `objects.jsonl`: a line an image, `{photo, width, height, objects: [{label, box: [x1, y1, x2, y2]}]}`, pixels
 *   a YOLO folder: `images/` and `labels/` (or side by side), a text file an image, `class cx cy w h` in fractions,
 *   names in `classes.yaml`, `data.yaml` or `classes.txt`
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { parse } from 'yaml';
import { reasonOf, ServiceError } from '../errors.ts';
import { type Box, boxIou, type BoxUnit, fractionsToPixels } from '../vision/box.ts';
import type { Detection } from './detection.ts';
import { labelWord } from './label-words.ts';

export interface TrueObject {
  readonly label: string;
  readonly box: Box;
}

export interface TrueImage {
  readonly file: string;
  readonly boxUnit: BoxUnit;
  readonly objects: readonly TrueObject[];
}

const IMAGE_ENDINGS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff']);
const NAME_FILES = ['classes.yaml', 'classes.yml', 'data.yaml', 'classes.txt', 'obj.names'];

/** Reads the truth at `path`, images in the order of the file or of their names. */
export function readTrueObjects(path: string): readonly TrueImage[] {
  if (!existsSync(path)) throw unreadable(path, 'detection truth', 'there is no such file or folder');
  return statSync(path).isDirectory() ? readYoloFolder(path) : readObjectLines(path);
}

/** The objects of an image in its pixels. */
export function objectsInPixels(image: TrueImage, width: number, height: number): readonly TrueObject[] {
  if (image.boxUnit === 'pixels') return image.objects;
  return image.objects.map(({ label, box }) => ({ label, box: fractionsToPixels(box, width, height) }));
}

/** IoU from which a detection meets a true box. */
const MEETS_IOU = 0.5;

/** Whether a detection is right: it meets a true box of its label, or of a synonym. */
export function isRightDetection({ label, box }: Pick<Detection, 'label' | 'box'>, truth: readonly TrueObject[]): boolean {
  return truth.some((object) => labelWord(object.label) === labelWord(label) && boxIou(object.box, box) >= MEETS_IOU);
}

function readObjectLines(file: string): readonly TrueImage[] {
  const images: TrueImage[] = [];
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      images.push(imageOfLine(JSON.parse(line), dirname(file)));
    } catch (error) {
      throw unreadable(file, 'objects.jsonl', `line ${at + 1}: ${reasonOf(error)}`, error);
    }
  }
  return images;
}

function imageOfLine(value: unknown, folder: string): TrueImage {
  const line = value as { photo?: unknown; objects?: readonly { label?: unknown; box?: unknown }[] };
  if (typeof line?.photo !== 'string' || !Array.isArray(line.objects)) throw new TypeError('expected photo and objects');
  const objects = line.objects.map(({ label, box }) => {
    if (typeof label !== 'string' || !isBox(box)) throw new TypeError('an object needs a label and a box of four numbers');
    return { label, box };
  });
  return { file: join(folder, line.photo), boxUnit: 'pixels', objects };
}

function isBox(value: unknown): value is Box {
  return Array.isArray(value) && value.length === 4 && value.every((side) => Number.isFinite(side));
}

function readYoloFolder(folder: string): readonly TrueImage[] {
  const names = labelNames(folder);
  const images = existsSync(join(folder, 'images')) ? join(folder, 'images') : folder;
  const labels = existsSync(join(folder, 'labels')) ? join(folder, 'labels') : folder;
  const files = readdirSync(images).filter((file) => IMAGE_ENDINGS.has(extname(file).toLowerCase()));
  return files.sort().map((file) => {
    const text = join(labels, `${basename(file, extname(file))}.txt`);
    const objects = existsSync(text) ? yoloObjects(text, names) : [];
    return { file: join(images, file), boxUnit: 'fractions', objects };
  });
}

function yoloObjects(file: string, names: ReadonlyMap<number, string>): readonly TrueObject[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return [];
    const [label, x, y, w, h] = line.trim().split(/\s+/).map(Number);
    const name = names.get(label);
    if (name === undefined || ![x, y, w, h].every(Number.isFinite)) {
      throw unreadable(file, 'YOLO labels', `line ${at + 1}: expected a known class and four numbers`);
    }
    return [{ label: name, box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2] as const }];
  });
}

/** Label names of a YOLO folder by number: a `names` list or map in YAML, or a name a line. */
function labelNames(folder: string): ReadonlyMap<number, string> {
  const file = NAME_FILES.map((name) => join(folder, name)).find(existsSync);
  if (!file) throw unreadable(folder, 'a YOLO folder', `none of ${NAME_FILES.join(', ')} is there`);
  if (!/ya?ml$/.test(file)) return new Map(readLabelLines(file).entries());
  const names = (parse(readFileSync(file, 'utf8')) as { names?: unknown })?.names;
  if (typeof names !== 'object' || names === null) throw unreadable(file, 'YOLO names', 'there is no list `names`');
  return new Map(Object.entries(names).map(([key, name]) => [Number(key), String(name)]));
}

/** Names from a text file, a name a line, or from a JSON list of names. */
export function readLabelLines(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  if (text.trimStart().startsWith('[')) return (JSON.parse(text) as unknown[]).map(String);
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function unreadable(file: string, format: string, reason: string, cause?: unknown): ServiceError {
  return new ServiceError('CATALOG_FILE_UNREADABLE', { file, format, reason }, cause);
}
