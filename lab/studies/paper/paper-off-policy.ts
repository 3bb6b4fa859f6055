/**
 * Off-policy estimates on the demo world: a shuffled slice of the control's lists is logged, the value of the other arm's
 * order of the same items is estimated from it, and the known truth must be covered as often as promised.
 */
import type { AssignmentPlan } from '../../../src/experiments/assignment.ts';
import { fitRewardModel, replayValue } from '../../../src/experiments/statistics/replay.ts';
import type { ReplayList } from '../../../src/experiments/statistics/replay.ts';
import type { Check } from '../../simulations/check.ts';
import { checkRate } from '../../simulations/check.ts';
import { streamOf } from '../../simulations/stream.ts';
import type { Random } from '../../../src/math/random.ts';
import type { PaperWorld } from './paper-world.ts';

/** Places that are shuffled, lists per estimate, estimates, and visits behind the truth. */
const PLACES = 10;
const LISTS = 1500;
const ESTIMATES = 200;
const TRUTH_VISITS = 200_000;

interface Query {
  readonly pin: number;
  /** Items of the slice, as recipe pins, and the target's order of them. */
  readonly items: Int32Array;
  readonly target: Int32Array;
}

export async function replayDemo(
  world: PaperWorld,
  plan: AssignmentPlan,
  pool: readonly number[],
  seed: number,
  now: number,
): Promise<{
  readonly checks: readonly Check[];
  readonly truth: number;
  readonly lists: number;
  readonly effectiveSampleSize: number;
}> {
  const queries = await queriesOf(world, plan, pool, now);
  const truth = trueValue(world, queries, streamOf(seed, 'off-policy/truth'));
  const covered = { ips: 0, snips: 0, robust: 0 };
  let size = 0;
  for (let run = 0; run < ESTIMATES; run++) {
    const random = streamOf(seed, `off-policy/${run}`);
    const model = fitRewardModel(slice(world, queries, random));
    const report = replayValue(slice(world, queries, random), model);
    const holds = ({ low, high }: { low: number; high: number }): number => Number(low <= truth && truth <= high);
    covered.ips += holds(report.ips);
    covered.snips += holds(report.snips);
    if (report.doublyRobust) covered.robust += holds(report.doublyRobust);
    size += report.effectiveSampleSize;
  }
  return {
    checks: [
      checkRate('demo replay/IPS covers the truth', covered.ips, ESTIMATES, 0.95),
      checkRate('demo replay/self-normalized IPS covers the truth', covered.snips, ESTIMATES, 0.95),
      checkRate('demo replay/doubly robust covers the truth', covered.robust, ESTIMATES, 0.95),
    ],
    truth,
    lists: LISTS,
    effectiveSampleSize: size / ESTIMATES,
  };
}

async function queriesOf(world: PaperWorld, plan: AssignmentPlan, pool: readonly number[], now: number): Promise<Query[]> {
  const queries: Query[] = [];
  for (const pin of pool) {
    const [control, other] = [await world.listFor(pin, plan.treatments[0], now), await world.listFor(pin, plan.treatments[1], now)];
    if (control.recipePins.length < PLACES) continue;
    const items = control.recipePins.slice(0, PLACES);
    const rank = new Map([...other.recipePins].map((item, place) => [item, place]));
    const target = items
      .slice()
      .sort((a, b) => (rank.get(a) ?? PLACES + items.indexOf(a) + 100) - (rank.get(b) ?? PLACES + items.indexOf(b) + 100));
    queries.push({ pin, items, target });
  }
  return queries;
}

/** Rewards of one visit to a list of items: 1 where the person clicked or saved. */
function rewardsOf(world: PaperWorld, query: Query, items: Int32Array, random: Random): Float64Array {
  const rewards = new Float64Array(items.length);
  const user = random.pick(world.users);
  for (const { item, type } of world.people.act(user, query.pin, items, random))
    if (type !== 'impression' && type !== 'closeup') rewards[item] = 1;
  return rewards;
}

function trueValue(world: PaperWorld, queries: readonly Query[], random: Random): number {
  let sum = 0;
  for (let visit = 0; visit < TRUTH_VISITS; visit++) {
    const query = queries[visit % queries.length];
    for (const reward of rewardsOf(world, query, query.target, random)) sum += reward;
  }
  return sum / (TRUTH_VISITS * PLACES);
}

function slice(world: PaperWorld, queries: readonly Query[], random: Random): ReplayList[] {
  return Array.from({ length: LISTS }, () => {
    const query = random.pick(queries);
    const logged = Int32Array.from(random.shuffled([...query.items]));
    return { logged, rewards: rewardsOf(world, query, logged, random), target: query.target };
  });
}
