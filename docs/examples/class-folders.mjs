/**
 * Photos in class folders, from data sets that say what is on their photos: kinds with ten pictures or more, forty of each at
 * most, taken evenly. `npm run lab -- fit-starter --photos OUT` reads them, `related-pins open OUT` shows them.
 *
 *   node docs/examples/class-folders.mjs ikea-rooms FOLDER_OF_THE_DATA_SET OUT    product photos by type
 *   node docs/examples/class-folders.mjs coco-val128 FOLDER_OF_THE_DATA_SET OUT   pictures cut out along true boxes, by label
 *   node docs/examples/class-folders.mjs fashion-ccp FOLDER_OF_THE_DATA_SET OUT   the same of street photos
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';

const KIND_MIN = 10;
const KIND_MAX = 40;
/** Pixels of a box's shorter side from which on it is cut out. */
const SIDE_MIN = 40;

const [set, source, out] = process.argv.slice(2);
const readers = { 'ikea-rooms': ikeaRooms, 'coco-val128': cocoVal128, 'fashion-ccp': fashionCcp };
if (!readers[set] || !source || !out) {
  console.error(`Usage: node class-folders.mjs ${Object.keys(readers).join('|')} FOLDER OUT`);
  process.exit(2);
}

const byKind = new Map();
for (const found of readers[set]()) byKind.set(found.kind, [...(byKind.get(found.kind) ?? []), found]);
let [kinds, pictures] = [0, 0];
for (const [kind, all] of [...byKind].sort(([a], [b]) => (a < b ? -1 : 1))) {
  if (all.length < KIND_MIN) continue;
  const folder = join(out, kind.replace(/[/\\]/g, ' '));
  mkdirSync(folder, { recursive: true });
  const step = Math.max(1, Math.floor(all.length / KIND_MAX));
  for (const { file, box, name } of all.filter((_, at) => at % step === 0).slice(0, KIND_MAX)) {
    const photo = sharp(join(source, file));
    await (box ? photo.extract(box) : photo).jpeg({ quality: 92 }).toFile(join(folder, `${name}.jpg`));
    pictures++;
  }
  kinds++;
}
console.log(`${pictures} pictures of ${kinds} kinds in ${out}`);

function ikeaRooms() {
  const products = JSON.parse(readFileSync(join(source, 'products.json'), 'utf8'));
  return Object.entries(products).flatMap(([id, { type, image }]) => (type ? [{ kind: type, file: image, box: null, name: id }] : []));
}

function* cocoVal128() {
  const classes = [...readFileSync(join(source, 'classes.yaml'), 'utf8').matchAll(/^\s+(\d+):\s*(.+)$/gm)];
  const names = new Map(classes.map(([, id, name]) => [Number(id), name.trim()]));
  for (const file of readdirSync(join(source, 'labels')).sort()) {
    const stem = basename(file, '.txt');
    yield* yoloBoxes(stem, names);
  }
}

/** Each line is: class cx cy w h, fractions of the photo. */
function* yoloBoxes(stem, names) {
  const { width, height } = jpegSize(join(source, 'images', `${stem}.jpg`));
  const lines = readFileSync(join(source, 'labels', `${stem}.txt`), 'utf8').trim().split('\n');
  for (const [at, line] of lines.entries()) {
    const [kind, cx, cy, w, h] = line.split(/\s+/).map(Number);
    const corners = [(cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height];
    const box = boxOf(corners, width, height);
    if (box) yield { kind: names.get(kind) ?? `class ${kind}`, file: `images/${stem}.jpg`, box, name: `${stem}-${at}` };
  }
}

function* fashionCcp() {
  for (const line of readFileSync(join(source, 'objects.jsonl'), 'utf8').trim().split('\n')) {
    const { photo, width, height, objects } = JSON.parse(line);
    for (const [at, { label, box: corners }] of objects.entries()) {
      const box = boxOf(corners, width, height);
      if (box) yield { kind: label, file: photo, box, name: `${basename(photo, '.jpg')}-${at}` };
    }
  }
}

function boxOf([x1, y1, x2, y2], width, height) {
  const [left, top] = [Math.max(0, Math.floor(x1)), Math.max(0, Math.floor(y1))];
  const [right, bottom] = [Math.min(width, Math.ceil(x2)), Math.min(height, Math.ceil(y2))];
  return Math.min(right - left, bottom - top) < SIDE_MIN ? null : { left, top, width: right - left, height: bottom - top };
}

/** From the frame header of a JPEG file. */
function jpegSize(file) {
  const bytes = readFileSync(file);
  for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
  }
  throw new Error(`${file} is no JPEG file`);
}
