import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of imported vectors, the mean over the sets that hold both pins; 0 where none does. 1 where one does. */
export const vectorSimilarity: RankingFeature = {
  name: 'vector-similarity',
  set: 'vectors',
  columns: ['vector-cosine', 'has-vector'],
  signs: [1, 0],
  fill({ query, vectors = [], candidates: { count, pinIndexes } }, out, column) {
    const asked = vectors.filter((set) => set.rowOf(query.pinIndex) >= 0);
    if (asked.length === 0) return;
    const [means, has] = [out.column(column), out.column(column + 1)];
    const sets = new Uint8Array(count);
    const cosines = new Float32Array(count);
    for (const set of asked) {
      set.cosinesInto(query.pinIndex, pinIndexes, count, cosines);
      for (let i = 0; i < count; i++) {
        if (cosines[i] !== cosines[i]) continue;
        means[i] += cosines[i];
        sets[i]++;
      }
    }
    for (let i = 0; i < count; i++) {
      if (sets[i] === 0) continue;
      means[i] /= sets[i];
      has[i] = 1;
    }
  },
};
