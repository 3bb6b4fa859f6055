/**
 * Search for the very same thing: words of the vocabulary propose pictures, and those whose key points lie as one projective map says are
 * the answer. Where the picture as a whole finds nothing, its parts are looked at one by one.
 */
import type { Box } from '../vision/box.ts';
import type { InvertedFile } from './inverted-file.ts';
import type { LocalFeatures } from './local-features.ts';
import type { Quadrilateral } from './homography.ts';
import { type PictureLooks, partsOf } from './query-views.ts';
import { verified, type Verified } from './spatial-verification.ts';
import { type VocabularyTree, wordsIn } from './vocabulary-tree.ts';

/** Proposed pictures that are verified. */
const VERIFIED_MOST = 50;
/** Pictures that the words of one view propose: so many that filters leave enough of them. */
const PROPOSED_MOST = 500;
/** Of these, the nearest by the codes of the net. */
export const VERIFIED_BY_CODE = 10;
/** Inliers that make a picture one of the same thing: how often others reach them is printed by `npm run lab -- judge-exact`. */
export const INLIERS_MIN = 10;

/** Inliers of the best match that make a look at the parts of the picture needless. */
const SURE = 2 * INLIERS_MIN;

/** How sure it is that two pictures show the same thing, 0..1: 0 below INLIERS_MIN, where it is a half. */
export function sameness(inliers: number): number {
  return inliers < INLIERS_MIN ? 0 : inliers / (inliers + INLIERS_MIN);
}

export interface ExactSources {
  readonly tree: VocabularyTree;
  readonly words: InvertedFile;
  /** The stored features of a pin; null without any. */
  featuresOf(pinIndex: number): LocalFeatures | null;
}

export interface ExactMatch {
  readonly pinIndex: number;
  readonly inliers: number;
  /** Of the words, 0..1; 0 of a picture that something else proposed. */
  readonly wordScore: number;
  readonly regions: { readonly query: Quadrilateral; readonly result: Quadrilateral } | null;
}

/** Of some pins those that may answer. */
export type Accept = (pinIndexes: readonly number[]) => Promise<ReadonlySet<number>>;

/** What words say of one view of the query, best first. */
export function proposedByWords({ tree, words }: ExactSources, view: LocalFeatures) {
  return words.query(wordsIn(tree, view.descriptors), PROPOSED_MOST);
}

interface Proposal {
  readonly pinIndex: number;
  readonly score: number;
  readonly view: LocalFeatures;
}

/** The best VERIFIED_MOST of what all views propose and `accept` leaves, each pin with the view that likes it most. */
async function proposals(
  sources: ExactSources,
  views: readonly LocalFeatures[],
  others: readonly number[],
  accept: Accept | undefined,
): Promise<Proposal[]> {
  const best = new Map<number, Proposal>();
  for (const view of views) {
    for (const { pinIndex, score } of proposedByWords(sources, view)) {
      if (score > (best.get(pinIndex)?.score ?? -1)) best.set(pinIndex, { pinIndex, score, view });
    }
  }
  const accepted = await accept?.([...best.keys()]);
  const asked = others.filter((pinIndex) => !best.has(pinIndex)).map((pinIndex) => ({ pinIndex, score: 0, view: views[0] }));
  const byWords = [...best.values()].filter(({ pinIndex }) => accepted?.has(pinIndex) ?? true);
  byWords.sort((a, b) => b.score - a.score || a.pinIndex - b.pinIndex);
  return [...byWords.slice(0, VERIFIED_MOST - asked.length), ...asked];
}

/**
 * Verifies what the views and `others` (pins that something else proposes, such as codes) propose; most inliers first, of equals those
 * of the higher word score.
 */
async function exactMatches(
  sources: ExactSources,
  views: readonly LocalFeatures[],
  others: readonly number[],
  accept: Accept | undefined,
): Promise<ExactMatch[]> {
  const proposed = await proposals(sources, views, others, accept);
  const found = proposed.map(({ pinIndex, score, view }): ExactMatch => {
    const features = sources.featuresOf(pinIndex);
    const { inliers, regions }: Verified = features === null ? { inliers: 0, regions: null } : verified(view, features);
    return { pinIndex, inliers, wordScore: score, regions: regions && { query: regions.first, result: regions.second } };
  });
  return found.sort((a, b) => b.inliers - a.inliers || b.wordScore - a.wordScore || a.pinIndex - b.pinIndex);
}

export interface ExactQuery {
  readonly looks: PictureLooks;
  /** What is meant of the picture; null: the whole, and where that finds nothing sure its parts. */
  readonly box: Box | null;
  /** Pins that something else proposes, which may answer. */
  readonly others?: readonly number[];
  /** Without it all pins may answer. */
  readonly accept?: Accept;
}

/** `exactMatches` of what is meant, or, where that is not sure, of the whole and all its parts. */
export async function searchInParts(sources: ExactSources, { looks, box, others = [], accept }: ExactQuery): Promise<ExactMatch[]> {
  const views = [await looks.at(box)];
  const found = await exactMatches(sources, views, others, accept);
  const parts = box === null ? partsOf(looks.width, looks.height) : [];
  if (parts.length === 0 || (found[0]?.inliers ?? 0) >= SURE) return found;
  for (const part of parts) views.push(await looks.at(part));
  return exactMatches(sources, views, others, accept);
}
