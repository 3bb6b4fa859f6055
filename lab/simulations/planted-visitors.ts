/**
 * Traffic whose truth is known, for judges of models. 200 queries have 120 candidates each, 15 % of them right. A candidate has
 * four features that are higher, on average, for right ones; how they are spread is the kind of the world:
 *
 *   even     all normal
 *   steps    every other one is 0 or 2, as an indicator is
 *   tails    every other one is the exponential of a normal, as counts are
 *   plenty   all normal, and 40 % of the candidates are right: nearly all that is shown is, and the log holds little but the bias
 *
 * A model is a weighted sum of the features. Visitors look at place p with probability 1 / (1 + 0.12 (p - 1)) and click with
 * 0.15 when the item is right, 0.01 when not. The worth of a model is the exact mean of clicks on its first 25.
 */
import type { JudgedList } from '../../src/catalog/log/judged-list.ts';
import { zeroMatrix } from '../../src/math/matrix.ts';
import { mixedSeed, type Random, seededRandom } from '../../src/math/random.ts';
import { linearRanker, type LinearRanker } from '../../src/ranker/scoring/linear-model.ts';

export const PLANTED_KINDS = ['even', 'steps', 'tails', 'plenty'] as const;
type PlantedKind = (typeof PLANTED_KINDS)[number];

const QUERIES = 200;
const CANDIDATES = 120;
const PAGE = 25;
const UNSERVED = 5;
const FEATURES = ['f0', 'f1', 'f2', 'f3'] as const;
const PAUSE_MS = 60_000;

const looksAt = (place: number): number => 1 / (1 + 0.12 * (place - 1));
const clicks = (right: number): number => (right ? 0.15 : 0.01);

export interface PlantedWorld {
  /** Of a feature: how much higher it is for right candidates. */
  readonly strengths: readonly number[];
  /** By query: whether each candidate is right, and its features, row-major. */
  readonly right: readonly Uint8Array[];
  readonly values: readonly Float32Array[];
}

export function plantedWorld(kind: PlantedKind, seed: number): PlantedWorld {
  const random = seededRandom(mixedSeed(seed, `planted ${kind}`));
  const rightShare = kind === 'plenty' ? 0.4 : 0.15;
  const strengths = FEATURES.map(() => 0.5 + random.next());
  const right = Array.from({ length: QUERIES }, () => Uint8Array.from({ length: CANDIDATES }, () => Number(random.next() < rightShare)));
  const bent = (value: number, f: number): number => {
    if (kind === 'even' || kind === 'plenty' || f % 2 === 1) return value;
    return kind === 'steps' ? (value > 1.5 ? 2 : 0) : Math.exp(value / 1.5);
  };
  const values = right.map((ofQuery) =>
    Float32Array.from({ length: CANDIDATES * FEATURES.length }, (_, at) => {
      const f = at % FEATURES.length;
      return bent(strengths[f] * ofQuery[Math.floor(at / FEATURES.length)] + random.normal(), f);
    }),
  );
  return { strengths, right, values };
}

/** A model that is off the best weights by `spread` deviations. */
export function plantedModel(world: PlantedWorld, name: string, spread: number, random: Random): LinearRanker {
  const weights = world.strengths.map((strength) => strength + spread * random.normal());
  return linearRanker(
    name,
    FEATURES.map((feature, f) => ({ name: feature, weight: weights[f], normalization: { kind: 'none' } as const })),
  );
}

/** The candidates of a query, best first. */
export function plantedOrder({ values }: PlantedWorld, query: number, model: LinearRanker): number[] {
  const rows = { rows: CANDIDATES, columns: FEATURES.length, names: FEATURES, data: values[query] };
  const scores = model.score({ rows });
  return Array.from(scores, (_, item) => item).sort((x, y) => scores[y] - scores[x] || x - y);
}

/** Expected clicks per list. */
export function worthOf(world: PlantedWorld, model: LinearRanker): number {
  let sum = 0;
  for (let query = 0; query < QUERIES; query++) {
    const order = plantedOrder(world, query, model);
    for (let place = 0; place < PAGE; place++) sum += looksAt(place + 1) * clicks(world.right[query][order[place]]);
  }
  return sum / QUERIES;
}

/** Whether a visitor clicks each item of a page. */
export function visit({ right }: PlantedWorld, query: number, page: readonly number[], random: Random): Uint8Array {
  return Uint8Array.from(page, (item, place) => Number(random.next() < looksAt(place + 1) && random.next() < clicks(right[query][item])));
}

export const drawQuery = (random: Random): number => random.integer(QUERIES);
export const PLANTED_PAGE = PAGE;

/** Lists served by a model, a share of them shuffled, and what visitors did; a few candidates that were not shown beside. */
export function* plantedLog(
  world: PlantedWorld,
  served: LinearRanker,
  { lists, shuffledShare }: { readonly lists: number; readonly shuffledShare: number },
  random: Random,
): Generator<JudgedList> {
  const orders = new Map<number, readonly number[]>();
  for (let list = 0; list < lists; list++) {
    const query = drawQuery(random);
    const order = orders.get(query) ?? plantedOrder(world, query, served);
    orders.set(query, order);
    const shuffled = random.next() < shuffledShare;
    const first = order.slice(0, PAGE);
    const page = shuffled ? random.shuffled(first) : first;
    const unserved = random.shuffled(order.slice(PAGE)).slice(0, UNSERVED);
    const grades = visit(world, query, page, random);
    yield listOf(world, { list, query, page, unserved, shuffled, order, grades, model: served.name });
  }
}

interface Served {
  readonly list: number;
  readonly query: number;
  readonly page: readonly number[];
  readonly unserved: readonly number[];
  readonly shuffled: boolean;
  readonly order: readonly number[];
  readonly grades: Uint8Array;
  readonly model: string;
}

function listOf({ values }: PlantedWorld, { list, query, page, unserved, shuffled, order, grades, model }: Served): JudgedList {
  const items = [...page, ...unserved];
  const rows = zeroMatrix(items.length, FEATURES);
  items.forEach((item, row) =>
    rows.data.set(values[query].subarray(item * FEATURES.length, (item + 1) * FEATURES.length), row * FEATURES.length),
  );
  const rankOf = new Map(order.map((item, rank) => [item, rank]));
  return {
    recommendationId: `planted-${list}`,
    at: list * PAUSE_MS,
    surface: 'closeup',
    queryPinIndex: query,
    userId: `visitor ${list}`,
    arm: null,
    modelVersion: model,
    shuffled,
    grades: Float32Array.from(items, (_, row) => (row < page.length ? 2 * grades[row] : 0)),
    items: {
      count: items.length,
      pinIndexes: Int32Array.from(items),
      positions: Uint16Array.from(items, (_, row) => (row < page.length ? row + 1 : 0)),
      scores: new Float64Array(items.length),
      propensities: new Float32Array(items.length),
      retrievedRanks: Int32Array.from(items, (item) => rankOf.get(item) ?? 0),
      sourceNames: [],
      sourceScores: new Float32Array(0),
      rows,
    },
  };
}
