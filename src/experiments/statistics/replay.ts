/**
 * What would a treatment have earned that never served? Off-policy value from the slice of traffic whose first K places
 * were served shuffled: each of the K items stood at each place with probability 1/K.
 *
 * Value: rewards per place of the target's list. Assumed: the reward of an item at a place does not depend on what
 * stands at the other places (the item-position model; Li, Chu, Langford, Wang, WSDM 2011, and Swaminathan et al. 2017).
 *
 *   IPS       per list, sum over places k of [logged item at k = target's item at k] K r_k, over the places
 *   SNIPS     the same sum over all lists, divided by the sum of the weights
 *   DR        per list, sum over k of q(target_k, k) + [match] K (r_k - q(logged_k, k)), q a model of the reward
 *             fitted elsewhere (Dudik, Langford, Li, ICML 2011)
 *
 * Effective sample size (sum w)^2 / sum w^2. A target item that was not among the K shuffled ones has no support: IPS and
 * SNIPS know nothing about it, and the alarm is raised when that is true of more than ALARM of the places.
 */
import { normalQuantile } from '../../math/distributions.ts';
import { estimateOf } from './estimate.ts';
import { addUnit, emptyStatistics } from '../counting/sufficient-statistics.ts';

/** One shuffled list: what stood where, what it earned, and what the target would have put there. */
export interface ReplayList {
  /** Logged items by place; the places were shuffled uniformly. */
  readonly logged: ArrayLike<number>;
  readonly rewards: ArrayLike<number>;
  /** The target's items by place; places beyond `logged.length` are not evaluated. */
  readonly target: ArrayLike<number>;
  /** Whose list it is: lists of one person are no independent witnesses. Absent: a unit of its own. */
  readonly unit?: string | null;
}

/** Expected reward of an item at a place of a list. */
type RewardModel = (list: ReplayList, item: number, place: number) => number;

/** Reward per place with its interval (normal, clustered on units). */
interface ReplayEstimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The estimates by each method; `doublyRobust` null without a reward model. */
export interface ReplayReport {
  readonly lists: number;
  readonly places: number;
  readonly ips: ReplayEstimate;
  readonly snips: ReplayEstimate;
  readonly doublyRobust: ReplayEstimate | null;
  readonly effectiveSampleSize: number;
  /** Share of the target's places whose item could have been logged there. */
  readonly support: number;
  readonly alarm: string | null;
}

interface UnitSums {
  places: number;
  matched: number;
  earned: number;
  modelled: number;
}

const ALARM = 0.02;

/** Units are independent. Throws RangeError when there is nothing to replay. */
export function replayValue(lists: Iterable<ReplayList>, rewardModel: RewardModel | null, alpha = 0.05): ReplayReport {
  const ips = emptyStatistics();
  const snips = emptyStatistics();
  const robust = emptyStatistics();
  const ofUnit = new Map<string, UnitSums>();
  let weightSquares = 0;
  let places = 0;
  let supported = 0;
  let count = 0;
  for (const list of lists) {
    const k = Math.min(list.logged.length, list.target.length);
    let matched = 0;
    let earned = 0;
    let modelled = 0;
    for (let place = 0; place < k; place++) {
      const item = list.target[place];
      if (contains(list.logged, item)) supported++;
      const weight = list.logged[place] === item ? list.logged.length : 0;
      matched += weight;
      earned += weight * list.rewards[place];
      weightSquares += weight * weight;
      if (rewardModel) {
        const expected = rewardModel(list, item, place);
        modelled += expected + weight * (list.rewards[place] - expected);
      }
    }
    places += k;
    const unit = list.unit ?? `list ${count}`;
    const sums = ofUnit.get(unit) ?? { places: 0, matched: 0, earned: 0, modelled: 0 };
    sums.places += k;
    sums.matched += matched;
    sums.earned += earned;
    sums.modelled += modelled;
    ofUnit.set(unit, sums);
    count++;
  }
  for (const sums of ofUnit.values()) {
    addUnit(ips, sums.earned, sums.places);
    addUnit(snips, sums.earned, sums.matched);
    addUnit(robust, sums.modelled, sums.places);
  }
  if (count === 0) throw new RangeError('lists: expected at least one shuffled list');
  const support = supported / places;
  return {
    lists: count,
    places,
    ips: intervalOf(ips, alpha),
    snips: intervalOf(snips, alpha),
    doublyRobust: rewardModel ? intervalOf(robust, alpha) : null,
    effectiveSampleSize: weightSquares > 0 ? snips[2] ** 2 / weightSquares : 0,
    support,
    alarm: alarmOf(support),
  };
}

function alarmOf(support: number): string | null {
  if (1 - support <= ALARM) return null;
  const share = (100 * (1 - support)).toFixed(1);
  return `${share} % of the target's places hold items that the shuffled slice never offered: no estimate covers these`;
}

function contains(items: ArrayLike<number>, item: number): boolean {
  for (let i = 0; i < items.length; i++) if (items[i] === item) return true;
  return false;
}

function intervalOf(statistics: Float64Array, alpha: number): ReplayEstimate {
  const { value, variance } = estimateOf(statistics);
  const half = normalQuantile(1 - alpha / 2) * Math.sqrt(variance);
  return { value, low: value - half, high: value + half };
}

/**
 * A plain reward model: rate of the place x relative rate of the item, the item's shrunk towards 1 by `prior` expected
 * rewards. Fit it on other lists than those it helps to replay.
 */
export function fitRewardModel(lists: Iterable<ReplayList>, prior = 5): RewardModel {
  const kept = [...lists];
  const places = Math.max(0, ...kept.map((list) => list.logged.length));
  const earned = new Float64Array(places);
  const seen = new Float64Array(places);
  for (const { logged, rewards } of kept)
    for (let place = 0; place < logged.length; place++) {
      earned[place] += rewards[place];
      seen[place]++;
    }
  const rate = earned.map((sum, place) => sum / Math.max(1, seen[place]));
  const items = new Map<number, { earned: number; due: number }>();
  for (const { logged, rewards } of kept)
    for (let place = 0; place < logged.length; place++) {
      const row = items.get(logged[place]) ?? { earned: 0, due: 0 };
      row.earned += rewards[place];
      row.due += rate[place];
      items.set(logged[place], row);
    }
  return (_, item, place) => {
    const row = items.get(item);
    return (rate[place] ?? 0) * (row && row.due + prior > 0 ? (row.earned + prior) / (row.due + prior) : 1);
  };
}
