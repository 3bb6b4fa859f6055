/**
 * What the demo claims, measured on held-out queries against the world's planted grades: what each candidate would be
 * worth to a person who surely looks at it. No position bias, no logged click is in these figures.
 */
import { setImmediate } from 'node:timers/promises';
import type { Context } from '../../../src/service/context.ts';
import { bootstrapLift, bootstrapMean, type Interval } from '../../../src/math/bootstrap.ts';
import { asRetrieved, shuffled } from '../../../src/ranker/measures/baselines.ts';
import { gradesByScore, ndcg } from '../../../src/ranker/measures/ranking-metrics.ts';
import type { Ranker, ScoringInputs } from '../../../src/ranker/scoring/ranker.ts';
import { relatedPins } from '../../../src/related-pins.ts';
import type { RankedList } from '../../../src/lists/ranked-list.ts';
import { CATEGORIES } from '../../world/latents.ts';
import type { People } from '../../world/people.ts';
import type { Recipe } from '../../world/recipe.ts';
import { heldOut, listOptions, pinMaps, trafficParts } from './demo-traffic.ts';
import type { JobInput } from '../../../src/jobs/job.ts';

export const CONTENDERS = ['asServed', 'asRetrieved', 'shuffled', 'control', 'trained'] as const;
export type Contender = (typeof CONTENDERS)[number];

export interface CategoryLift {
  readonly category: string;
  /** Relative lift of NDCG@10, the full set over the control set, with its 95 % interval. */
  readonly lift: number;
  readonly low: number;
  readonly high: number;
  readonly queries: number;
}

export interface Measurement {
  readonly ndcg10: Readonly<Record<Contender, number>>;
  readonly intervals: Readonly<Record<Contender, Interval>>;
  /** The greatest first. */
  readonly liftByCategory: readonly CategoryLift[];
  readonly queries: number;
}

/** Models by name in the registry: the control set alone, and the full set. */
export interface Models {
  readonly control: string;
  readonly trained: string;
}

export async function measure(
  context: Context,
  recipe: Recipe,
  people: People,
  models: Models,
  { progress }: JobInput,
): Promise<Measurement> {
  const queries = recipe.pins.flatMap((_, i) => (heldOut(i) ? [i] : []));
  const values = new Map<Contender, number[]>(CONTENDERS.map((name) => [name, []]));
  const categories: number[] = [];
  const { toCatalog, toRecipe } = pinMaps(context, recipe);
  const control = await context.models.byName(models.control);
  const trained = await context.models.byName(models.trained);
  progress.start('measuring', queries.length);
  for (const [at, query] of queries.entries()) {
    await setImmediate();
    const options = {
      ...listOptions(0, `measure-${query}`, null),
      treatment: { ...listOptions(0, '', null).treatment, model: asRetrieved.name },
      keepInputs: true,
    };
    const list = await relatedPins(trafficParts(context), toCatalog[query], options);
    const grades = Float64Array.from(list.candidates.pinIndexes, (pin) => people.expectedGrade(query, toRecipe[pin]));
    if (grades.length < 2) continue;
    const orders: Record<Contender, ArrayLike<number>> = {
      asServed: servedScores(list),
      asRetrieved: await scoresOf(asRetrieved, list),
      shuffled: await scoresOf(shuffled(query), list),
      control: await scoresOf(control, list),
      trained: await scoresOf(trained, list),
    };
    for (const name of CONTENDERS) values.get(name)?.push(ndcg(gradesByScore(grades, orders[name]), 10) ?? 0);
    categories.push(recipe.pins[query].felt.category);
    progress.update(at + 1);
  }
  progress.stop();
  return summary(values, categories, recipe.size.seed);
}

const scoresOf = async (ranker: Ranker, { inputs }: RankedList): Promise<Float64Array> => ranker.score(inputs as ScoringInputs);

/** The page as it went out, shuffled or not, then the rest as retrieved. */
function servedScores({ candidates, page }: RankedList): Float64Array {
  const scores = Float64Array.from({ length: candidates.count }, (_, row) => -row - page.length);
  page.forEach((row, place) => {
    scores[row] = -place;
  });
  return scores;
}

function summary(values: ReadonlyMap<Contender, readonly number[]>, categories: readonly number[], seed: number): Measurement {
  const of = (name: Contender): readonly number[] => values.get(name) ?? [];
  const intervals = Object.fromEntries(CONTENDERS.map((name) => [name, bootstrapMean(of(name), seed)])) as Record<Contender, Interval>;
  const ndcg10 = Object.fromEntries(CONTENDERS.map((name) => [name, intervals[name].mean])) as Record<Contender, number>;
  const liftByCategory = CATEGORIES.map(({ name }, category) => {
    const mine = categories.flatMap((each, i) => (each === category ? [i] : []));
    const { mean, low, high } = bootstrapLift(
      mine.map((i) => of('trained')[i]),
      mine.map((i) => of('control')[i]),
      seed,
    );
    return { category: name, lift: mean, low, high, queries: mine.length };
  });
  liftByCategory.sort((a, b) => b.lift - a.lift || (a.category < b.category ? -1 : 1));
  return { ndcg10, intervals, liftByCategory, queries: categories.length };
}
