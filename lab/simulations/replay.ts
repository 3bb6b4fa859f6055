/**
 * Replay estimates against a known truth: 500 queries of 20 items; the first 10 places served shuffled; an item earns
 * at place k with probability examined(k) x attraction. The target policy orders by another score and never served.
 */
import type { Random } from '../../src/math/random.ts';
import { fitRewardModel, replayValue } from '../../src/experiments/statistics/replay.ts';
import type { ReplayList, ReplayReport } from '../../src/experiments/statistics/replay.ts';
import type { SuiteOptions, SuiteResult } from './check.ts';
import { checkRate } from './check.ts';
import { streamOf } from './stream.ts';

const QUERIES = 500;
const POOL = 20;
const PLACES = 10;
const LISTS = 4000;

interface World {
  /** attraction[query * POOL + item]; the served policy retrieves items 0 .. PLACES - 1 of the query. */
  readonly attraction: Float64Array;
  /** target[query]: the first PLACES items in the target's order. */
  readonly target: readonly Int32Array[];
  /** A target that also wants items which the slice never offers. */
  readonly beyond: readonly Int32Array[];
  readonly truth: number;
}

const EXAMINED = Float64Array.from({ length: PLACES }, (_, k) => (k + 1) ** -0.7);

export async function simulateReplay({ runs, seed, onProgress }: SuiteOptions): Promise<SuiteResult> {
  const world = drawWorld(streamOf(seed, 'replay/world'));
  const tally = { ips: 0, snips: 0, robust: 0, narrower: 0, alarms: 0, falseAlarms: 0, width: 0, above: 0, size: 0 };
  for (let run = 0; run < runs; run++) {
    const random = streamOf(seed, `replay/${run}`);
    const model = fitRewardModel(drawLists(world, world.target, LISTS, random));
    const report = replayValue(drawLists(world, world.target, LISTS, random), model);
    const robust = report.doublyRobust!;
    tally.ips += Number(covers(report.ips, world.truth));
    tally.snips += Number(covers(report.snips, world.truth));
    tally.robust += Number(covers(robust, world.truth));
    tally.above += Number(robust.value > world.truth);
    const width = (robust.high - robust.low) / (report.ips.high - report.ips.low);
    tally.narrower += Number(width < 1);
    tally.width += width;
    tally.size += report.effectiveSampleSize;
    tally.falseAlarms += Number(report.alarm !== null);
    tally.alarms += Number(replayValue(drawLists(world, world.beyond, 200, random), null).alarm !== null);
    if (run % 20 === 0) await onProgress?.(run / runs);
  }
  return {
    checks: [
      checkRate('replay/IPS covers the truth', tally.ips, runs, 0.95),
      checkRate('replay/self-normalized IPS covers the truth', tally.snips, runs, 0.95),
      checkRate('replay/doubly robust covers the truth', tally.robust, runs, 0.95),
      checkRate('replay/doubly robust unbiased', tally.above, runs, 0.5),
      checkRate('replay/doubly robust narrower than IPS', tally.narrower, runs, 0.99, 'at least'),
      checkRate('replay/missing support alarmed', tally.alarms, runs, 0.999, 'at least'),
      checkRate('replay/full support alarmed', tally.falseAlarms, runs, 0, 'at most'),
    ],
    observations: {
      truth: world.truth,
      'lists per estimate': LISTS,
      'effective sample size': tally.size / runs,
      'doubly robust width over IPS': tally.width / runs,
    },
  };
}

function covers(estimate: ReplayReport['ips'], truth: number): boolean {
  return estimate.low <= truth && truth <= estimate.high;
}

function drawWorld(random: Random): World {
  const attraction = Float64Array.from({ length: QUERIES * POOL }, () => 0.6 / (1 + Math.exp(1.5 - random.normal())));
  const order = (query: number, pool: number): Int32Array => {
    const wish = Array.from({ length: pool }, (_, item) => attraction[query * POOL + item] + 0.1 * random.normal());
    const items = Array.from({ length: pool }, (_, item) => item);
    return Int32Array.from(items.sort((a, b) => wish[b] - wish[a]).slice(0, PLACES), (item) => query * POOL + item);
  };
  const target = Array.from({ length: QUERIES }, (_, query) => order(query, PLACES));
  const beyond = Array.from({ length: QUERIES }, (_, query) => order(query, POOL));
  let truth = 0;
  for (const items of target) items.forEach((item, k) => (truth += (EXAMINED[k] * attraction[item]) / (QUERIES * PLACES)));
  return { attraction, target, beyond, truth };
}

function drawLists(world: World, target: readonly Int32Array[], count: number, random: Random): ReplayList[] {
  return Array.from({ length: count }, () => {
    const query = random.integer(QUERIES);
    const logged = Int32Array.from({ length: PLACES }, (_, item) => query * POOL + item);
    for (let i = PLACES - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [logged[i], logged[j]] = [logged[j], logged[i]];
    }
    const rewards = Float64Array.from(logged, (item, k) => (random.next() < EXAMINED[k] * world.attraction[item] ? 1 : 0));
    return { logged, rewards, target: target[query] };
  });
}
