/** The jobs of the lab. */
import type { JobGroup, JobRow } from '../../src/jobs/table.ts';

export const JOBS: readonly JobRow[] = [
  ['demo', 'make a world whose truth is known, learn from its people, prove the gain, serve it', () => import('./demo/demo.ts')],
  ['draw-photos', 'draw a folder of photos in subfolders by category, to try open on', () => import('./draw-photos.ts')],
  ['evaluate-world', 'near-duplicates, dominant objects and boxes of a demo world against its truth', () => import('./evaluate-world.ts')],
  ['replay-flashlight', 'replay the paper’s section 7: box, dots, dots under thresholds', () => import('./paper/replay-flashlight.ts')],
  [
    'climb-ladder',
    'what each set of ranking features gains, on the log and against a demo world’s truth',
    () => import('./climb-ladder.ts'),
  ],
  ['vectors-study', 'what imported vectors gain on a demo world', () => import('./vectors-study.ts')],
  ['judge-uploads', 'whether the own vectors of a tuned net find more for uploads than its codes', () => import('./judge-uploads.ts')],
  ['compare-losses', 'what each loss of tune-net gains on classes that nobody learned from', () => import('./compare-losses.ts')],
  ['fit-starter', 'fit the model that serves before any training, on labeled photos', () => import('./starter/fit-starter.ts')],
  ['prove-replay', 'whether a replay of saves can cheat: random boards, planted taste, counts', () => import('./prove-replay.ts')],
  ['judge-study', 'whether the judge of models prefers the truly better one', () => import('./judge-study.ts')],
  ['calibrate-words', 'fit how sure a visual net may be of its words, on labelled photos', () => import('./words/calibrate-words.ts')],
  ['judge-worlds', 'whether the judge of models and an A/B test agree on the three demo worlds', () => import('./judge-worlds.ts')],
  ['judge-composition', 'whether composed pages win with people who tire of sameness', () => import('./composition/judge-composition.ts')],
  ['judge-exact', 'whether the very same thing is found again on altered photos', () => import('./exact/judge-exact.ts')],
  ['judge-marks', 'how many taught logos are found at one false accept in a hundred photos', () => import('./marks/judge-marks.ts')],
  ['prove-position-bias', 'undo the planted position bias of a demo world, and prove it', () => import('./prove-position-bias.ts')],
  ['replay-paper', "replay the paper's experiment on the demo world, against its planted truth", () => import('./paper/replay-paper.ts')],
  ['simulate-experiments', 'prove the experiment statistics by simulation', () => import('./simulate-experiments.ts')],
];

export const JOB_GROUPS: readonly JobGroup[] = [{ title: 'The lab', jobs: JOBS }];
