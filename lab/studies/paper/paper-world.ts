/** The demo world as the replay needs it: its people, the pins of its queries, and lists served by the spine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../../src/service/context.ts';
import { ServiceError } from '../../../src/errors.ts';
import type { TreatmentPart } from '../../../src/treatment.ts';
import type { Random } from '../../../src/math/random.ts';
import { newId } from '../../../src/math/random.ts';
import { DEFAULT_TREATMENT } from '../../../src/treatment.ts';
import { inOrder } from '../../../src/lists/serving-parts.ts';
import { relatedPins } from '../../../src/related-pins.ts';
import { People } from '../../world/people.ts';
import type { Recipe, WorldSize, WorldUser } from '../../world/recipe.ts';
import { makeRecipe } from '../../world/recipe.ts';
import { picturesOf, trueDominant } from '../../world/write-world.ts';

/** Items per list, as on a closeup page. */
const LIST_LENGTH = 25;

/** A list as a person meets it: catalogue pin indexes, best first, and the same as indexes of the recipe. */
export interface PaperList {
  readonly pinIndexes: Int32Array;
  readonly recipePins: Int32Array;
  readonly modelVersion: string;
  readonly latencyMs: number;
  readonly degraded: readonly string[];
}

export class PaperWorld {
  readonly recipe: Recipe;
  readonly people: People;
  readonly users: readonly WorldUser[];
  private readonly context: Context;
  /** Recipe index -> catalogue pin index, and back. */
  private readonly toCatalog: Int32Array;
  private readonly toRecipe: Int32Array;
  private readonly lists = new Map<string, PaperList>();

  constructor(context: Context, dataFolder: string, people: number) {
    const size = worldOf(dataFolder);
    this.context = context;
    this.recipe = makeRecipe(size);
    // People beyond those of the world are drawn by the same law from the same stream.
    this.users = makeRecipe({ ...size, users: Math.max(people, size.users) }).users.slice(0, people);
    const dominant = picturesOf(this.recipe).map((picture) => (trueDominant(picture) ? 1 : 0));
    this.people = new People(this.recipe, Uint8Array.from(dominant));
    this.toCatalog = Int32Array.from(this.recipe.pins, (pin) => context.pins.indexOf(pin.id));
    this.toRecipe = new Int32Array(context.pins.count).fill(-1);
    this.toCatalog.forEach((pinIndex, recipeIndex) => {
      if (pinIndex >= 0) this.toRecipe[pinIndex] = recipeIndex;
    });
  }

  /** Recipe indexes whose catalogue pin passes a test. */
  pinsWhere(test: (pinIndex: number) => boolean): readonly number[] {
    return this.recipe.pins.flatMap((_, index) => (this.toCatalog[index] >= 0 && test(this.toCatalog[index]) ? [index] : []));
  }

  /** The recipe's pin of a catalogue id; -1 when it has none. */
  recipePinOf(pinId: string): number {
    const pinIndex = this.context.pins.indexOf(pinId);
    return pinIndex < 0 ? -1 : this.toRecipe[pinIndex];
  }

  hasDominantObject(recipePin: number): boolean {
    return (this.context.visual?.objectOf(this.toCatalog[recipePin]) ?? null) !== null;
  }

  catalogIndex(recipePin: number): number {
    return this.toCatalog[recipePin];
  }

  /** The list of the spine for a stranger; the same stranger's list is made once per query and treatment. */
  async listFor(recipePin: number, treatment: TreatmentPart, now: number): Promise<PaperList> {
    const key = `${recipePin}|${JSON.stringify(treatment)}`;
    let list = this.lists.get(key);
    if (!list) this.lists.set(key, (list = await this.serve(recipePin, treatment, now)));
    return list;
  }

  private async serve(recipePin: number, treatment: TreatmentPart, now: number): Promise<PaperList> {
    const startedAt = performance.now();
    const { parts } = this.context;
    const ranked = await relatedPins(inOrder(parts), this.toCatalog[recipePin], {
      treatment: { ...DEFAULT_TREATMENT, ...treatment },
      forced: false,
      arm: null,
      userId: null,
      limit: LIST_LENGTH,
      cursor: null,
      exclude: new Set<number>(),
      category: null,
      buyableOnly: false,
      now,
      recommendationId: newId(),
    });
    const pinIndexes = Int32Array.from(ranked.page, (row) => ranked.candidates.pinIndexes[row]);
    return {
      pinIndexes,
      recipePins: pinIndexes.map((pinIndex) => this.toRecipe[pinIndex]),
      modelVersion: ranked.ranker.name,
      latencyMs: performance.now() - startedAt,
      degraded: ranked.degraded.map(({ code }) => code),
    };
  }

  /** What a person does with a list: places of items with a click, a long click or a save, and the action. */
  act(
    user: WorldUser,
    recipePin: number,
    list: PaperList,
    random: Random,
  ): readonly { item: number; type: 'click' | 'longClick' | 'save' }[] {
    return this.actOn(user, recipePin, list.recipePins, random);
  }

  actOn(
    user: WorldUser,
    recipePin: number,
    items: ArrayLike<number>,
    random: Random,
  ): readonly { item: number; type: 'click' | 'longClick' | 'save' }[] {
    return this.people
      .act(user, recipePin, items, random)
      .flatMap(({ item, type }) => (type === 'click' || type === 'longClick' || type === 'save' ? [{ item, type }] : []));
  }
}

/** Whether a data folder holds a demo world. */
export function hasWorld(dataFolder: string): boolean {
  return existsSync(join(dataFolder, 'world', 'truth.json'));
}

function worldOf(dataFolder: string): WorldSize {
  const file = join(dataFolder, 'world', 'truth.json');
  if (!existsSync(file))
    throw new ServiceError('NOTHING_TO_DO', {
      reason: `There is no demo world in ${dataFolder}; make one with: npm run demo -- --data ${dataFolder} --no-serve`,
    });
  return (JSON.parse(readFileSync(file, 'utf8')) as { world: WorldSize }).world;
}
