import { PIN_HAS_IMAGE, PIN_IMAGE_FAILED, type PinColumns } from '../catalog/pins/pin-columns.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { QuerySide, UserHistory } from '../ranker/scoring/ranking-feature.ts';
import type { Treatment } from '../treatment.ts';
import type { ServingParts } from './serving-parts.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';

/** A query without pin or image: the user's history speaks for it. */
export const NO_QUERY: QuerySide = { pinIndex: -1, code: null, classScores: null, dominantObject: null };

/** The query pin as the ranking features see it: by its image, or by its dominant object when the treatment says so. */
export function querySide(pinIndex: number, visual: VisualFeatures | null, treatment: Treatment): QuerySide {
  if (!visual) return { ...NO_QUERY, pinIndex };
  const { image, imageScores } = visual;
  const dominantObject = visual.objectOf(pinIndex);
  if (treatment.visualFrom === 'object' && dominantObject) {
    return { pinIndex, code: dominantObject.code, classScores: dominantObject.scores, dominantObject };
  }
  const at = pinIndex * image.words;
  const code = image.has[pinIndex] === 1 ? image.codes.subarray(at, at + image.words) : null;
  return { pinIndex, code, classScores: imageScores.scoresOf(pinIndex), dominantObject };
}

/** What the query pin lacks: `image` (none, or one that failed), `visual-features` (not computed yet), `vectors` (others have one). */
export function missingOf(pinIndex: number, { pins, vectors }: Pick<ServingParts, 'pins' | 'vectors'>, query: QuerySide): string[] {
  const missing = hasImage(pinIndex, pins) ? [] : ['image'];
  if (missing.length === 0 && query.code === null) missing.push('visual-features');
  if (vectors.length > 0 && vectors.every((set) => set.rowOf(pinIndex) < 0)) missing.push('vectors');
  return missing;
}

/** What a user's history lacks: `history` (there is none), `image` (no pin of it has one), `visual-features` (none computed yet). */
export function missingOfHistory({ pinIndexes }: WeightedPins, pins: PinColumns, user: UserHistory): string[] {
  if (pinIndexes.length === 0) return ['history'];
  if (user.code !== null) return [];
  return Array.from(pinIndexes).some((pinIndex) => hasImage(pinIndex, pins)) ? ['visual-features'] : ['image'];
}

function hasImage(pinIndex: number, pins: PinColumns): boolean {
  const flags = pins.flags[pinIndex];
  return (flags & PIN_HAS_IMAGE) !== 0 && (flags & PIN_IMAGE_FAILED) === 0;
}
