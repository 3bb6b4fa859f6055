/** The sample-ratio check against a loss of one per cent of one arm's units, and against no loss at all. */
import { binomialDraw } from './draws.ts';
import type { Random } from '../../src/math/random.ts';
import { SAMPLE_RATIO_ALARM, sampleRatioP } from '../../src/experiments/statistics/sample-ratio.ts';
import { streamOf } from './stream.ts';
import type { SuiteOptions, SuiteResult } from './check.ts';
import { checkRate } from './check.ts';

const LOOK_EVERY = 1000;
const LAST = 2_000_000;
const HALVES = [0.5, 0.5];
/** Arm B keeps 99 % of its units: of those recorded, 0.5 x 0.99 / (0.5 + 0.5 x 0.99) are in B. */
const SHARE_AFTER_LOSS = 0.495 / 0.995;

export async function simulateSrm({ runs, seed, onProgress }: SuiteOptions): Promise<SuiteResult> {
  let byOneMillion = 0;
  let byTwoMillion = 0;
  let falseAlarms = 0;
  const firsts: number[] = [];
  for (let run = 0; run < runs; run++) {
    const first = firstAlarm(streamOf(seed, `srm/loss/${run}`), SHARE_AFTER_LOSS);
    byOneMillion += Number(first <= 1_000_000);
    byTwoMillion += Number(first <= LAST);
    firsts.push(first);
    falseAlarms += Number(firstAlarm(streamOf(seed, `srm/none/${run}`), 0.5) <= LAST);
    if (run % 10 === 0) await onProgress?.(run / runs);
  }
  firsts.sort((a, b) => a - b);
  return {
    checks: [
      checkRate('srm/1 % of one arm lost, caught by 1,000,000 units', byOneMillion, runs, 0.75, 'at least'),
      checkRate('srm/1 % of one arm lost, caught by 2,000,000 units', byTwoMillion, runs, 0.99, 'at least'),
      checkRate('srm/no loss, alarm at any of 2,000 looks', falseAlarms, runs, SAMPLE_RATIO_ALARM, 'at most'),
    ],
    observations: {
      'share caught by 1,000,000 units': byOneMillion / runs,
      'share caught by 2,000,000 units': byTwoMillion / runs,
      'median units at the alarm': firsts[runs >> 1],
      'units between looks': LOOK_EVERY,
    },
  };
}

/** Units recorded when p first falls under the alarm's threshold; Infinity: never by LAST. */
function firstAlarm(random: Random, shareB: number): number {
  const counts = [0, 0];
  for (let units = LOOK_EVERY; units <= LAST; units += LOOK_EVERY) {
    const inB = binomialDraw(random, LOOK_EVERY, shareB);
    counts[0] += LOOK_EVERY - inB;
    counts[1] += inB;
    if (sampleRatioP(counts, HALVES) < SAMPLE_RATIO_ALARM) return units;
  }
  return Number.POSITIVE_INFINITY;
}
