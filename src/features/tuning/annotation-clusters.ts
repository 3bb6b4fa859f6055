/**
 * Groups of images that are described alike: spherical k-means over tf-idf vectors of their annotations.
 * Source   Dhillon and Modha, Concept decompositions for large sparse text data, Machine Learning 42, 2001, section 3.
 * Choice   Seeds are rows drawn by lot, ten rounds: the clusters only name classes to learn from.
 */
import { seededRandom } from '../../math/random.ts';

export type Terms = ReadonlyMap<string, number>;

const ROUNDS = 10;

/** Cluster of each row, -1 where a row has no terms. Centres are made of the rows in `training` alone. */
export function annotationClusters(rows: readonly Terms[], training: readonly number[], count: number, seed: number): Int32Array {
  const weighted = weightedRows(rows, training);
  const usable = training.filter((row) => weighted[row].size > 0);
  let centres: Terms[] = seededRandom(seed)
    .shuffled(usable)
    .slice(0, count)
    .map((row) => weighted[row]);
  for (let round = 0; round < ROUNDS && centres.length > 0; round++) {
    const members = centres.map((): number[] => []);
    for (const row of usable) members[nearest(weighted[row], centres)].push(row);
    centres = members.filter((list) => list.length > 0).map((list) => unit(sumOf(list.map((row) => weighted[row]))));
  }
  return Int32Array.from(weighted, (terms) => (terms.size === 0 || centres.length === 0 ? -1 : nearest(terms, centres)));
}

/** Weights times log(rows / rows with the term), of length 1; terms that the training rows lack say nothing. */
function weightedRows(rows: readonly Terms[], training: readonly number[]): Terms[] {
  const having = new Map<string, number>();
  for (const row of training) for (const term of rows[row].keys()) having.set(term, (having.get(term) ?? 0) + 1);
  return rows.map((terms) => {
    const known = [...terms].filter(([term]) => having.has(term));
    return unit(new Map(known.map(([term, weight]) => [term, weight * Math.log((training.length + 1) / (having.get(term) as number))])));
  });
}

function nearest(terms: Terms, centres: readonly Terms[]): number {
  let [best, highest] = [0, Number.NEGATIVE_INFINITY];
  centres.forEach((centre, at) => {
    let likeness = 0;
    for (const [term, weight] of terms) likeness += weight * (centre.get(term) ?? 0);
    if (likeness > highest) [best, highest] = [at, likeness];
  });
  return best;
}

function sumOf(list: readonly Terms[]): Terms {
  const sum = new Map<string, number>();
  for (const terms of list) for (const [term, weight] of terms) sum.set(term, (sum.get(term) ?? 0) + weight);
  return sum;
}

function unit(terms: Terms): Terms {
  let squares = 0;
  for (const weight of terms.values()) squares += weight * weight;
  return squares === 0 ? new Map() : new Map([...terms].map(([term, weight]) => [term, weight / Math.sqrt(squares)]));
}
