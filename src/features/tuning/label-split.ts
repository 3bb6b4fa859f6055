/**
 * What a head learns from, what stops it and what judges it, kept apart by hash: images by their near-duplicate group, so that no
 * copy of a judged image was learned from, and boards by themselves, so that no judged board was either.
 */
import { mixedSeed, seededRandom } from '../../math/random.ts';
import type { HeadTask } from './projection-head.ts';
import type { Protocol } from '../retrieval-evaluation.ts';

export type Part = 'train' | 'stop' | 'test';

/** One kind of label over all rows. */
export interface LabelSet {
  readonly name: string;
  /** Labels of each row, as ordinals. */
  readonly labels: readonly (readonly number[])[];
  readonly labelCount: number;
  /** Boards: some labels are never learned, and judge. Kinds: every label is learned, on some of its images. */
  readonly heldOut: 'labels' | 'images';
}

const TEST_SHARE = 0.25;
const STOP_SHARE = 0.15;
/** Images that ask while training; more would cost time and settle nothing. */
const STOP_QUERIES = 500;

/** The part of each key: the same key and seed always fall into the same part. */
export function partsOf(keys: readonly string[], seed: number): Part[] {
  return keys.map((key) => {
    const fraction = seededRandom(mixedSeed(seed, key)).next();
    return fraction < TEST_SHARE ? 'test' : fraction < TEST_SHARE + STOP_SHARE ? 'stop' : 'train';
  });
}

/** Training rows by class; null where fewer than two classes have two rows. */
export function taskOf(set: LabelSet, parts: readonly Part[], seed: number): HeadTask | null {
  const labelParts = partsOfLabels(set, seed);
  const classes = Array.from({ length: set.labelCount }, (): number[] => []);
  set.labels.forEach((labels, row) => {
    if (parts[row] !== 'train') return;
    for (const label of labels) if (labelParts === null || labelParts[label] === 'train') classes[label].push(row);
  });
  const usable = classes.filter((rows) => rows.length >= 2);
  return usable.length < 2 ? null : { name: set.name, classes: usable };
}

/** Images of a part ask all others; alike is what shares a label (a board: one of the part). Null where nobody can ask. */
export function protocolOf(set: LabelSet, parts: readonly Part[], part: Part, seed: number): Protocol | null {
  const labelParts = partsOfLabels(set, seed);
  const labels = set.labels.map((list) => list.filter((label) => labelParts === null || labelParts[label] === part));
  const having = new Map<number, number>();
  for (const list of labels) for (const label of list) having.set(label, (having.get(label) ?? 0) + 1);
  const able = labels.flatMap((list, row) => (parts[row] === part && list.some((label) => (having.get(label) ?? 0) > 1) ? [row] : []));
  const queries = part === 'stop' ? evenly(able, STOP_QUERIES) : able;
  return queries.length === 0 ? null : { labels, queries, allAnswer: true };
}

function partsOfLabels({ labelCount, heldOut, name }: LabelSet, seed: number): Part[] | null {
  if (heldOut === 'images') return null;
  return partsOf(
    Array.from({ length: labelCount }, (_, label) => `${name} ${label}`),
    seed,
  );
}

function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]);
}
