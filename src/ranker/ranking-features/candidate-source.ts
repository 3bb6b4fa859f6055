import { SOURCE_NAMES } from '../../candidates/candidate.ts';
import type { RankingFeature } from '../ranking-feature.ts';

/** Which sources proposed the candidate: an indicator each. */
export const candidateSource: RankingFeature = {
  name: 'candidate-source',
  columns: SOURCE_NAMES.map((name) => `source ${name}`),
  fill({ candidates }, out, firstColumn) {
    const width = candidates.sourceNames.length;
    candidates.sourceNames.forEach((name, source) => {
      const column = (SOURCE_NAMES as readonly string[]).indexOf(name);
      if (column < 0) return;
      for (let row = 0; row < candidates.count; row++) {
        const score = candidates.sourceScores[row * width + source];
        if (score === score) out.data[row * out.columns + firstColumn + column] = 1;
      }
    });
  },
};
