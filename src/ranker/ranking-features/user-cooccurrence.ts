import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Summed co-occurrence weight of the candidate with the pins of the user's history. */
export const userCooccurrence: RankingFeature = {
  name: 'user-cooccurrence',
  set: 'control',
  columns: ['user-cooccurrence'],
  signs: [1],
  fill({ user, candidates }, out, column) {
    if (!user?.cooccurrence) return;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      const weight = user.cooccurrence.get(candidates.pinIndexes[i]);
      if (weight !== undefined) values[i] = weight;
    }
  },
};
