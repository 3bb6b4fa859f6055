/** A demo world for those who measure against its planted truth: every candidate of the held-out queries with the grade people would give it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../src/service/context.ts';
import { ServiceError } from '../../src/errors.ts';
import type { Progress } from '../../src/progress.ts';
import { AS_RETRIEVED } from '../../src/ranker/measures/baselines.ts';
import { FEATURE_COLUMNS } from '../../src/ranker/scoring/feature-table.ts';
import { listScorer } from '../../src/ranker/training/linear-trainer.ts';
import type { ModelFeature } from '../../src/ranker/scoring/linear-model.ts';
import type { RankingData } from '../../src/ranker/training/ranking-data.ts';
import { gradesByScore, ndcg } from '../../src/ranker/measures/ranking-metrics.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { CATEGORIES } from '../world/latents.ts';
import { People, visualWeights } from '../world/people.ts';
import { makeRecipe, type Recipe, type WorldSize } from '../world/recipe.ts';
import { picturesOf, trueDominant } from '../world/write-world.ts';
import { heldOut, listOptions, pinMaps, trafficParts } from './demo/demo-traffic.ts';

export interface TrueWorld {
  readonly recipe: Recipe;
  readonly people: People;
  /** How much looks count, by category. */
  readonly visualWeights: Readonly<Record<string, number>>;
}

/** The world of a data folder, made again from its recipe; null when the folder holds none. */
export function openTrueWorld(dataFolder: string): TrueWorld | null {
  const steps = join(dataFolder, 'world', 'steps.json');
  if (!existsSync(steps)) return null;
  const { size } = JSON.parse(readFileSync(steps, 'utf8')) as { readonly size: WorldSize };
  const recipe = makeRecipe(size);
  const people = new People(
    recipe,
    Uint8Array.from(picturesOf(recipe), (picture) => (trueDominant(picture) ? 1 : 0)),
  );
  const weights = visualWeights(size.kind);
  return {
    recipe,
    people,
    visualWeights: Object.fromEntries(CATEGORIES.map(({ name }, category) => [name, weights[category]])),
  };
}

/** @throws NOTHING_TO_DO when the folder holds no demo world. */
export function requireTrueWorld(dataFolder: string): TrueWorld {
  const world = openTrueWorld(dataFolder);
  if (world === null) throw new ServiceError('NOTHING_TO_DO', { reason: `${dataFolder} holds no demo world; run demo first.` });
  return world;
}

/** Held-out queries as ranking data: one row per candidate; its grade is the expected one of a person who surely looks. */
interface TrueQueries {
  readonly data: RankingData;
  /** The query's category, by list. */
  readonly categories: readonly string[];
}

export async function trueQueries(context: Context, { recipe, people }: TrueWorld, progress: Progress): Promise<TrueQueries> {
  const { toCatalog, toRecipe } = pinMaps(context, recipe);
  const queries = recipe.pins.flatMap((_, i) => (heldOut(i) ? [i] : []));
  const parts = trafficParts(context);
  const rows: Float32Array[] = [];
  const grades: number[] = [];
  const listStart = [0];
  const categories: string[] = [];
  progress.start('held-out queries', queries.length);
  for (const [at, query] of queries.entries()) {
    const plain = listOptions(0, `measure-${query}`, null);
    const options = { ...plain, treatment: { ...plain.treatment, model: AS_RETRIEVED }, keepInputs: true };
    const { candidates, inputs } = await relatedPins(parts, toCatalog[query], options);
    progress.update(at + 1);
    if (candidates.count < 2 || inputs === null) continue;
    rows.push(inputs.rows.data);
    for (const pin of candidates.pinIndexes) grades.push(people.expectedGrade(query, toRecipe[pin]));
    listStart.push(grades.length);
    categories.push(CATEGORIES[recipe.pins[query].felt.category].name);
  }
  const all = new Float32Array(grades.length * FEATURE_COLUMNS.length);
  rows.forEach((part, list) => all.set(part, listStart[list] * FEATURE_COLUMNS.length));
  const data: RankingData = {
    names: FEATURE_COLUMNS,
    rows: { kind: 'dense', data: all },
    grades: Float32Array.from(grades),
    listStart: Int32Array.from(listStart),
  };
  return { data, categories };
}

/** NDCG@10 of every held-out query against its expected grades. */
export function trueNdcg({ data }: TrueQueries, features: readonly ModelFeature[]): Float64Array {
  const scores = listScorer(data, features);
  return Float64Array.from({ length: data.listStart.length - 1 }, (_, list) => {
    const grades = data.grades.subarray(data.listStart[list], data.listStart[list + 1]);
    return ndcg(gradesByScore(grades, scores(list)), 10) ?? Number.NaN;
  });
}
