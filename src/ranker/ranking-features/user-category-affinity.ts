import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of the candidate's category vector with the categories of the user's history. */
export const userCategoryAffinity: RankingFeature = {
  name: 'user-category-affinity',
  set: 'control',
  columns: ['user-category-affinity'],
  signs: [1],
  fill({ user, candidates, candidatePins }, out, column) {
    if (!user) return;
    const { userDots, categorySquares } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      if (categorySquares[i] > 0) values[i] = userDots[i] / Math.sqrt(categorySquares[i]);
    }
  },
};
