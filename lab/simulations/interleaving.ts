/**
 * Interleaving against A/B for the same planted difference. Fixed beforehand: 2,000 queries with pools of 30 items of
 * normal relevance g; each ranker orders by g + share x noise, half of the noise's variance the ranker's own (so that
 * their pages really differ), B's share a little smaller than A's; pages of 10; a
 * person makes 1 + geometric lists, examines place k with probability 1 / k^0.6, clicks with probability
 * 0.12 u exp(0.9 g) (at most 0.9), u log-normal (sigma 0.6) the person's own eagerness. Power 0.8 at alpha 0.05, two-sided.
 * The sizes are computed from a calibration sample and then proved: at the size, the planted preference is found with
 * the promised power.
 */
import { normalQuantile } from '../../src/math/distributions.ts';
import type { Random } from '../../src/math/random.ts';
import { liftOf } from '../../src/experiments/statistics/analysis.ts';
import type { IntervalRule } from '../../src/experiments/statistics/analysis.ts';
import { estimateOf, unitVariance } from '../../src/experiments/statistics/estimate.ts';
import { addPreference, creditOf, preferenceOf, teamDraft } from '../../src/experiments/statistics/interleaving.ts';
import { addUnit, emptyStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import type { SufficientStatistics } from '../../src/experiments/counting/sufficient-statistics.ts';
import type { SuiteOptions, SuiteResult } from './check.ts';
import { checkRate } from './check.ts';
import { streamOf } from './stream.ts';

const QUERIES = 2000;
const POOL = 30;
const PAGE = 10;
const POWER = 0.8;
const FIXED: IntervalRule = { kind: 'fixed-horizon', alpha: 0.05, expectedUnits: 1 };
const CALIBRATION_UNITS = 300_000;
const FACTOR = normalQuantile(0.975) + normalQuantile(POWER);

interface World {
  /** relevance[query * POOL + item] */
  readonly relevance: Float64Array;
  /** rankings[ranker][query]: items, best first; worst to best ranker. */
  readonly rankings: readonly (readonly Uint8Array[])[];
}

/** Share of noise each ranker carries; the planted difference is between the first two. */
const NOISES = [1, 0.9, 0.5];

export async function simulateInterleaving({ runs, seed, onProgress }: SuiteOptions): Promise<SuiteResult> {
  const world = drawWorld(streamOf(seed, 'interleaving/world'));
  const draft = calibrateDraft(world, seed);
  const ab = calibrateAb(world, seed);
  await onProgress?.(0.1);
  const tally = { found: 0, none: 0, abFound: 0, random: 0, ordered: 0 };
  for (let run = 0; run < runs; run++) {
    const random = streamOf(seed, `interleaving/${run}`);
    const planted = preferenceOf(draftUnits(world, [0, 1], draft.units, random), FIXED);
    tally.found += Number(planted.p < 0.05 && planted.preference > 0);
    tally.none += Number(preferenceOf(draftUnits(world, [0, 0], 400, random, true), FIXED).p < 0.05);
    tally.ordered += Number(multileavingOrdered(world, 3000, random));
    tally.random += Number(randomClicksPrefer(world, 400, random));
    if (run % 10 === 0) await onProgress?.(0.1 + (0.5 * run) / runs);
  }
  const abRuns = Math.max(1, Math.min(runs, 300));
  for (let run = 0; run < abRuns; run++) {
    const random = streamOf(seed, `interleaving/ab/${run}`);
    tally.abFound += Number(abFinds(world, ab.units, random));
    if (run % 5 === 0) await onProgress?.(0.6 + (0.4 * run) / abRuns);
  }
  return {
    checks: [
      checkRate('interleaving/planted difference found at its size', tally.found, runs, POWER),
      checkRate('interleaving/A/B finds it at its own size', tally.abFound, abRuns, POWER),
      checkRate('interleaving/equal rankers preferred', tally.none, runs, 0.05),
      checkRate('interleaving/clicks that ignore relevance prefer a ranker', tally.random, runs, 0.05),
      checkRate('interleaving/multileaving orders three rankers', tally.ordered, runs, 0.8, 'at least'),
    ],
    observations: {
      'users for interleaving': draft.units,
      'users for A/B': ab.units,
      'factor of users saved': ab.units / draft.units,
      'planted lift of clicks per list': ab.lift,
      preference: draft.preference,
    },
  };
}

function drawWorld(random: Random): World {
  const relevance = Float64Array.from({ length: QUERIES * POOL }, () => random.normal());
  const shared = Float64Array.from({ length: QUERIES * POOL }, () => random.normal());
  const rankings = NOISES.map((share) =>
    Array.from({ length: QUERIES }, (_, query) => {
      const score = Float64Array.from({ length: POOL }, (__, item) => {
        const at = query * POOL + item;
        return relevance[at] + share * Math.SQRT1_2 * (shared[at] + random.normal());
      });
      const items = Array.from({ length: POOL }, (__, item) => item);
      return Uint8Array.from(items.sort((a, b) => score[b] - score[a]));
    }),
  );
  return { relevance, rankings };
}

const EXAMINED = Float64Array.from({ length: PAGE }, (_, k) => (k + 1) ** -0.6);

interface Person {
  readonly lists: number;
  readonly eagerness: number;
}

function drawPerson(random: Random): Person {
  let lists = 1;
  while (random.next() < 0.6 && lists < 50) lists++;
  return { lists, eagerness: Math.exp(0.6 * random.normal() - 0.18) };
}

function act(world: World, query: number, items: ArrayLike<number>, person: Person, random: Random, out: Float64Array): number {
  let clicks = 0;
  for (let k = 0; k < PAGE; k++) {
    const chance = Math.min(0.9, 0.12 * person.eagerness * Math.exp(0.9 * world.relevance[query * POOL + items[k]]));
    out[k] = random.next() < EXAMINED[k] * chance ? 1 : 0;
    clicks += out[k];
  }
  return clicks;
}

/** `units` people on interleaved pages of two rankers. `apart`: the second of two equal rankers is drawn with neighbours exchanged. */
function draftUnits(world: World, rankers: readonly [number, number], units: number, random: Random, apart = false): SufficientStatistics {
  const out = emptyStatistics();
  const actions = new Float64Array(PAGE);
  for (let unit = 0; unit < units; unit++) {
    const person = drawPerson(random);
    let a = 0;
    let b = 0;
    for (let list = 0; list < person.lists; list++) {
      const query = random.integer(QUERIES);
      const first = world.rankings[rankers[0]][query];
      const second = apart ? swapped(first, random) : world.rankings[rankers[1]][query];
      const one = apart ? swapped(first, random) : first;
      const { items, teams } = teamDraft([one, second], PAGE, random);
      act(world, query, items, person, random, actions);
      const credit = creditOf(teams, actions, 2, 'each');
      a += credit[0];
      b += credit[1];
    }
    addPreference(out, a, b);
  }
  return out;
}

/** The same ranking with neighbours exchanged here and there: different pages, equal worth. */
function swapped(ranking: Uint8Array, random: Random): Uint8Array {
  const copy = ranking.slice();
  for (let k = 0; k + 1 < PAGE + 2; k += 2) if (random.next() < 0.5) [copy[k], copy[k + 1]] = [copy[k + 1], copy[k]];
  return copy;
}

function abUnits(world: World, ranker: number, units: number, random: Random): SufficientStatistics {
  const out = emptyStatistics();
  const actions = new Float64Array(PAGE);
  for (let unit = 0; unit < units; unit++) {
    const person = drawPerson(random);
    let clicks = 0;
    for (let list = 0; list < person.lists; list++) {
      const query = random.integer(QUERIES);
      clicks += act(world, query, world.rankings[ranker][query], person, random, actions);
    }
    addUnit(out, clicks, person.lists);
  }
  return out;
}

function calibrateDraft(world: World, seed: number): { units: number; preference: number } {
  const sample = draftUnits(world, [0, 1], CALIBRATION_UNITS, streamOf(seed, 'interleaving/calibrate'));
  const { value } = estimateOf(sample);
  return { units: Math.ceil((FACTOR ** 2 * unitVariance(sample)) / value ** 2), preference: value };
}

/** The same people on both rankers: the planted difference itself is then hardly noisy. */
function calibrateAb(world: World, seed: number): { units: number; lift: number } {
  const truth = [0, 1].map((ranker) => expectedClicks(world, ranker));
  const sample = abUnits(world, 0, CALIBRATION_UNITS, streamOf(seed, 'interleaving/ab'));
  const lift = truth[1] / truth[0] - 1;
  const { value } = estimateOf(sample);
  return { units: Math.ceil((FACTOR ** 2 * 4 * unitVariance(sample)) / (lift * value) ** 2), lift };
}

/** Expected clicks per list, over all queries and a fine grid of eagerness: no sampling error. */
function expectedClicks(world: World, ranker: number): number {
  let sum = 0;
  const grid = 40;
  for (let query = 0; query < QUERIES; query++)
    for (let k = 0; k < PAGE; k++) {
      const base = 0.12 * Math.exp(0.9 * world.relevance[query * POOL + world.rankings[ranker][query][k]]);
      for (let step = 0; step < grid; step++) {
        const eagerness = Math.exp(0.6 * normalQuantile((step + 0.5) / grid) - 0.18);
        sum += (EXAMINED[k] * Math.min(0.9, base * eagerness)) / grid;
      }
    }
  return sum / QUERIES;
}

function abFinds(world: World, units: number, random: Random): boolean {
  const half = Math.round(units / 2);
  const lift = liftOf(estimateOf(abUnits(world, 0, half, random)), estimateOf(abUnits(world, 1, half, random)), FIXED);
  return (lift.p ?? 1) < 0.05 && (lift.lift ?? 0) > 0;
}

/** People who click without regard to relevance must not prefer anybody. */
function randomClicksPrefer(world: World, units: number, random: Random): boolean {
  const out = emptyStatistics();
  for (let unit = 0; unit < units; unit++) {
    const query = random.integer(QUERIES);
    const { teams } = teamDraft([world.rankings[0][query], world.rankings[2][query]], PAGE, random);
    const actions = Float64Array.from(EXAMINED, (examined) => (random.next() < 0.5 * examined ? 1 : 0));
    const credit = creditOf(teams, actions, 2, 'each');
    addPreference(out, credit[0], credit[1]);
  }
  return preferenceOf(out, FIXED).p < 0.05;
}

/** Three rankers on one page: the best is credited most, the worst least. */
function multileavingOrdered(world: World, units: number, random: Random): boolean {
  const total = new Float64Array(3);
  const actions = new Float64Array(PAGE);
  for (let unit = 0; unit < units; unit++) {
    const person = drawPerson(random);
    const query = random.integer(QUERIES);
    const { items, teams } = teamDraft(
      world.rankings.map((lists) => lists[query]),
      PAGE,
      random,
    );
    act(world, query, items, person, random, actions);
    creditOf(teams, actions, 3, 'each').forEach((value, ranker) => {
      total[ranker] += value;
    });
  }
  return total[2] > total[1] && total[2] > total[0];
}
