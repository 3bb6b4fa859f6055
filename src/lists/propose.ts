import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidates/candidate.ts';
import type { Proposal } from '../candidates/merge.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { Degradation } from './serving-parts.ts';

/** The sources a treatment asks for, in the order in which the merge prefers them. */
export function askedSources(sources: readonly CandidateSource[], names: readonly string[] | null): readonly CandidateSource[] {
  return names === null ? sources : sources.filter((source) => names.includes(source.name));
}

/**
 * Sources that fill up what boards and looks leave open, and the largest share of the candidates each is asked for.
 * Choice: their long tails are the most costly to make and the least likely to be shown.
 */
const FILLING: Readonly<Record<string, number>> = { annotations: 0.5, 'popular-in-category': 0.2 };

/** Whether a source only fills up what others leave open. */
export function isFilling(name: string): boolean {
  return Object.hasOwn(FILLING, name);
}

/** How many pins to ask a source for; a source that is asked alone, or whose pins will be filtered, gives all it has. */
export function askedFor(
  source: CandidateSource,
  limit: number,
  { sources, filtered }: { readonly sources: number; readonly filtered: boolean },
): number {
  return filtered || sources === 1 ? limit : Math.ceil(limit * (FILLING[source.name] ?? 1));
}

/** Asks every source; one that fails proposes nothing, one that is behind proposes what it knew, and the reply says so. */
export async function propose(
  sources: readonly CandidateSource[],
  query: CandidateQuery,
  { limit, filtered, degraded }: { readonly limit: number; readonly filtered: boolean; readonly degraded: Degradation[] },
): Promise<readonly Proposal[]> {
  const proposals: Proposal[] = [];
  for (const source of sources) {
    let pins: ScoredPins;
    try {
      const answer = source.propose(query, askedFor(source, limit, { sources: sources.length, filtered }));
      pins = answer instanceof Promise ? await answer : answer;
    } catch (error) {
      pins = NO_PINS;
      degraded.push({ code: codeOf(error), reason: `${source.name}: ${reasonOf(error)}` });
    }
    const { name, behind } = source;
    if (behind && !degraded.some(({ reason }) => reason === `${name}: ${behind}`))
      degraded.push({ code: 'INDEX_UNAVAILABLE', reason: `${name}: ${behind}` });
    proposals.push({ name, pins });
  }
  return proposals;
}

function codeOf(error: unknown): string {
  return error instanceof ServiceError ? error.code : 'INDEX_UNAVAILABLE';
}
