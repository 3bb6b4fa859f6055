/**
 * The recipe of a world: who is what, before anything is drawn. Arithmetic on a seed only, so that it is the same to the
 * byte on every machine.
 *
 * `planted` and `reversed`: a pin shows its own latents. `null`: pictures are dealt out again, independently of everything
 * people see in a pin, so that no picture says anything about taste; boards, words and categories follow the felt latents.
 */
import { seededRandom } from '../../src/math/random.ts';
import { worldSeed } from './world-seed.ts';
import type { Random } from '../../src/math/random.ts';
import { UNALTERED } from './drawing.ts';
import type { Alteration } from './drawing.ts';
import { CATEGORIES, MATERIALS, PALETTES, PATTERNS, STYLES } from './latents.ts';
import type { Latents } from './latents.ts';

export const WORLD_KINDS = ['planted', 'null', 'reversed'] as const;
export type WorldKind = (typeof WORLD_KINDS)[number];

export interface WorldSize {
  readonly kind: WorldKind;
  readonly seed: number;
  readonly pins: number;
  readonly boards: number;
  readonly users: number;
}
export const DEFAULT_WORLD: WorldSize = { kind: 'planted', seed: 1, pins: 2400, boards: 400, users: 800 };

export interface WorldPin {
  readonly id: string;
  /** What people see in it. */
  readonly felt: Latents;
  /** Whose latents the picture shows: an index of `pins`; its own, except in the null world. */
  readonly picture: number;
  readonly alteration: Alteration;
  /** Group of near-duplicate recipes, -1 when alone. */
  readonly group: number;
  /** Log-scale, standard normal. */
  readonly appeal: number;
  readonly createdAt: number;
}

interface Theme {
  readonly category: number;
  /** -1: any. */
  readonly topic: number;
  readonly palette: number;
  readonly style: number;
}

export interface WorldBoard {
  readonly id: string;
  readonly owner: number;
  readonly kind: 'topic' | 'look' | 'mixed' | 'drifting';
  /** One theme; a mixed board has several at once, a drifting one passes from the first to the last. */
  readonly themes: readonly Theme[];
  readonly pins: readonly number[];
}

export interface WorldUser {
  readonly id: string;
  readonly categories: readonly number[];
  readonly palette: number;
  readonly style: number;
}

export interface Recipe {
  readonly size: WorldSize;
  readonly pins: readonly WorldPin[];
  readonly boards: readonly WorldBoard[];
  readonly users: readonly WorldUser[];
}

/** The last day of the world; its pins are up to 400 days older. */
export const WORLD_END = Date.UTC(2025, 5, 1);
const DAY = 86_400_000;
const DUPLICATE_SHARE = 0.05;
const CAPTIONS = ['SAVE FOR LATER', 'READ MORE', 'SO GOOD', 'VIA PINS', 'TRY THIS', 'NEW POST'];

export function makeRecipe(size: WorldSize): Recipe {
  const pins = makePins(size);
  const users = makeUsers(size);
  return { size, pins, users, boards: makeBoards(size, pins) };
}

const idOf = (letter: string, index: number): string => `${letter}${String(index + 1).padStart(6, '0')}`;
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

/** An index drawn by weights. */
export function drawWeighted(random: Random, weights: readonly number[]): number {
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.length - 1;
}

function makePins(size: WorldSize): WorldPin[] {
  const random = seededRandom(worldSeed(size.seed, 'pins'));
  const shares = CATEGORIES.map((category) => category.share);
  const pins: WorldPin[] = [];
  let group = 0;
  while (pins.length < size.pins) {
    const felt = drawLatents(random, drawWeighted(random, shares));
    const copies = random.next() < DUPLICATE_SHARE ? 2 + random.integer(3) : 1;
    const mine = copies > 1 && pins.length + copies <= size.pins ? group++ : -1;
    for (let copy = 0; copy < copies && pins.length < size.pins; copy++) {
      pins.push({
        id: idOf('p', pins.length),
        felt,
        picture: pins.length,
        alteration: copy === 0 ? UNALTERED : drawAlteration(random, copy),
        group: mine,
        appeal: rounded(random.normal()),
        createdAt: WORLD_END - Math.floor(random.next() * 400 * DAY),
      });
    }
  }
  if (size.kind !== 'null') return pins;
  const dealt = seededRandom(worldSeed(size.seed, 'pictures')).shuffled(pins.map((_, i) => i));
  return pins.map((pin, i) => ({ ...pin, picture: dealt[i] }));
}

function drawLatents(random: Random, category: number): Latents {
  return {
    category,
    topic: random.integer(CATEGORIES[category].topics.length),
    style: random.integer(STYLES.length),
    palette: random.integer(PALETTES.length),
    pattern: random.integer(PATTERNS.length),
    material: random.integer(MATERIALS.length),
    layout: random.integer(4),
    lightFrom: random.integer(360),
    light: rounded(random.next()),
    noise: rounded(random.next()),
    seed: random.integer(2 ** 31),
  };
}

/** The first copy is compressed harder, the second cropped, the third captioned; each a little of both. */
function drawAlteration(random: Random, copy: number): Alteration {
  const crop = (): number => rounded(copy === 1 ? 0 : random.next() * (copy === 2 ? 0.05 : 0.02));
  return {
    cropLeft: crop(),
    cropTop: crop(),
    cropRight: crop(),
    cropBottom: crop(),
    caption: copy === 3 ? random.pick(CAPTIONS) : null,
    quality: 45 + random.integer(40),
  };
}

function makeUsers(size: WorldSize): WorldUser[] {
  const random = seededRandom(worldSeed(size.seed, 'users'));
  const shares = CATEGORIES.map((category) => category.share);
  return Array.from({ length: size.users }, (_, i) => {
    const categories = new Set<number>();
    while (categories.size < 3) categories.add(drawWeighted(random, shares));
    return {
      id: idOf('u', i),
      categories: [...categories],
      palette: random.integer(PALETTES.length),
      style: random.integer(STYLES.length),
    };
  });
}

function makeBoards(size: WorldSize, pins: readonly WorldPin[]): WorldBoard[] {
  const random = seededRandom(worldSeed(size.seed, 'boards'));
  const byCategory = CATEGORIES.map((_, category) => pins.flatMap((pin, i) => (pin.felt.category === category ? [i] : [])));
  return Array.from({ length: size.boards }, (_, i) => {
    const kind = (['topic', 'look', 'mixed', 'drifting'] as const)[drawWeighted(random, [0.55, 0.17, 0.16, 0.12])];
    const count = kind === 'mixed' ? 3 : kind === 'drifting' ? 2 : 1;
    const themes = Array.from({ length: count }, () => drawTheme(random, kind));
    return { id: idOf('b', i), owner: random.integer(size.users), kind, themes, pins: fillBoard(random, kind, themes, pins, byCategory) };
  });
}

function drawTheme(random: Random, kind: WorldBoard['kind']): Theme {
  const category = drawWeighted(
    random,
    CATEGORIES.map((row) => row.share),
  );
  const look = kind === 'look';
  return {
    category,
    topic: look ? -1 : random.integer(CATEGORIES[category].topics.length),
    palette: look || random.next() < 0.15 ? random.integer(PALETTES.length) : -1,
    style: look && random.next() < 0.5 ? random.integer(STYLES.length) : -1,
  };
}

/** 12 to 40 saves in order; one in twelve is astray. */
function fillBoard(
  random: Random,
  kind: WorldBoard['kind'],
  themes: readonly Theme[],
  pins: readonly WorldPin[],
  byCategory: readonly (readonly number[])[],
): number[] {
  const chosen = new Set<number>();
  const goal = Math.min(12 + random.integer(29), Math.floor(pins.length / 4));
  for (let step = 0; chosen.size < goal && step < goal * 3; step++) {
    const done = step / (goal * 1.2);
    const theme = kind === 'drifting' ? themes[random.next() < done ? 1 : 0] : random.pick(themes);
    if (random.next() < 1 / 12) chosen.add(random.integer(pins.length));
    else {
      const found = bestOf(random, theme, pins, byCategory[theme.category]);
      if (found >= 0) chosen.add(found);
    }
  }
  return [...chosen];
}

/** Of a dozen pins of the category the one that suits the theme best, by topic, look and appeal. */
function bestOf(random: Random, theme: Theme, pins: readonly WorldPin[], pool: readonly number[]): number {
  let best = -1;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < Math.min(12, pool.length); i++) {
    const index = random.pick(pool);
    const { felt, appeal } = pins[index];
    const score =
      (theme.topic < 0 || felt.topic === theme.topic ? 4 : 0) +
      (theme.palette >= 0 && felt.palette === theme.palette ? 3 : 0) +
      (theme.style >= 0 && felt.style === theme.style ? 1.5 : 0) +
      0.5 * appeal +
      random.next();
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}
