/**
 * Writes which rooms hold each product of the IKEA rooms data set, for `evaluate-visual-search --scenes`:
 *
 *   node docs/examples/ikea-scenes.mjs FOLDER_OF_THE_DATA_SET OUT_FILE
 *
 * A line a product that is in at least one photographed room: {image, scenes}, paths relative to OUT_FILE's folder.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const [source, out] = process.argv.slice(2);
if (!source || !out) {
  console.error('Usage: node ikea-scenes.mjs FOLDER_OF_THE_DATA_SET OUT_FILE');
  process.exit(2);
}
const read = (name) => JSON.parse(readFileSync(join(source, name), 'utf8'));
const products = read('products.json');
const pathOf = (image) => relative(dirname(out), join(source, image));
const scenes = new Map();
for (const { image, items } of read('boards.json')) {
  if (!image || !existsSync(join(source, image))) continue;
  for (const id of items) if (products[id]) scenes.set(id, [...(scenes.get(id) ?? []), pathOf(image)]);
}
const rows = [...scenes].filter(([id]) => existsSync(join(source, products[id].image)));
writeFileSync(out, rows.map(([id, held]) => `${JSON.stringify({ image: pathOf(products[id].image), scenes: held })}\n`).join(''));
console.log(`${rows.length} products in ${new Set(rows.flatMap(([, held]) => held)).size} rooms`);
