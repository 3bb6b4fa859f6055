import { similaritiesTo } from '../../features/code-similarity.ts';
import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** fc6 similarity of the candidate with the majority code of the user's history. */
export const userVisualLikeness: RankingFeature = {
  name: 'user-visual-likeness',
  set: 'visual',
  columns: ['user-visual-likeness'],
  signs: [1],
  fill({ user, visual, candidates }, out, column) {
    if (!user?.code || !visual) return;
    const likeness = new Float32Array(candidates.count);
    similaritiesTo(user.code, visual.image, candidates.pinIndexes, likeness);
    const values = out.column(column);
    for (let i = 0; i < likeness.length; i++) {
      if (likeness[i] === likeness[i]) values[i] = likeness[i];
    }
  },
};
