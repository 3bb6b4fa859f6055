/** Flags that the ranker's jobs share. */
import { NORMALIZATION_KINDS } from '../../ranker/scoring/normalizer.ts';
import { FEATURE_SETS } from '../../ranker/scoring/ranking-feature.ts';
import { flags, type OptionsOf } from '../job.ts';

export const RANGE_FLAGS = flags([
  { flag: '--from <time>', meaning: 'log from this time on (ISO 8601)', kind: 'time' },
  { flag: '--to <time>', meaning: 'log before this time', kind: 'time' },
]);

/** Which lists of the log are read; absent: all. */
export type LogRange = Partial<OptionsOf<typeof RANGE_FLAGS>>;

export const SETS_FLAG = flags([
  { flag: '--sets <names>', meaning: 'feature sets: control, visual, cross, object, vectors (all)', kind: 'list', choices: FEATURE_SETS },
])[0];

export const NORMALIZE_FLAG = flags([
  {
    flag: '--normalize <kind>',
    meaning: `${NORMALIZATION_KINDS.join(', ')} (LETOR: none; log: standard)`,
    choices: NORMALIZATION_KINDS,
  },
])[0];

export const PROPENSITY_FLAGS = flags([
  {
    flag: '--propensity <kind>',
    meaning: 'weigh pairs by inverse examination: none, randomized (shuffled lists), harvested (pairs met at several positions)',
    choices: ['none', 'randomized', 'harvested'],
    default: 'none',
  },
  { flag: '--clip <number>', meaning: 'greatest inverse propensity', kind: 'number', above: 0, default: 10 },
]);

export type PropensityFlags = OptionsOf<typeof PROPENSITY_FLAGS>;
