import { ServiceError } from '../../errors.ts';
import { type CooccurrenceOptions, METHODS } from './board-cooccurrence.ts';

/** `fallback` with command-line flags winning; a flag that was not given keeps its value. Throws JOB_USAGE naming every wrong value. */
export function flaggedOptions(
  flags: { readonly [Name in keyof CooccurrenceOptions]?: unknown },
  fallback: CooccurrenceOptions,
): CooccurrenceOptions {
  const given = (Object.keys(fallback) as (keyof CooccurrenceOptions)[]).filter((name) => flags[name] !== undefined);
  return checkedOptions({ ...fallback, ...Object.fromEntries(given.map((name) => [name, flags[name]])) });
}

/** Throws JOB_USAGE listing all that is wrong. */
function checkedOptions(options: CooccurrenceOptions): CooccurrenceOptions {
  const walk = options.method === 'p3alpha' || options.method === 'rp3beta';
  const problems = [
    METHODS.includes(options.method) ? null : `the method must be one of ${METHODS.join(', ')}, it is ${options.method}`,
    Number.isInteger(options.neighbors) && options.neighbors > 0 ? null : 'neighbors must be a whole number over 0',
    options.alpha >= 0 ? null : 'alpha must be at least 0',
    Number.isFinite(options.beta) ? null : 'beta must be a number',
    options.shrink >= 0 ? null : 'shrink must be at least 0',
    options.boardCap >= 0 ? null : 'the board cap must be at least 0',
    ['none', 'tfidf'].includes(options.weighting) ? null : `weighting must be none or tfidf, it is ${options.weighting}`,
    ['none', 'log'].includes(options.damping) ? null : `damping must be none or log, it is ${options.damping}`,
    walk && options.weighting === 'tfidf' ? 'TF-IDF goes with count, cosine and jaccard' : null,
  ].filter((problem) => problem !== null);
  if (problems.length > 0) throw new ServiceError('JOB_USAGE', { reason: problems.join('; ') });
  return options;
}
