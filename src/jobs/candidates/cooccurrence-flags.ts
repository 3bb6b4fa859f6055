import { METHODS } from '../../candidates/cooccurrence/board-cooccurrence.ts';
import type { JobOption } from '../job.ts';

/** The seed of what is held out to choose by, when no flag says otherwise. */
export const CHOICE_SEED = 1;

/** The flags by which jobs choose how co-occurrence is counted; absent ones keep the default. */
export const COOCCURRENCE_FLAGS: readonly JobOption[] = [
  { flag: '--method <name>', meaning: METHODS.join(', ') },
  { flag: '--neighbors <k>', meaning: 'pins kept per list', kind: 'integer' },
  { flag: '--alpha <a>', meaning: 'exponent of P3alpha and RP3beta', kind: 'number' },
  { flag: '--beta <b>', meaning: 'exponent of the popularity in RP3beta', kind: 'number' },
  { flag: '--shrink <s>', meaning: 'added to the divisor of cosine and jaccard', kind: 'number' },
  { flag: '--weighting <name>', meaning: 'none or tfidf (count, cosine, jaccard)' },
  { flag: '--damping <name>', meaning: 'none or log: a shared board counts 1 / log(1 + its pins)' },
  { flag: '--board-cap <pins>', meaning: 'leave out larger boards; 0: none', kind: 'integer' },
];

/** The same where the method may be chosen on held-out saves. */
export const CHOOSING_FLAGS: readonly JobOption[] = [
  { flag: '--method <name>', meaning: `${METHODS.join(', ')}, or auto: chosen on held-out saves, with its settings` },
  ...COOCCURRENCE_FLAGS.slice(1),
  { flag: '--choice-seed <n>', meaning: 'which saves auto holds out', kind: 'integer', default: CHOICE_SEED },
];
