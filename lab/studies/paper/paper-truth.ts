/** The planted truth of the replay: what each arm's lists would earn from everybody, with the same people and chances. */
import type { AssignmentPlan } from '../../../src/experiments/assignment.ts';
import { estimateOf } from '../../../src/experiments/statistics/estimate.ts';
import { addUnit, emptyStatistics } from '../../../src/experiments/counting/sufficient-statistics.ts';
import { seededRandom } from '../../../src/math/random.ts';
import { worldSeed } from '../../world/world-seed.ts';
import type { PaperWorld } from './paper-world.ts';

export interface PlantedLift {
  readonly arm: string;
  /** Relative lift of engaged items per item served over the control. */
  readonly lift: number;
  /** Its standard error: chance is the same in both arms, so it is small. */
  readonly error: number;
}

/**
 * `visits` visits of random people to their queries; each visit is played with every arm's list and the same stream of
 * chances (people draw once or twice per place, whatever stands there), so that arms differ only by their lists.
 */
export async function plantedLifts(
  world: PaperWorld,
  plan: AssignmentPlan,
  pool: readonly number[],
  visits: number,
  seed: number,
  now: number,
): Promise<readonly PlantedLift[]> {
  const random = seededRandom(worldSeed(seed, `truth/${plan.key}`));
  const paired = plan.armKeys.map(() => emptyStatistics());
  let control = 0;
  for (let visit = 0; visit < visits; visit++) {
    const user = random.pick(world.users);
    const query = world.people.chooseQuery(user, pool, random);
    const chances = random.integer(2 ** 31);
    let ofControl = 0;
    for (let arm = 0; arm < plan.armKeys.length; arm++) {
      const list = await world.listFor(query, plan.treatments[arm], now);
      const engaged = world.act(user, query, list, seededRandom(chances)).length;
      if (arm === 0) ofControl = engaged;
      addUnit(paired[arm], engaged - ofControl, 1);
    }
    control += ofControl;
  }
  const perVisit = control / visits;
  return plan.armKeys.slice(1).map((arm, index) => {
    const { value, variance } = estimateOf(paired[index + 1]);
    return { arm, lift: value / perVisit, error: Math.sqrt(variance) / perVisit };
  });
}
