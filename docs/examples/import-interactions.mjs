/**
 * Turns plain interactions (a line is: user item item ...) into files that `import-catalog` reads: every user has one board,
 * every item is a pin without picture or text.
 *
 *   node docs/examples/import-interactions.mjs train.txt OUT
 *   related-pins import-catalog --pins OUT/pins.jsonl --boards OUT/boards.jsonl --saves OUT/saves.jsonl
 *   related-pins build-candidates
 *   related-pins evaluate-home-feed --test test.txt
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [source, out] = process.argv.slice(2);
if (!source || !out) {
  console.error('Usage: node import-interactions.mjs FILE OUT');
  process.exit(2);
}
const users = readFileSync(source, 'utf8')
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
  .filter(([user]) => user !== '');

const items = new Set(users.flatMap(([, ...saved]) => saved));
const records = {
  pins: [...items].map((id) => ({ id })),
  boards: users.map(([user]) => ({ id: `board of ${user}`, ownerId: user })),
  saves: users.flatMap(([user, ...saved]) =>
    [...new Set(saved)].map((pinId) => ({ pinId, boardId: `board of ${user}`, userId: user, at: '2017-01-01' })),
  ),
};
mkdirSync(out, { recursive: true });
for (const [name, rows] of Object.entries(records)) {
  writeFileSync(join(out, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
console.log(`${items.size} pins, ${users.length} boards, ${records.saves.length} saves in ${out}`);
