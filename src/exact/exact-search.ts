/**
 * Search for the very same thing: words of the vocabulary propose pictures, and those whose key points lie as one projective map says are
 * the answer. Where the picture as a whole finds nothing, its parts are looked at one by one.
 */
import type { InvertedFile } from './inverted-file.ts';
import type { LocalFeatures } from './local-features.ts';
import type { Quadrilateral } from './homography.ts';
import { verified, type Verified } from './spatial-verification.ts';
import { type VocabularyTree, wordsIn } from './vocabulary-tree.ts';

/** Proposed pictures that are verified. */
export const VERIFIED_MOST = 50;
/** Inliers that make a picture one of the same thing: how often others reach them is printed by `npm run lab -- judge-exact`. */
export const INLIERS_MIN = 10;

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

/** What words say of one view of the query, best first. */
export function proposedByWords({ tree, words }: ExactSources, view: LocalFeatures, accept: (pinIndex: number) => boolean = () => true) {
  return words.query(wordsIn(tree, view.descriptors), VERIFIED_MOST, accept);
}

interface Proposal {
  readonly pinIndex: number;
  readonly score: number;
  readonly view: LocalFeatures;
}

/** The best VERIFIED_MOST of what all views propose, each pin with the view that likes it most. */
export function proposals(
  sources: ExactSources,
  views: readonly LocalFeatures[],
  others: readonly number[],
  accept: (pinIndex: number) => boolean,
): Proposal[] {
  const best = new Map<number, Proposal>();
  for (const view of views) {
    for (const { pinIndex, score } of proposedByWords(sources, view, accept)) {
      if (score > (best.get(pinIndex)?.score ?? -1)) best.set(pinIndex, { pinIndex, score, view });
    }
  }
  const asked = others.filter((pinIndex) => !best.has(pinIndex)).map((pinIndex) => ({ pinIndex, score: 0, view: views[0] }));
  const byWords = [...best.values()].sort((a, b) => b.score - a.score || a.pinIndex - b.pinIndex);
  return [...byWords.slice(0, VERIFIED_MOST - asked.length), ...asked];
}

/**
 * Verifies what the views and `others` (pins that something else proposes, such as codes) propose; most inliers first, of equals those
 * of the higher word score.
 */
export function exactMatches(
  sources: ExactSources,
  views: readonly LocalFeatures[],
  others: readonly number[] = [],
  accept: (pinIndex: number) => boolean = () => true,
): ExactMatch[] {
  const found = proposals(sources, views, others, accept).map(({ pinIndex, score, view }): ExactMatch => {
    const features = sources.featuresOf(pinIndex);
    const { inliers, regions }: Verified = features === null ? { inliers: 0, regions: null } : verified(view, features);
    return { pinIndex, inliers, wordScore: score, regions: regions && { query: regions.first, result: regions.second } };
  });
  return found.sort((a, b) => b.inliers - a.inliers || b.wordScore - a.wordScore || a.pinIndex - b.pinIndex);
}
