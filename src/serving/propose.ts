import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidates/candidate.ts';
import type { Proposal } from '../candidates/merge.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { Degradation } from './serving-parts.ts';

/** The sources a treatment asks for, in the order in which the merge prefers them. */
export function askedSources(
  sources: readonly CandidateSource[],
  names: readonly string[] | null,
): readonly CandidateSource[] {
  return names === null ? sources : sources.filter((source) => names.includes(source.name));
}

/** Asks every source; one that fails proposes nothing, and the reply says so. */
export async function propose(
  sources: readonly CandidateSource[],
  query: CandidateQuery,
  limit: number,
  degraded: Degradation[],
): Promise<readonly Proposal[]> {
  const proposals: Proposal[] = [];
  for (const source of sources) {
    let pins: ScoredPins;
    try {
      const answer = source.propose(query, limit);
      pins = answer instanceof Promise ? await answer : answer;
    } catch (error) {
      pins = NO_PINS;
      degraded.push({ code: codeOf(error), reason: `${source.name}: ${reasonOf(error)}` });
    }
    proposals.push({ name: source.name, pins });
  }
  return proposals;
}

function codeOf(error: unknown): string {
  return error instanceof ServiceError ? error.code : 'INDEX_UNAVAILABLE';
}
