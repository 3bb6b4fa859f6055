/**
 * The people of the world. What they want follows from felt latents alone, never from net outputs or ranking features:
 *
 *   utility(query, candidate) = category x [same category]
 *     + (topic + textBonus (1 - v)) x [same topic]                          v = visual weight of the query's category
 *     + look v x likeness(query, candidate) x (dominantFactor if the query has a dominant object)
 *     + appeal x appeal(candidate) + taste of the user + logistic noise
 *
 * A person examines position k with probability k^-examinationPower; an examined item gets the highest action whose
 * threshold its utility passes. Weights are fixed here, before any training, and stand in truth.json.
 */
import type { EventType } from '../../src/catalog/pins/records.ts';
import type { Random } from '../../src/math/random.ts';
import { CATEGORIES, lookLikeness, paletteLikeness } from './latents.ts';
import { drawWeighted } from './recipe.ts';
import type { Recipe, WorldKind, WorldUser } from './recipe.ts';

export const UTILITY = {
  category: 1.2,
  topic: 1.2,
  textBonus: 1.4,
  look: 3.6,
  dominantFactor: 1.35,
  appeal: 0.25,
  tastePalette: 0.5,
  tasteStyle: 0.3,
  noise: 0.6,
  examinationPower: 0.5,
  /** Least utility of each action. */
  thresholds: { closeup: 3.2, click: 3.9, longClick: 4.6, save: 5.3 },
} as const;

const ACTIONS = ['closeup', 'click', 'longClick', 'save'] as const satisfies readonly EventType[];

/** An action of a person on an item of a list handed to them; `item` indexes that list. */
export interface Action {
  readonly item: number;
  readonly type: 'impression' | (typeof ACTIONS)[number];
}

/** How much looks count in each category. Reversed: the order of the categories is turned around. */
export function visualWeights(kind: WorldKind): number[] {
  const weights = CATEGORIES.map((category) => category.visualWeight);
  const [least, most] = [Math.min(...weights), Math.max(...weights)];
  return kind === 'reversed' ? weights.map((weight) => Math.round((least + most - weight) * 1000) / 1000) : weights;
}

/** Probability that position k, from 1, is looked at. */
export const examination = (position: number): number => position ** -UTILITY.examinationPower;

export class People {
  private readonly recipe: Recipe;
  private readonly weights: readonly number[];
  /** Per pin: whether the picture of its felt latents has a dominant object. */
  private readonly dominant: Uint8Array;

  constructor(recipe: Recipe, dominant: Uint8Array) {
    this.recipe = recipe;
    this.weights = visualWeights(recipe.size.kind);
    this.dominant = dominant;
  }

  /** What a person without a taste of their own wants, before chance. */
  utility(query: number, candidate: number): number {
    const { pins } = this.recipe;
    const [a, b] = [pins[query].felt, pins[candidate].felt];
    const visual = this.weights[a.category];
    const same = a.category === b.category;
    return (
      (same ? UTILITY.category : 0) +
      (same && a.topic === b.topic ? UTILITY.topic + UTILITY.textBonus * (1 - visual) : 0) +
      (same ? UTILITY.look * visual * lookLikeness(a, b) * (this.dominant[query] ? UTILITY.dominantFactor : 1) : 0) +
      UTILITY.appeal * pins[candidate].appeal
    );
  }

  /** The expected grade, 0..4, of a candidate that is surely examined: the sum of the chances to pass each threshold. */
  expectedGrade(query: number, candidate: number): number {
    const utility = this.utility(query, candidate);
    let grade = 0;
    for (const action of ACTIONS) grade += 1 / (1 + Math.exp(-(utility - UTILITY.thresholds[action]) / UTILITY.noise));
    return grade;
  }

  /**
   * What a user does with a list, position bias included. The list holds pin indexes of the recipe, best first. `weariness` is
   * taken from every utility (tiring.ts).
   */
  act(user: WorldUser, query: number, list: ArrayLike<number>, random: Random, weariness = 0): Action[] {
    const actions: Action[] = [];
    for (let item = 0; item < list.length; item++) {
      if (random.next() >= examination(item + 1)) continue;
      actions.push({ item, type: 'impression' });
      const chance = random.next();
      const noise = UTILITY.noise * Math.log(chance / (1 - chance));
      const want = this.utility(query, list[item]) + this.taste(user, query, list[item]) - weariness + noise;
      const action = ACTIONS.findLast((name) => want > UTILITY.thresholds[name]);
      if (action) actions.push({ item, type: action });
    }
    return actions;
  }

  /** A pin this user would open, out of `pool`: of their categories, by appeal. */
  chooseQuery(user: WorldUser, pool: readonly number[], random: Random): number {
    const choices = Array.from({ length: 8 }, () => random.pick(pool));
    const { pins } = this.recipe;
    return choices[
      drawWeighted(
        random,
        choices.map((pin) => (user.categories.includes(pins[pin].felt.category) ? 6 : 1) * Math.exp(0.5 * pins[pin].appeal)),
      )
    ];
  }

  private taste(user: WorldUser, query: number, candidate: number): number {
    const { felt } = this.recipe.pins[candidate];
    const visual = this.weights[this.recipe.pins[query].felt.category];
    return (
      visual * (UTILITY.tastePalette * paletteLikeness(user.palette, felt.palette) + (user.style === felt.style ? UTILITY.tasteStyle : 0))
    );
  }
}
