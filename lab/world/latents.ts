/**
 * What a pin of the demo world is made of. Everything else (picture, words, boards, what people do) follows from these.
 * Colours stand as [ground, main, second, third, dark, light].
 */
interface Palette {
  readonly name: string;
  readonly family: string;
  readonly words: readonly string[];
  readonly colours: readonly [string, string, string, string, string, string];
}

const palette = (name: string, family: string, words: string, colours: string): Palette => ({
  name,
  family,
  words: words.split(' '),
  colours: colours.split(' ') as unknown as Palette['colours'],
});

export const PALETTES: readonly Palette[] = [
  palette('terracotta', 'warm', 'terracotta clay earthy', '#f4e3d5 #c8643f #e2a272 #6b8f86 #4a2a1f #fdf6ee'),
  palette('ocean', 'cool', 'blue navy ocean', '#dfedf3 #2a6f97 #61a5c2 #f2b880 #0b3a5e #f5fbfd'),
  palette('forest', 'natural', 'green forest moss', '#e4ecda #4f772d #93ad58 #d4a373 #203a1c #f8fbf2'),
  palette('blush', 'warm', 'pink blush rose', '#fae3e6 #d6708a #f2b0bd #8a6f8d #5c2c45 #fff6f8'),
  palette('mustard', 'warm', 'yellow mustard sunny', '#fbefc9 #dba11a #efc95c #3d5a80 #4a3a0c #fffbec'),
  palette('mono', 'mono', 'black white monochrome', '#e9e9e7 #3a3a3d #8f8f93 #c8c8c4 #161617 #fbfbf9'),
  palette('lavender', 'cool', 'purple lavender lilac', '#ece4f7 #7b5ea7 #b497d6 #e8a0bf #36254f #fbf8fe'),
  palette('neon', 'dark', 'neon night electric', '#171a34 #ff4d8d #35e0d0 #ffd23f #090a17 #eef0ff'),
  palette('sage', 'natural', 'sage sand neutral', '#efeadd #87997a #b9ba9c #c98f6b #3f4638 #fcfaf4'),
  palette('cherry', 'warm', 'red cherry scarlet', '#fde8e0 #c1121f #f07167 #fcd5b0 #420c11 #fffaf6'),
  palette('lagoon', 'cool', 'teal coral tropical', '#dcf2ee #17907f #74cdbf #ff7f5c #0b4740 #f5fdfb'),
  palette('midnight', 'dark', 'gold midnight luxe', '#1f2738 #cba55a #7487ad #e9d9b2 #0e131e #f6efdc'),
];

export const STYLES = ['minimal', 'bold', 'retro', 'organic', 'ornate'] as const;
export type Style = (typeof STYLES)[number];
export const STYLE_WORDS: Readonly<Record<Style, readonly string[]>> = {
  minimal: ['minimal', 'simple', 'clean'],
  bold: ['bold', 'graphic', 'statement'],
  retro: ['retro', 'vintage', 'seventies'],
  organic: ['organic', 'natural', 'soft'],
  ornate: ['ornate', 'elegant', 'classic'],
};

export const PATTERNS = ['plain', 'stripes', 'dots', 'check', 'zigzag', 'leaves', 'tiles'] as const;
export type Pattern = (typeof PATTERNS)[number];
export const MATERIALS = ['matte', 'gloss', 'woven', 'sheer'] as const;
export type Material = (typeof MATERIALS)[number];

/** A category of the world: how much looks count for its people, and its topics with the words used for them. */
interface WorldCategory {
  readonly name: string;
  /** Weight of visual likeness, 1 = as in art. Fixed before any training; see `people.ts`. */
  readonly visualWeight: number;
  /** Share of the pins. */
  readonly share: number;
  readonly topics: readonly (readonly [name: string, words: string])[];
}

const category = (name: string, visualWeight: number, share: number, topics: string): WorldCategory => ({
  name,
  visualWeight,
  share,
  topics: topics.split(', ').map((topic) => {
    const [key, words] = topic.split(': ');
    return [key, words] as const;
  }),
});

/**
 * Visual weights follow the gains of Zhai et al. 2017, section 5.2 (art 8.8 %, tattoos 8.0, illustrations 7.9, design 7.7,
 * quotes 2.0, fitness planning 0.2), divided by that of art. Choice: categories without a published figure lie between.
 */
export const CATEGORIES: readonly WorldCategory[] = [
  category(
    'womens fashion',
    0.75,
    1.3,
    'dresses: dress gown sundress, tops: top blouse tee, skirts: skirt midi pleated, heels: heels pumps shoes, bags: bag tote handbag, outfits: outfit look wardrobe',
  ),
  category(
    'mens fashion',
    0.65,
    1.1,
    'shirts: shirt tee menswear, jackets: jacket coat blazer, trousers: trousers chinos pants, sneakers: sneakers trainers shoes, outfits: outfit look menswear',
  ),
  category(
    'home decor',
    0.8,
    1.3,
    'sofas: sofa couch lounge, chairs: chair armchair seating, lamps: lamp lighting light, bedrooms: bedroom bed cozy, living rooms: livingroom interior room, storage: cabinet sideboard shelf',
  ),
  category(
    'art',
    1,
    1.1,
    'circles: circles abstract geometry, color fields: painting color field, flow lines: lines waves flow, collage: collage shapes cutout, ink: ink brush strokes',
  ),
  category(
    'tattoos',
    0.91,
    0.8,
    'botanical: flower botanical stem, geometric: geometric sacred lines, celestial: moon stars celestial, animals: snake bird animal, landscapes: mountain wave nature',
  ),
  category(
    'illustrations',
    0.9,
    1,
    'cats: cat kitten pet, foxes: fox woodland animal, cities: city houses street, space: space planet rocket, portraits: portrait girl character',
  ),
  category(
    'design',
    0.875,
    0.9,
    'posters: poster print layout, logos: logo mark branding, packaging: packaging box label, lettering: lettering type letter, interfaces: app interface screen',
  ),
  category(
    'quotes',
    0.23,
    0.9,
    'motivation: motivation inspiring dream, love: love heart romance, humor: funny humor sarcasm, calm: calm mindful peace, work: work hustle focus',
  ),
  category(
    'food and drink',
    0.5,
    1,
    'bowls: bowl salad healthy, cakes: cake dessert baking, drinks: cocktail drink smoothie, pizza: pizza dinner cheese, fruit: fruit fresh summer',
  ),
  category(
    'fitness planning',
    0.023,
    0.8,
    'weekly plans: weekly workout plan, challenges: challenge days abs, meal plans: meal prep plan, progress: progress tracker goals, circuits: circuit hiit routine',
  ),
  category(
    'gardening',
    0.55,
    0.8,
    'pot plants: potted plant houseplant, flower beds: flowers border blooms, vegetables: vegetable harvest kitchen, succulents: succulent cactus desert, garden paths: path garden backyard',
  ),
  category(
    'travel',
    0.5,
    1,
    'mountains: mountains hiking peak, beaches: beach island sea, deserts: desert dunes safari, skylines: city skyline weekend, lakes: lake cabin forest',
  ),
];

/** What decides the picture of a pin, and (except in the null world) what people see in it. */
export interface Latents {
  readonly category: number;
  readonly topic: number;
  readonly style: number;
  readonly palette: number;
  readonly pattern: number;
  readonly material: number;
  readonly layout: number;
  /** Degrees, where the light comes from, and how strong it is, 0..1. */
  readonly lightFrom: number;
  readonly light: number;
  /** Grain, 0..1. */
  readonly noise: number;
  /** Stream of the drawing's own chances. */
  readonly seed: number;
}

/** 1 the same palette, 0.4 the same family, else 0. */
export function paletteLikeness(a: number, b: number): number {
  if (a === b) return 1;
  return PALETTES[a].family === PALETTES[b].family ? 0.4 : 0;
}

/** How alike two pins look by their latents, 0..1: palette 0.45, style 0.3, pattern 0.25. */
export function lookLikeness(a: Latents, b: Latents): number {
  return 0.45 * paletteLikeness(a.palette, b.palette) + (a.style === b.style ? 0.3 : 0) + (a.pattern === b.pattern ? 0.25 : 0);
}
