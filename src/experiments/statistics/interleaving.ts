/**
 * Team-draft interleaving (Radlinski, Kurup, Joachims, CIKM 2008) and multileaving (Schuth et al., CIKM 2014): several
 * rankers share one page; what people do with an item is credited to the ranker that put it there.
 */
import type { Random } from '../../math/random.ts';
import type { IntervalRule } from './analysis.ts';
import { sequenceMultiplier, sequenceP } from './confidence-sequence.ts';
import { normalQuantile, normalTwoSided } from '../../math/distributions.ts';
import { estimateOf } from './estimate.ts';
import type { SufficientStatistics } from '../counting/sufficient-statistics.ts';
import { addUnit } from '../counting/sufficient-statistics.ts';

/** The log keeps the arm that put an item on a page as one of the item's sources, named so. */
export const TEAM_SOURCE = 'team: ';

/** A shared page, best first: item k and who put it there. */
interface Interleaved {
  readonly items: readonly number[];
  /** teams[k]: the ranker whose pick item k is; -1: all rankers had it at this place, nobody is credited. */
  readonly teams: readonly number[];
}

/**
 * One page of `length` items from rankings of item ids (best first, no repeats). In each round the rankers pick in an
 * order drawn at random; each puts the best item of its list that is not on the page yet. A page is shorter where lists run dry.
 * Choice: leading places on which all rankers agree belong to nobody; crediting them by coin adds noise, not information.
 */
export function teamDraft(rankings: readonly ArrayLike<number>[], length: number, random: Random): Interleaved {
  const items: number[] = [];
  const teams: number[] = [];
  const taken = new Set<number>();
  const next = rankings.map(() => 0);
  const agreed = commonPrefix(rankings, length);
  for (let k = 0; k < agreed; k++) {
    items.push(rankings[0][k]);
    teams.push(-1);
    taken.add(rankings[0][k]);
  }
  const order = rankings.map((_, ranker) => ranker);
  while (items.length < length) {
    let placed = 0;
    for (const ranker of random.shuffled(order)) {
      const ranking = rankings[ranker];
      while (next[ranker] < ranking.length && taken.has(ranking[next[ranker]])) next[ranker]++;
      if (next[ranker] >= ranking.length || items.length >= length) continue;
      const item = ranking[next[ranker]++];
      items.push(item);
      teams.push(ranker);
      taken.add(item);
      placed++;
    }
    if (placed === 0) break;
  }
  return { items, teams };
}

function commonPrefix(rankings: readonly ArrayLike<number>[], length: number): number {
  const [first, ...others] = rankings;
  let k = 0;
  while (k < length && k < first.length && others.every((other) => other[k] === first[k])) k++;
  return k;
}

/** How actions become credit: each action counts, or the team with more actions on the page wins it (one credit). */
type CreditRule = 'each' | 'page';

/** Credit of each ranker on one page. `actions[k]` > 0: something was done with item k (its weight). */
export function creditOf(teams: readonly number[], actions: ArrayLike<number>, rankers: number, rule: CreditRule): Float64Array {
  const credit = new Float64Array(rankers);
  for (let k = 0; k < teams.length; k++) if (teams[k] >= 0) credit[teams[k]] += actions[k];
  if (rule === 'each') return credit;
  const best = Math.max(...credit);
  const winners = credit.filter((value) => value === best).length;
  return best === 0 ? credit.fill(0) : credit.map((value) => (value === best ? 1 / winners : 0));
}

/** Adds one unit's credits (summed over its pages) to the statistics of "b against a"; sign -1 takes them back. */
export function addPreference(into: SufficientStatistics, creditA: number, creditB: number, sign = 1): void {
  addUnit(into, creditB - creditA, creditA + creditB, 0, sign);
}

/** Of b over a. Before anybody has acted on an item of either, preference and bounds are NaN and p is 1. */
interface Preference {
  /** (credit of b - credit of a) / all credit, within -1..1; 0 no preference. */
  readonly preference: number;
  readonly low: number;
  readonly high: number;
  readonly p: number;
  readonly units: number;
}

/** Preference of b over a with interval, clustered on units by the delta method. */
export function preferenceOf(statistics: SufficientStatistics, rule: IntervalRule): Preference {
  const { value, variance, units } = estimateOf(statistics);
  const error = Math.sqrt(variance);
  const z = error > 0 ? value / error : 0;
  const fixed = rule.kind === 'fixed-horizon';
  const multiplier = fixed ? normalQuantile(1 - rule.alpha / 2) : sequenceMultiplier(units, rule.expectedUnits, rule.alpha);
  const p = fixed ? normalTwoSided(z) : sequenceP(z, units, rule.expectedUnits, rule.alpha);
  return { preference: value, low: value - multiplier * error, high: value + multiplier * error, p, units };
}
