/** Rankers without a model, by the same contract: the order of retrieval, and a seeded shuffle. */
import { seededRandom } from '../../math/random.ts';
import type { Ranker, ScoringInputs, Term } from '../scoring/ranker.ts';

/** A name that no stored model may have. */
export const AS_RETRIEVED = 'as-retrieved';

/**
 * Serves before the first promotion: candidates in the order in which the merge took them. The score of row r is
 * 1 / (1 + r), shared equally by the sources that proposed the candidate: one term per source.
 */
export const asRetrieved: Ranker = {
  name: AS_RETRIEVED,
  netDigest: null,
  score(inputs) {
    const scores = new Float64Array(inputs.candidates.count);
    for (let row = 0; row < scores.length; row++) {
      for (const { contribution } of retrievalTerms(inputs, row)) scores[row] += contribution;
    }
    return scores;
  },
  explain: retrievalTerms,
};

function retrievalTerms({ candidates }: ScoringInputs, row: number): readonly Term[] {
  const { sourceNames, sourceScores } = candidates;
  let proposed = 0;
  for (let s = 0; s < sourceNames.length; s++) if (has(sourceScores[row * sourceNames.length + s])) proposed++;
  const value = 1 / (1 + row);
  return sourceNames.map((feature, s) => {
    const weight = has(sourceScores[row * sourceNames.length + s]) ? 1 / proposed : 0;
    return { feature, value, weight, contribution: weight * value };
  });
}

function has(score: number): boolean {
  return !Number.isNaN(score);
}

/** A uniformly random order, the same for the same seed. */
export function shuffled(seed: number): Ranker {
  const drawn = (count: number): Float64Array => {
    const random = seededRandom(seed);
    return Float64Array.from({ length: count }, () => random.next());
  };
  return {
    name: 'shuffled',
    netDigest: null,
    score: ({ candidates }) => drawn(candidates.count),
    explain: ({ candidates }, row) => {
      const value = drawn(candidates.count)[row];
      return [{ feature: 'chance', value, weight: 1, contribution: value }];
    },
  };
}
