/**
 * How alike two pins look to somebody who scrolls, 0..1, and 1 for a pin with itself:
 *
 *   likeness = 0.6 x picture + 0.3 x categories + 0.1 x domain
 *
 *   picture      1 - Hamming distance / bits of the binary codes, which is (1 + cosine) / 2 of codes of +1 and -1; where vectors
 *                were imported, the mean of that and of (1 + cosine) / 2 of each set
 *   categories   cosine of the category vectors
 *   domain       1 for links to one site
 *
 * A kind that one of two different pins lacks counts 0. Each kind is an inner product of vectors, and so is their sum: pins
 * are vectors of length 1 whose volumes `sliding-volume.ts` takes. The weights are a choice: what one sees comes first.
 */
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import { hammingAt } from '../math/bits.ts';
import type { VectorCosines } from '../ranker/scoring/ranking-feature.ts';

export const LIKENESS_WEIGHTS = { picture: 0.6, categories: 0.3, domain: 0.1 } as const;

/** Likeness of two pins by their indexes. */
export type Likeness = (a: number, b: number) => number;

/** `visual` null and no `vectors`: pictures say nothing. */
export function pinLikeness(
  pins: Pick<PinColumns, 'categories' | 'domain'>,
  visual: Pick<VisualFeatures, 'image'> | null,
  vectors: readonly VectorCosines[] = [],
): Likeness {
  const { picture, categories, domain } = LIKENESS_WEIGHTS;
  const looks: readonly Likeness[] = [...(visual ? [codeLikeness(visual)] : []), ...vectors.map(vectorLikeness)];
  return (a, b) => {
    if (a === b) return 1;
    const sameDomain = pins.domain[a] >= 0 && pins.domain[a] === pins.domain[b] ? 1 : 0;
    return picture * meanOf(looks, a, b) + categories * categoryCosine(pins, a, b) + domain * sameDomain;
  };
}

function meanOf(looks: readonly Likeness[], a: number, b: number): number {
  let sum = 0;
  for (const look of looks) sum += look(a, b);
  return looks.length === 0 ? 0 : sum / looks.length;
}

function codeLikeness({ image }: Pick<VisualFeatures, 'image'>): Likeness {
  return (a, b) => {
    const { has, codes, words, bits } = image;
    return has[a] === 1 && has[b] === 1 ? 1 - hammingAt(codes, a * words, codes, b * words, words) / bits : 0;
  };
}

function vectorLikeness(set: VectorCosines): Likeness {
  const [other, cosine] = [new Int32Array(1), new Float32Array(1)];
  return (a, b) => {
    other[0] = b;
    set.cosinesInto(a, other, 1, cosine);
    return Number.isNaN(cosine[0]) ? 0 : (1 + cosine[0]) / 2;
  };
}

function categoryCosine({ categories }: Pick<PinColumns, 'categories'>, a: number, b: number): number {
  const { start, length, ordinals, weights } = categories;
  let [i, j] = [start[a], start[b]];
  const [endA, endB] = [i + length[a], j + length[b]];
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let e = i; e < endA; e++) squareA += weights[e] ** 2;
  for (let e = j; e < endB; e++) squareB += weights[e] ** 2;
  while (i < endA && j < endB) {
    if (ordinals[i] === ordinals[j]) dot += weights[i++] * weights[j++];
    else if (ordinals[i] < ordinals[j]) i++;
    else j++;
  }
  return squareA > 0 && squareB > 0 ? dot / Math.sqrt(squareA * squareB) : 0;
}
