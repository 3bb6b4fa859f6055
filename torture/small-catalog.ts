import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../src/math/random.ts';

export interface SmallCatalog {
  readonly pins: number;
  readonly boards: number;
  readonly saves: number;
  /** The flags of import-catalog that name the files. */
  readonly flags: readonly string[];
}

/**
 * Writes pins.jsonl, boards.jsonl and saves.jsonl: boards of one theme each, so that lists are worth ranking. The first pins show
 * the pictures, by name.
 */
export function writeSmallCatalog(
  folder: string,
  pins: number,
  boards: number,
  perBoard: number,
  seed = 1,
  pictures: readonly string[] = [],
): SmallCatalog {
  const random = seededRandom(seed);
  const themes = ['design', 'art', 'travel', 'kids', 'gardening', 'tattoos', 'sports', 'home decor'];
  const themeOf = (index: number): string => themes[index % themes.length];
  const lines = (count: number, row: (i: number) => unknown): string =>
    Array.from({ length: count }, (_, i) => `${JSON.stringify(row(i))}\n`).join('');
  mkdirSync(folder, { recursive: true });
  const file = (name: string): string => join(folder, `${name}.jsonl`);
  writeFileSync(
    file('pins'),
    lines(pins, (i) => ({
      id: `p${i}`,
      title: `${themeOf(i)} number ${i % 97}`,
      annotations: { [themeOf(i)]: 0.9, [`word${i % 31}`]: 0.4 },
      categories: { [themeOf(i)]: 1 },
      createdAt: 1_700_000_000_000 + i,
      ...(i < pictures.length ? { image: pictures[i] } : {}),
    })),
  );
  writeFileSync(
    file('boards'),
    lines(boards, (i) => ({ id: `b${i}`, title: themeOf(i), ownerId: `u${i % 53}`, category: themeOf(i) })),
  );
  const saves: unknown[] = [];
  for (let board = 0; board < boards; board++) {
    const held = new Set<number>();
    while (held.size < perBoard)
      held.add((random.integer(Math.floor(pins / themes.length)) * themes.length + (board % themes.length)) % pins);
    for (const pin of held) saves.push({ pinId: `p${pin}`, boardId: `b${board}`, at: 1_700_000_100_000 + saves.length });
  }
  writeFileSync(
    file('saves'),
    lines(saves.length, (i) => saves[i]),
  );
  return { pins, boards, saves: saves.length, flags: ['pins', 'boards', 'saves'].flatMap((name) => [`--${name}`, file(name)]) };
}
