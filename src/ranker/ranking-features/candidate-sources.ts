import { kindOfSource, SOURCE_NAMES } from '../../candidates/candidate.ts';
import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Sources that propose what shares boards with the query, looks like it or has a vector like it, or was chosen for it before. */
const LIKENESS: ReadonlySet<string> = new Set(['board-cooccurrence', 'visual-neighbors', 'home-history', 'remembered-winners', 'vectors']);

/** An indicator per candidate source: 1 when it proposed the candidate. A source that was not asked proposes nothing. */
export const candidateSources: RankingFeature = {
  name: 'candidate-sources',
  set: 'control',
  columns: SOURCE_NAMES.map((source) => `from-${source}`),
  signs: SOURCE_NAMES.map((source) => (LIKENESS.has(source) ? 1 : 0)),
  fill({ candidates }, out, firstColumn) {
    const { count, sourceNames, sourceScores } = candidates;
    for (let s = 0; s < sourceNames.length; s++) {
      const source = (SOURCE_NAMES as readonly string[]).indexOf(kindOfSource(sourceNames[s]));
      if (source < 0) continue;
      const values = out.column(firstColumn + source);
      for (let i = 0; i < count; i++) {
        const score = sourceScores[i * sourceNames.length + s];
        // Whether a source proposed a pin is hard to guess, so there is no branch.
        values[i] = Number(score === score) | values[i];
      }
    }
  },
};
