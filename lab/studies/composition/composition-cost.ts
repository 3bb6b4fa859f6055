/** What composing pages costs in relevance, and how much sameness it takes away, against what was planted. */
import type { Context } from '../../../src/service/context.ts';
import { bootstrapLift } from '../../../src/math/bootstrap.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import { ndcg } from '../../../src/ranker/measures/ranking-metrics.ts';
import { relatedPins } from '../../../src/related-pins.ts';
import { inOrder } from '../../../src/lists/serving-parts.ts';
import { plainOptions } from '../../../src/lists/serve-list.ts';
import { type Composition, DEFAULT_TREATMENT } from '../../../src/treatment.ts';
import { WORLD_END } from '../../world/recipe.ts';
import { expectedSameness } from '../../world/tiring.ts';
import type { TrueWorld } from '../world-truth.ts';
import { heldOut, pinMaps } from '../demo/demo-traffic.ts';

const PAGE = 25;
/** Ways of looking at each page that its sameness is averaged over. */
const LOOKS = 4;

export interface CompositionCost {
  readonly composition: Composition;
  /** Of pages of 25 items on held-out queries, by the planted grades of people who surely look. */
  readonly ndcg: number;
  /** NDCG less that of the order by score, relative, with its 95 % interval over queries. */
  readonly loss: { readonly mean: number; readonly low: number; readonly high: number };
  readonly sameness: number;
  /** Milliseconds that ordering a page took, the median. */
  readonly orderMs: number;
}

interface Pages {
  readonly ndcg: number[];
  readonly sameness: number[];
  readonly ms: number[];
}

/** The first composition is what the others are compared with. */
export async function compositionCosts(
  context: Context,
  { recipe, people }: TrueWorld,
  compositions: readonly Composition[],
): Promise<readonly CompositionCost[]> {
  const { toCatalog, toRecipe } = pinMaps(context, recipe);
  const queries = recipe.pins.flatMap((_, i) => (heldOut(i) ? [i] : []));
  const measured: Pages[] = [];
  for (const composition of compositions) {
    const pages: Pages = { ndcg: [], sameness: [], ms: [] };
    for (const query of queries) {
      const options = plainOptions({ recommendationId: `cost-${query}`, now: WORLD_END, limit: PAGE });
      const treatment = { ...DEFAULT_TREATMENT, composition };
      const { page, candidates, timings } = await relatedPins(inOrder(context.parts), toCatalog[query], { ...options, treatment });
      const onPage = new Set(page);
      const gradeOf = (row: number): number => people.expectedGrade(query, toRecipe[candidates.pinIndexes[row]]);
      const rest = Array.from({ length: candidates.count }, (_, row) => row).filter((row) => !onPage.has(row));
      pages.ndcg.push(ndcg([...page, ...rest].map(gradeOf), PAGE) ?? 0);
      const random = seededRandom(mixedSeed(7, `look ${query}`));
      const felt = Array.from(page, (row) => recipe.pins[toRecipe[candidates.pinIndexes[row]]].felt);
      for (let look = 0; look < LOOKS; look++) pages.sameness.push(expectedSameness(felt, random));
      pages.ms.push(timings.orderMs);
    }
    measured.push(pages);
  }
  return measured.map(({ ndcg: values, sameness, ms }, at) => {
    const lift = bootstrapLift(values, measured[0].ndcg, 1);
    const loss = { mean: 0 - lift.mean, low: 0 - lift.high, high: 0 - lift.low };
    return { composition: compositions[at], ndcg: meanOf(values), loss, sameness: meanOf(sameness), orderMs: medianOf(ms) };
  });
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const medianOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];
