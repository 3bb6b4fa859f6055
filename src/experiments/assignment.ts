/**
 * (experiment, unit id) -> arm. Arithmetic only: no clock, no state, no store.
 *
 *   holdout   bucket(unit, "holdout") < share of the global holdout      -> no experiment at all
 *   layer     bucket(unit, "layer/" + layer) within the slots            -> experiments of one layer exclude each other
 *   traffic   bucket(unit, "traffic/" + seed) < traffic share            -> growing the share only adds units
 *   arm       bucket(unit, "arm/" + seed) below the cumulated weights    -> independent of the three above
 *
 * Four salts, four independent hashes: widening traffic never moves a unit from one arm to another.
 */
import type { Eligibility, ExperimentDefinition } from './experiment.ts';
import type { TreatmentPart } from '../treatment.ts';
import { BUCKETS, bucketOf, saltSeed } from './hash-version.ts';

/** A definition made ready for many assignments. */
export interface AssignmentPlan {
  readonly key: string;
  readonly unit: 'user' | 'session';
  /** All arms share each page instead of one arm serving a unit. */
  readonly interleaved: boolean;
  readonly armKeys: readonly string[];
  readonly treatments: readonly TreatmentPart[];
  readonly eligibility: Eligibility;
  readonly counterfactualShare: number;
  readonly forced: Readonly<Record<string, string>>;
  readonly hasForced: boolean;
  /** Exclusive upper bucket of each arm, ascending, the last one BUCKETS. */
  readonly armEnds: Uint16Array;
  readonly holdoutSeed: number;
  readonly holdoutBuckets: number;
  readonly layerSeed: number;
  readonly slotFrom: number;
  readonly slotTo: number;
  readonly trafficSeed: number;
  readonly trafficBuckets: number;
  readonly armSeed: number;
}

/** Why a unit has no arm. */
type Outside = 'holdout' | 'layer' | 'traffic';

/** Where a unit stands: in an arm, or outside and why; one of `arm` and `outside` is null. */
interface Assignment {
  readonly arm: string | null;
  readonly outside: Outside | null;
  /** Put there by hand: serve it, never count it. */
  readonly forced: boolean;
}

/** `holdout`: share of all units kept out of every experiment, in whole buckets. Throws RangeError for an unknown hash version. */
export function planOf(definition: ExperimentDefinition, holdout = 0): AssignmentPlan {
  const seedOf = (salt: string): number => saltSeed(definition.hashVersion, salt);
  const { slots, name } = definition.layer;
  return {
    key: definition.key,
    unit: definition.unit,
    interleaved: definition.design === 'interleaved',
    armKeys: definition.arms.map((arm) => arm.key),
    treatments: definition.arms.map((arm) => arm.treatment),
    eligibility: definition.eligibility,
    counterfactualShare: definition.counterfactualShare,
    forced: definition.forced,
    hasForced: Object.keys(definition.forced).length > 0,
    armEnds: armEndsOf(definition),
    holdoutSeed: seedOf('holdout'),
    holdoutBuckets: Math.round(holdout * BUCKETS),
    layerSeed: seedOf(`layer/${name}`),
    slotFrom: Math.round(slots[0] * BUCKETS),
    slotTo: Math.round(slots[1] * BUCKETS),
    trafficSeed: seedOf(`traffic/${definition.seed}`),
    trafficBuckets: Math.round(definition.traffic * BUCKETS),
    armSeed: seedOf(`arm/${definition.seed}`),
  };
}

function armEndsOf(definition: ExperimentDefinition): Uint16Array {
  let sum = 0;
  const ends = Uint16Array.from(definition.arms, (arm) => Math.round((sum += arm.weight) * BUCKETS));
  ends[ends.length - 1] = BUCKETS;
  return ends;
}

/** The arm's index, or -1 (holdout), -2 (another slot of the layer), -3 (traffic). Forced units are not looked at. */
export function armIndexOf(plan: AssignmentPlan, unitId: string): number {
  if (plan.holdoutBuckets > 0 && bucketOf(unitId, plan.holdoutSeed) < plan.holdoutBuckets) return -1;
  if (plan.slotTo - plan.slotFrom < BUCKETS) {
    const slot = bucketOf(unitId, plan.layerSeed);
    if (slot < plan.slotFrom || slot >= plan.slotTo) return -2;
  }
  if (plan.trafficBuckets < BUCKETS && bucketOf(unitId, plan.trafficSeed) >= plan.trafficBuckets) return -3;
  const bucket = bucketOf(unitId, plan.armSeed);
  let arm = 0;
  while (bucket >= plan.armEnds[arm]) arm++;
  return arm;
}

const asItIs = (unitId: string): string => unitId;

const OUTSIDE: readonly Outside[] = ['holdout', 'layer', 'traffic'];

/**
 * The unit's arm. A unit put there by hand has its arm whatever holdout, layer and traffic say; eligibility is asked elsewhere.
 * `storedName`: of the unit, as it stands among those put there by hand.
 */
export function assign(plan: AssignmentPlan, unitId: string, storedName: (unitId: string) => string = asItIs): Assignment {
  if (plan.hasForced) {
    const name = storedName(unitId);
    if (Object.hasOwn(plan.forced, name)) return { arm: plan.forced[name], outside: null, forced: true };
  }
  const arm = armIndexOf(plan, unitId);
  if (arm >= 0) return { arm: plan.armKeys[arm], outside: null, forced: false };
  return { arm: null, outside: OUTSIDE[-arm - 1], forced: false };
}

/** The share of units each arm gets by design, in whole buckets: what the sample-ratio check compares with. */
export function armShares(plan: AssignmentPlan): readonly number[] {
  return [...plan.armEnds].map((end, arm) => (end - (arm > 0 ? plan.armEnds[arm - 1] : 0)) / BUCKETS);
}

/** What eligibility asks about a query. */
export interface QueryFacts {
  readonly surface: string;
  readonly queryPinId: string | null;
  /** Rank by saves, from 0; null unknown. */
  readonly popularityRank: number | null;
  readonly categories: readonly string[];
  readonly hasDominantObject: boolean;
}

/** Whether a list of this query counts: every field that is given holds. One shared category will do; popular N: ranks 0 .. N - 1. */
export function isEligible(eligibility: Eligibility, query: QueryFacts): boolean {
  const { surfaces, querySet, categories, dominantObject } = eligibility;
  if (surfaces && !surfaces.includes(query.surface)) return false;
  if (dominantObject !== undefined && dominantObject !== query.hasDominantObject) return false;
  if (categories && !query.categories.some((name) => categories.includes(name))) return false;
  if (!querySet) return true;
  if ('popular' in querySet) return query.popularityRank !== null && query.popularityRank < querySet.popular;
  return query.queryPinId !== null && querySet.pinIds.includes(query.queryPinId);
}

/** Stands in the log where an eligible request named no unit: not enrolled, and counted. No arm can have this key. */
export const NO_UNIT = '-';

/** Stands in the log where the arms shared one page. */
export const INTERLEAVED = '=';

/** The arms of one request as the served-list log keeps them: "key/arm;key/arm"; null when there are none. */
export function armsText(arms: readonly { readonly experiment: string; readonly arm: string }[]): string | null {
  return arms.length === 0 ? null : arms.map(({ experiment, arm }) => `${experiment}/${arm}`).join(';');
}

/** The arms in such a text. */
export function readArmsText(text: string | null): { experiment: string; arm: string }[] {
  if (!text) return [];
  return text.split(';').flatMap((part) => {
    const slash = part.indexOf('/');
    return slash > 0 ? [{ experiment: part.slice(0, slash), arm: part.slice(slash + 1) }] : [];
  });
}

/** The text without the marks of requests that named no unit: what a caller sees. */
export function armsTold(text: string | null): string | null {
  return text === null ? null : armsText(readArmsText(text).filter(({ arm }) => arm !== NO_UNIT));
}
