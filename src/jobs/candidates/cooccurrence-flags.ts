import { METHODS } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import { flags, type OptionsOf } from '../job.ts';

/** The flags by which jobs choose how co-occurrence is counted; absent ones keep the default. */
export const COUNTING_FLAGS = flags([
  {
    flag: '--method <name>',
    meaning: `${METHODS.join(', ')}, or auto: chosen on held-out saves, with its settings`,
    choices: [...METHODS, 'auto'],
  },
  { flag: '--neighbors <k>', meaning: 'pins kept per list', kind: 'integer' },
  { flag: '--alpha <a>', meaning: 'exponent of P3alpha and RP3beta', kind: 'number' },
  { flag: '--beta <b>', meaning: 'exponent of the popularity in RP3beta', kind: 'number' },
  { flag: '--shrink <s>', meaning: 'added to the divisor of cosine and jaccard', kind: 'number' },
  { flag: '--weighting <name>', meaning: 'none or tfidf (count, cosine, jaccard)', choices: ['none', 'tfidf'] },
  { flag: '--damping <name>', meaning: 'none or log: a shared board counts 1 / log(1 + its pins)', choices: ['none', 'log'] },
  { flag: '--board-cap <pins>', meaning: 'leave out larger boards; 0: none', kind: 'integer' },
  { flag: '--choice-seed <n>', meaning: 'which saves auto holds out', kind: 'integer', default: 1 },
]);

export type CountingFlags = OptionsOf<typeof COUNTING_FLAGS>;
