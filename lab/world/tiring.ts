/**
 * People who tire of sameness: a trait of the world's people that a study switches on. It follows from felt latents alone.
 *
 *   sameness of a list   of the items that a person looks at, the mean over all but the first of the greatest likeness to one
 *                        of the seven looked at before: 1 same category, topic and palette, 0.7 same category and topic,
 *                        0.3 same category, else 0
 *   weariness            grows with each list by rate x (sameness - tolerated), never below 0, and keeps `overnight` of itself
 *                        from one day to the next
 *   utility              of every item is lower by the weariness that a person brought along
 *
 * On the first day nobody is weary, so that pure relevance earns most; who is shown the same day after day acts less and less.
 * Of the constants `tolerated` is set below what the demo's lists by score have, 0.74, and `rate` so that people who get
 * nothing else lose about a third of their clicks in two weeks: how strong the trait is, is planted, and no finding.
 */
import type { Random } from '../../src/math/random.ts';
import type { Latents } from './latents.ts';
import { type Action, examination, type People } from './people.ts';
import type { Recipe, WorldUser } from './recipe.ts';

export const TIRING = { window: 8, rate: 1.4, tolerated: 0.65, overnight: 0.85 } as const;

/** How much two items are the same to somebody who has seen both, 0..1. */
export function feltSameness(a: Latents, b: Latents): number {
  if (a.category !== b.category) return 0;
  if (a.topic !== b.topic) return 0.3;
  return a.palette === b.palette ? 1 : 0.7;
}

/** Sameness of items in the order in which they were looked at; 0 for fewer than two. */
export function samenessOf(looked: readonly Latents[]): number {
  let sum = 0;
  for (let i = 1; i < looked.length; i++) {
    const before = looked.slice(Math.max(0, i - TIRING.window + 1), i);
    sum += Math.max(...before.map((other) => feltSameness(looked[i], other)));
  }
  return looked.length < 2 ? 0 : sum / (looked.length - 1);
}

/** Sameness of a whole list that is looked at as the world's people look: each place with the chance of its position. */
export function expectedSameness(items: readonly Latents[], random: Random): number {
  return samenessOf(items.filter((_, at) => random.next() < examination(at + 1)));
}

/** One person and how weary they are. */
export class TiringPerson {
  weariness = 0;
  private day = 0;
  private readonly recipe: Recipe;
  private readonly people: People;
  private readonly user: WorldUser;

  constructor(recipe: Recipe, people: People, user: WorldUser) {
    this.recipe = recipe;
    this.people = people;
    this.user = user;
  }

  /** What the person does with a list on a day, counted from their first. `tires`: the trait is on. */
  act(query: number, list: readonly number[], day: number, random: Random, tires: boolean): readonly Action[] {
    this.weariness *= TIRING.overnight ** (day - this.day);
    this.day = day;
    const actions = this.people.act(this.user, query, list, random, this.weariness);
    const looked = actions.filter(({ type }) => type === 'impression').map(({ item }) => this.recipe.pins[list[item]].felt);
    if (tires) this.weariness = Math.max(0, this.weariness + TIRING.rate * (samenessOf(looked) - TIRING.tolerated));
    return actions;
  }
}
