import { PIN_HAS_IMAGE, PIN_IMAGE_FAILED, type PinColumns } from '../catalog/pin-columns.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { QuerySide } from '../ranker/ranking-feature.ts';
import type { Treatment } from '../ranker/treatment.ts';

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

/** What the query pin lacks: `image` (none, or one that failed), `visual-features` (not computed yet). */
export function missingOf(pinIndex: number, pins: PinColumns, query: QuerySide): string[] {
  const flags = pins.flags[pinIndex];
  if ((flags & PIN_HAS_IMAGE) === 0 || (flags & PIN_IMAGE_FAILED) !== 0) return ['image'];
  return query.code === null ? ['visual-features'] : [];
}
