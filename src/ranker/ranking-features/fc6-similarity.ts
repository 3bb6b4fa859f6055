import type { CodeTable } from '../../features/visual-features.ts';
import { hammingAt } from '../../math/bits.ts';
import type { Matrix } from '../../math/matrix.ts';
import type { RankingFeature } from '../ranking-feature.ts';

export const FC6_SIMILARITY = 'fc6 similarity';

/** 1 - Hamming / bits of the binary codes (the paper's section 5.1), and whether both sides have a code. */
export const fc6Similarity: RankingFeature = {
  name: 'fc6-similarity',
  columns: [FC6_SIMILARITY, 'both have fc6'],
  fill({ query, candidates, visual }, out, column) {
    if (!visual || !query.visual) return;
    fillCodeSimilarity(query.visual.code, visual.image, candidates.pinIndexes, candidates.count, out, column);
    for (let row = 0; row < candidates.count; row++) out.data[row * out.columns + column + 1] = visual.image.has[candidates.pinIndexes[row]];
  },
};

/** Writes 1 - Hamming / bits against the codes of pins into a column; 0 where a pin has no code. */
export function fillCodeSimilarity(code: Uint32Array, table: CodeTable, pinIndexes: Int32Array, count: number, out: Matrix, column: number): void {
  const { words, bits, codes, has } = table;
  if (code.length !== words) throw new RangeError(`query code: expected ${words} words, got ${code.length}`);
  for (let row = 0; row < count; row++) {
    const pinIndex = pinIndexes[row];
    if (has[pinIndex]) out.data[row * out.columns + column] = 1 - hammingAt(code, 0, codes, pinIndex * words, words) / bits;
  }
}
