/**
 * Search for the very same thing: words of the vocabulary propose pictures, and those whose key points lie as one projective map says are
 * the answer. Where the picture as a whole finds nothing, its parts are looked at one by one.
 */
import type { Box } from '../vision/box.ts';
import type { InvertedFile } from './inverted-file.ts';
import type { LocalFeatures } from './local-features.ts';
import type { Quadrilateral } from './homography.ts';
import { verified, type Verified } from './spatial-verification.ts';
import { type VocabularyTree, wordsIn } from './vocabulary-tree.ts';

/** Proposed pictures that are verified. */
const VERIFIED_MOST = 50;
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
function exactMatches(
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

/** A query picture: its features as a whole or of the box that is meant, and of each part of it where those find nothing sure. */
interface QueryFeatures {
  readonly whole: LocalFeatures;
  /** None of a box that was drawn. */
  readonly parts: readonly Box[];
  part(box: Box): Promise<LocalFeatures>;
}

/** `exactMatches` of the whole, or, where those are not sure, of the whole and all its parts. */
export async function searchInParts(
  sources: ExactSources,
  { whole, parts, part }: QueryFeatures,
  others: readonly number[] = [],
  accept: (pinIndex: number) => boolean = () => true,
): Promise<ExactMatch[]> {
  const found = exactMatches(sources, [whole], others, accept);
  if (parts.length === 0 || (found[0]?.inliers ?? 0) >= SURE) return found;
  const views = [whole];
  for (const box of parts) views.push(await part(box));
  return exactMatches(sources, views, others, accept);
}
