/**
 * The weights of the starter model, and the search that fits them. It begins with weights written by hand and makes the change of
 * one weight that gains most, until none gains two thousandths any more. So the weights by hand are a prior: what does not matter
 * stays, and no feature is dropped because a few catalogs don't need it. Every source counts alike, however many lists it has.
 */
import type { Matrix } from '../../../src/math/matrix.ts';
import { TopKHeap } from '../../../src/math/top-k.ts';

/** Slopes on raw features: they mean the same on every catalog. */
export type Weights = Readonly<Record<string, number>>;

/** Candidates of one list: their raw rows, and which of them are right. */
export interface LabeledList {
  /** By feature of BY_HAND, a value per candidate. */
  readonly columns: readonly Float32Array[];
  readonly right: Uint8Array;
}

/** Lists of one catalog and surface. */
export interface LabeledCatalog {
  /** The photos or saves that it was made of: what a fit leaves out together. */
  readonly source: string;
  /** Which boards, or which surface. */
  readonly kind: string;
  readonly lists: readonly LabeledList[];
}

/** By hand: boards first, then looks, then words. User features order home feeds, where there is no query. */
export const BY_HAND: Weights = {
  'cooccurrence-score': 1,
  'from-board-cooccurrence': 0.6,
  'annotation-cosine': 0.2,
  'title-similarity': 0.3,
  'category-cosine': 0.3,
  'user-category-affinity': 0.2,
  'user-visual-likeness': 0.5,
  'fc6-similarity': 2,
  'fc8-similarity': 1,
};
const NAMES = Object.keys(BY_HAND);
const FACTORS = [0.5, 0.7, 1.4, 2];
export const GAIN_MIN = 0.002;
const FIRST = 12;

/** Of the candidates of a list, what the search looks at; null where none, or every one, is right: no order is better then. */
export function labeledList({ names, columns, data }: Matrix, right: Uint8Array): LabeledList | null {
  const count = right.reduce((sum, value) => sum + value, 0);
  if (count === 0 || count === right.length) return null;
  const picked = NAMES.map((name) => {
    const column = names.indexOf(name);
    return Float32Array.from(right, (_, row) => data[row * columns + column]);
  });
  return { columns: picked, right };
}

/** The weights that put most right candidates first, over the sources of these catalogs. */
export function fitted(catalogs: readonly LabeledCatalog[]): Weights {
  let best: Tried = { weights: BY_HAND, share: meanShare(catalogs, BY_HAND) };
  for (;;) {
    const { weights, share } = best;
    const changes = NAMES.flatMap((name) => FACTORS.map((factor) => ({ ...weights, [name]: weights[name] * factor })));
    const tried = changes.map((each) => ({ weights: each, share: meanShare(catalogs, each) }));
    const most = tried.reduce((first, each) => (each.share > first.share ? each : first));
    if (most.share < share + GAIN_MIN) return weights;
    best = most;
  }
}

interface Tried {
  readonly weights: Weights;
  readonly share: number;
}

/** Mean over sources of the mean over their catalogs. */
export function meanShare(catalogs: readonly LabeledCatalog[], weights: Weights): number {
  const ofSource = new Map<string, number[]>();
  for (const catalog of catalogs) ofSource.set(catalog.source, [...(ofSource.get(catalog.source) ?? []), shareOf(catalog, weights)]);
  return meanOf([...ofSource.values()].map(meanOf));
}

/** Right ones among the first twelve over the most there could be, the mean over lists. */
export function shareOf({ lists }: LabeledCatalog, weights: Weights): number {
  return meanOf(lists.map((list) => firstShare(list, weights)));
}

function firstShare({ columns, right }: LabeledList, weights: Weights): number {
  const scores = new Float64Array(right.length);
  NAMES.forEach((name, c) => {
    const weight = weights[name] ?? 0;
    if (weight !== 0) for (let row = 0; row < scores.length; row++) scores[row] += weight * columns[c][row];
  });
  const first = new TopKHeap(FIRST);
  scores.forEach((score, row) => {
    first.offer(row, score);
  });
  const found = first.drain().ids.reduce((sum, row) => sum + right[row], 0);
  return found / mostPossible(right);
}

/** The same share when candidates stand in any order. */
export function chanceOf({ lists }: LabeledCatalog): number {
  return meanOf(
    lists.map(({ right }) => {
      const density = right.reduce((sum, value) => sum + value, 0) / right.length;
      return (density * Math.min(FIRST, right.length)) / mostPossible(right);
    }),
  );
}

function mostPossible(right: Uint8Array): number {
  return Math.min(
    FIRST,
    right.reduce((sum, value) => sum + value, 0),
  );
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
