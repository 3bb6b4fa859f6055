import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of the candidate's category vector with the categories of the user's history. */
export const userCategoryAffinity: RankingFeature = {
  name: 'user-category-affinity',
  set: 'control',
  columns: ['user-category-affinity'],
  signs: [1],
  fill({ user, candidates, pins }, out, column) {
    if (!user) return;
    const { start, length, ordinals, weights } = pins.categories;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      const pin = candidates.pinIndexes[i];
      let dot = 0;
      let squares = 0;
      for (let e = start[pin], end = e + length[pin]; e < end; e++) {
        squares += weights[e] * weights[e];
        if (ordinals[e] < user.categories.length) dot += weights[e] * user.categories[ordinals[e]];
      }
      if (squares > 0) values[i] = dot / Math.sqrt(squares);
    }
  },
};
