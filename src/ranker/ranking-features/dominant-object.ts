import type { RankingFeature, RankingInputs } from '../ranking-feature.ts';
import { fillCodeSimilarity } from './fc6-similarity.ts';
import { fc8Similarity } from './fc8-similarity.ts';
import type { Matrix } from '../../math/matrix.ts';

/**
 * The object set: the query has a dominant object; its class (a number that names it, for segments: it is the same down
 * the whole list and orders nothing); the candidate's dominant object is of that class; dominant x fc6; dominant x fc8;
 * fc6 similarity of the query's object crop.
 */
export const dominantObject: RankingFeature = {
  name: 'dominant-object',
  columns: ['dominant object', 'dominant object class', 'same object class', 'dominant x fc6', 'dominant x fc8', 'object crop fc6'],
  fill(inputs, out, column) {
    const { query, candidates, visual } = inputs;
    if (!visual || !query.object) return;
    const label = labelNumber(query.object.label);
    for (let row = 0; row < candidates.count; row++) {
      const at = row * out.columns + column;
      out.data[at] = 1;
      out.data[at + 1] = label;
      if (visual.objectOf(candidates.pinIndexes[row])?.label === query.object.label) out.data[at + 2] = 1;
    }
    if (query.visual) fillCodeSimilarity(query.visual.code, visual.image, candidates.pinIndexes, candidates.count, out, column + 3);
    fillFc8(inputs, out, column + 4);
    fillCodeSimilarity(query.object.code, visual.image, candidates.pinIndexes, candidates.count, out, column + 5);
  },
};

/** A number from 1 to 1,023 that stands for a label (FNV-1a folded to ten bits). */
export function labelNumber(label: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193) >>> 0;
  return 1 + (((hash >>> 10) ^ hash) % 1023);
}

function fillFc8(inputs: RankingInputs, out: Matrix, column: number): void {
  const pair = { rows: out.rows, columns: 2, names: fc8Similarity.columns, data: new Float32Array(out.rows * 2) };
  fc8Similarity.fill(inputs, pair, 0);
  for (let row = 0; row < out.rows; row++) out.data[row * out.columns + column] = pair.data[2 * row];
}
