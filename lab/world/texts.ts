/** Words of pins and boards: noisy, some missing. They speak of topics; of looks only now and then. */
import { seededRandom } from '../../src/math/random.ts';
import { worldSeed } from './world-seed.ts';
import type { Random } from '../../src/math/random.ts';
import { CATEGORIES, PALETTES, STYLE_WORDS, STYLES } from './latents.ts';
import { WORLD_END } from './recipe.ts';
import type { Recipe, WorldBoard, WorldPin } from './recipe.ts';

const FILLERS = [
  'ideas',
  'inspiration',
  'to love',
  'for the weekend',
  'of the season',
  'on a budget',
  'you need',
  'for beginners',
  'at home',
  '2025',
];
const NOISE = [
  'diy',
  'gift',
  'cute',
  'aesthetic',
  'vibes',
  'spring',
  'autumn',
  'easy',
  'best',
  'new',
  'trend',
  'photo',
  'save',
  'wish',
  'list',
];
const SHOPPED = new Set(['womens fashion', 'mens fashion', 'home decor', 'gardening', 'art', 'design']);
const DAY = 86_400_000;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const topicWords = (category: number, topic: number): readonly string[] => CATEGORIES[category].topics[topic][1].split(' ');

/** One line of `pins.jsonl`. */
export function pinLine(recipe: Recipe, index: number): Record<string, unknown> {
  const pin = recipe.pins[index];
  const random = seededRandom(worldSeed(recipe.size.seed, `words ${pin.id}`));
  const { category } = pin.felt;
  const name = CATEGORIES[category].name;
  const line: Record<string, unknown> = { id: pin.id, image: `images/${pin.id}.jpg` };
  if (random.next() > 0.06) line.title = titleOf(random, pin);
  if (random.next() < 0.4)
    line.description = `${capital(random.pick(topicWords(category, pin.felt.topic)))} ${random.pick(FILLERS)}. ${capital(random.pick(NOISE))} ${random.pick(FILLERS)}.`;
  if (random.next() > 0.1) line.link = `https://${name.split(' ')[0]}-${random.integer(6) + 1}.example/${pin.id}`;
  if (random.next() > 0.05) line.annotations = annotationsOf(random, pin);
  if (random.next() > 0.15) line.categories = categoriesOf(random, name);
  line.buyable = SHOPPED.has(name) && random.next() < 0.45;
  line.createdAt = pin.createdAt;
  return line;
}

function titleOf(random: Random, { felt }: WorldPin): string {
  const words: string[] = [];
  if (random.next() < 0.12) words.push(random.pick(STYLE_WORDS[STYLES[felt.style]]));
  if (random.next() < 0.1) words.push(random.pick(PALETTES[felt.palette].words));
  words.push(random.next() < 0.85 ? random.pick(topicWords(felt.category, felt.topic)) : random.pick(NOISE));
  words.push(random.pick(FILLERS));
  return capital(words.join(' '));
}

function annotationsOf(random: Random, { felt }: WorldPin): Record<string, number> {
  const terms: Record<string, number> = {};
  const add = (term: string, share: number): void => {
    if (random.next() < share) terms[term] = rounded(0.2 + 0.8 * random.next());
  };
  for (const word of topicWords(felt.category, felt.topic)) add(word, 0.7);
  add(CATEGORIES[felt.category].name, 0.6);
  add(random.pick(PALETTES[felt.palette].words), 0.12);
  add(random.pick(STYLE_WORDS[STYLES[felt.style]]), 0.12);
  add(random.pick(NOISE), 0.5);
  add(random.pick(topicWords(felt.category, random.integer(CATEGORIES[felt.category].topics.length))), 0.15);
  return terms;
}

function categoriesOf(random: Random, name: string): Record<string, number> {
  const other = random.pick(CATEGORIES).name;
  if (other === name || random.next() > 0.2) return { [name]: 1 };
  const share = rounded(0.15 + 0.3 * random.next());
  return { [name]: rounded(1 - share), [other]: share };
}

/** One line of `boards.jsonl`. */
export function boardLine(recipe: Recipe, board: WorldBoard): Record<string, unknown> {
  const random = seededRandom(worldSeed(recipe.size.seed, `board ${board.id}`));
  const [theme] = board.themes;
  const name = CATEGORIES[theme.category].name;
  const look =
    theme.palette >= 0 ? random.pick(PALETTES[theme.palette].words) : theme.style >= 0 ? random.pick(STYLE_WORDS[STYLES[theme.style]]) : '';
  const subject =
    board.kind === 'mixed'
      ? random.pick(['things i like', 'someday', 'inbox', 'favourites'])
      : theme.topic >= 0
        ? CATEGORIES[theme.category].topics[theme.topic][0]
        : name;
  const line: Record<string, unknown> = {
    id: board.id,
    title: capital(`${look} ${subject}`.trim()),
    ownerId: recipe.users[board.owner].id,
  };
  if (board.kind !== 'mixed' && random.next() > 0.1) line.category = name;
  return line;
}

/** The lines of `saves.jsonl` of one board, in the order they were made. */
export function saveLines(recipe: Recipe, board: WorldBoard): Record<string, unknown>[] {
  const random = seededRandom(worldSeed(recipe.size.seed, `saves ${board.id}`));
  const start = WORLD_END - 300 * DAY * random.next() - 30 * DAY;
  return board.pins.map((pin, i) => ({
    pinId: recipe.pins[pin].id,
    boardId: board.id,
    userId: recipe.users[board.owner].id,
    at: Math.floor(Math.max(start + ((WORLD_END - start) * (i + random.next())) / board.pins.length, recipe.pins[pin].createdAt)),
  }));
}
