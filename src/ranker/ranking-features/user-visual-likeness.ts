import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** fc6 similarity of the candidate with the majority code of the user's history. */
export const userVisualLikeness: RankingFeature = {
  name: 'user-visual-likeness',
  set: 'visual',
  columns: ['user-visual-likeness'],
  signs: [1],
  fill({ user, visual, userFc6 }, out, column) {
    if (!user?.code || !visual) return;
    const values = out.column(column);
    for (let i = 0; i < userFc6.length; i++) if (userFc6[i] === userFc6[i]) values[i] = userFc6[i];
  },
};
