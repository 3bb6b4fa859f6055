import { hammingAt } from '../../math/bits.ts';
import type { RankingFeature } from '../ranking-feature.ts';
import { sparseNorm } from '../sparse-similarity.ts';

/** Pins of the history that are compared with each candidate: the latest ones. */
const COMPARED_PINS = 12;

/**
 * How a candidate fits the user's past: cosine of its categories with those of the history, its score as a co-occurrence
 * vote of the history, and the best fc6 similarity to one of the latest pins of the history.
 */
export const userAffinity: RankingFeature = {
  name: 'user-affinity',
  columns: ['affinity category', 'affinity cooccurrence', 'affinity fc6'],
  fill({ history, candidates, pins, visual }, out, column) {
    if (!history) return;
    const source = candidates.sourceNames.indexOf('home-history');
    const width = candidates.sourceNames.length;
    const compared = visual ? [...history.pinIndexes.subarray(0, COMPARED_PINS)].filter((pinIndex) => visual.image.has[pinIndex]) : [];
    for (let row = 0; row < candidates.count; row++) {
      const pinIndex = candidates.pinIndexes[row];
      const at = row * out.columns + column;
      const rows = pins.categories;
      let sum = 0;
      for (let k = rows.start[pinIndex]; k < rows.start[pinIndex] + rows.length[pinIndex]; k++) sum += rows.weights[k] * (history.categories[rows.ordinals[k]] ?? 0);
      if (sum !== 0) out.data[at] = sum / sparseNorm(rows, pinIndex);
      const vote = source < 0 ? Number.NaN : candidates.sourceScores[row * width + source];
      if (vote === vote) out.data[at + 1] = vote;
      if (!visual?.image.has[pinIndex]) continue;
      const { codes, words, bits } = visual.image;
      let nearest = bits;
      for (const known of compared) nearest = Math.min(nearest, hammingAt(codes, known * words, codes, pinIndex * words, words));
      if (compared.length > 0) out.data[at + 2] = 1 - nearest / bits;
    }
  },
};
