/**
 * Turns the IKEA rooms data set into files that `import-catalog` reads: rooms are boards, products are pins.
 *
 *   node docs/examples/import-ikea-rooms.mjs FOLDER_OF_THE_DATA_SET OUT
 *   related-pins import-catalog --pins OUT/pins.jsonl --boards OUT/boards.jsonl --saves OUT/saves.jsonl --images FOLDER_OF_THE_DATA_SET
 *
 * Every board is of the site-wide category "home decor"; the kind of room (bedroom, kitchen ...) stays in its title.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [source, out] = process.argv.slice(2);
if (!source || !out) {
  console.error('Usage: node import-ikea-rooms.mjs FOLDER_OF_THE_DATA_SET OUT');
  process.exit(2);
}
const read = (name) => JSON.parse(readFileSync(join(source, name), 'utf8'));
const products = read('products.json');
const boards = read('boards.json');

const words = (text) =>
  (text ?? '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 2);

/** What a product is weighs more than its colour, and that more than its group. */
function annotationsOf({ type, color, group }) {
  const weights = {};
  const add = (terms, weight) => {
    for (const term of terms) weights[term] = Math.max(weights[term] ?? 0, weight);
  };
  if (group) add([group.toLowerCase()], 0.5);
  add(words(color), 0.6);
  add(words(type), 1);
  return weights;
}

const pins = Object.entries(products).map(([id, product]) => ({
  id,
  image: product.image,
  title: [product.name, product.type].filter(Boolean).join(' '),
  description: [product.desc, product.color, product.size].filter(Boolean).join(' | '),
  annotations: annotationsOf(product),
  buyable: true,
}));
const rooms = boards.map(({ board, category }) => ({
  id: board,
  title: [category, board.replace(/[_-]+/g, ' ')].filter(Boolean).join(': '),
  ownerId: `room ${board}`,
  category: 'home decor',
}));
const saves = boards.flatMap(({ board, items }) =>
  items.filter((pinId) => products[pinId]).map((pinId) => ({ pinId, boardId: board, at: '2017-01-01' })),
);

mkdirSync(out, { recursive: true });
for (const [name, records] of Object.entries({ pins, boards: rooms, saves })) {
  writeFileSync(join(out, `${name}.jsonl`), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
console.log(`${pins.length} pins, ${rooms.length} boards, ${saves.length} saves in ${out}`);
