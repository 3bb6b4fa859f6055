import { type CandidateQuery, type CandidateSource, isFiller, kindOfSource, NO_PINS, type ScoredPins } from '../candidates/candidate.ts';
import type { Proposal } from '../candidates/merge.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { Degradation, SourceShares } from './serving-parts.ts';

/** The setting `sources`: names, each with `:share` or without (1). */
export function sourceShares(entries: readonly string[]): SourceShares {
  return new Map(
    entries.map((entry) => {
      const [name, share = '1'] = entry.split(':');
      return [name, Number(share)];
    }),
  );
}

/** The sources a treatment names, or those of the setting, in the order in which the merge prefers them. */
export function askedSources(
  sources: readonly CandidateSource[],
  names: readonly string[] | null,
  shares: SourceShares,
): readonly CandidateSource[] {
  const has = (name: string): boolean => (names === null ? shares.has(name) : names.includes(name));
  return sources.filter(({ name }) => has(name) || has(kindOfSource(name)));
}

/** A list with fewer candidates than this is filled up with what is popular. */
export const ENOUGH_CANDIDATES = 100;

/** Whether a source makes up candidates for a query that boards and looks say too little about. */
export function isFilling(name: string): boolean {
  return name === 'annotations' || isFiller(name);
}

/** How many pins to ask a source for; a source that is asked alone, or whose pins will be filtered, gives all it has. */
function askedFor(source: CandidateSource, { limit, shares, alone, filtered }: Asking): number {
  const share = shares.get(source.name) ?? shares.get(kindOfSource(source.name)) ?? 1;
  return filtered || alone ? limit : Math.ceil(limit * share);
}

/** How sources are asked. */
export interface Asking {
  readonly limit: number;
  readonly shares: SourceShares;
  /** The treatment names one source only. */
  readonly alone: boolean;
  /** Some of the pins will be refused. */
  readonly filtered: boolean;
  readonly degraded: Degradation[];
}

/** Asks every source; one that fails proposes nothing, one that is behind proposes what it knew, and the reply says so. */
export async function propose(sources: readonly CandidateSource[], query: CandidateQuery, asking: Asking): Promise<readonly Proposal[]> {
  return (await proposeForEach(sources, [query], asking))[0];
}

/** The same for several queries, one after the other. */
export async function proposeForEach(
  sources: readonly CandidateSource[],
  queries: readonly CandidateQuery[],
  asking: Asking,
): Promise<readonly (readonly Proposal[])[]> {
  if (queries.length > 1) expectAll(sources, queries, asking.degraded);
  const asked: Proposal[][] = queries.map(() => []);
  for (let q = 0; q < queries.length; q++) {
    for (const source of sources) {
      let pins: ScoredPins;
      try {
        const answer = source.propose(queries[q], askedFor(source, asking));
        // Most answer at once, and waiting would let other requests in between.
        pins = answer instanceof Promise ? await answer : answer;
      } catch (error) {
        pins = NO_PINS;
        noteFailed(source, error, asking.degraded);
      }
      noteBehind(source, asking.degraded);
      asked[q].push({ name: source.name, pins });
    }
  }
  return asked;
}

function expectAll(sources: readonly CandidateSource[], queries: readonly CandidateQuery[], degraded: Degradation[]): void {
  for (const source of sources) {
    try {
      source.expect?.(queries);
    } catch (error) {
      noteFailed(source, error, degraded);
    }
  }
}

function noteFailed({ name }: CandidateSource, error: unknown, degraded: Degradation[]): void {
  degraded.push({ code: codeOf(error), reason: `${name}: ${reasonOf(error)}` });
}

function noteBehind({ name, behind }: CandidateSource, degraded: Degradation[]): void {
  if (behind && !degraded.some(({ reason }) => reason === `${name}: ${behind}`))
    degraded.push({ code: 'INDEX_UNAVAILABLE', reason: `${name}: ${behind}` });
}

function codeOf(error: unknown): string {
  return error instanceof ServiceError ? error.code : 'INDEX_UNAVAILABLE';
}
