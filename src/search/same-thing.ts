/**
 * Exact product: what shows the very same thing. Key points that one homography explains say so, where the catalog has them; the codes of
 * the net propose as well, and are the second opinion in the score. Without key points a fitted distance of codes decides alone.
 */
import { INLIERS_MIN, sameness, VERIFIED_BY_CODE } from '../exact/exact-search.ts';
import type { SizedMatch } from '../exact/exact-search-thread.ts';
import { ServiceError } from '../errors.ts';
import { acceptOf, type SearchFilters, type VisualResult } from './flashlight.ts';
import { alike, type FoundRegion } from './region.ts';
import type { InTime, SearchParts } from './search-parts.ts';
import type { ServingThresholds } from './search-thresholds.ts';

type Rule = NonNullable<ServingThresholds['exactProduct']>;

interface SameThings {
  readonly results: readonly VisualResult[];
  /** Where it is in both pictures, by pin; of those that key points found. */
  readonly matches: ReadonlyMap<number, SizedMatch>;
  /** The rule of distances, where there is one. */
  readonly rule: Rule | null;
  /** What the answer had to do without. */
  readonly missing: readonly string[];
}

/** What a reply without key points says in `missing`. */
const LOCAL_FEATURES = 'local features';

/** @throws INDEX_UNAVAILABLE where there are neither key points nor a fitted distance. */
export async function sameThings(parts: SearchParts, region: FoundRegion, filters: SearchFilters, inTime: InTime): Promise<SameThings> {
  const nearest = await alike(region, filters);
  const rule = parts.fitted.exactProduct;
  const near = rule === null ? [] : nearest.filter(({ distance }) => distance <= rule.distanceMax);
  const found = await verifiedMatches(parts, region, { nearest, filters, inTime });
  if (found === null) {
    if (rule === null) throw new ServiceError('INDEX_UNAVAILABLE', { index: 'exact product', reason: NEITHER });
    return { results: near, matches: new Map(), rule, missing: [LOCAL_FEATURES] };
  }
  const matches = new Map(found.filter(({ inliers }) => inliers >= INLIERS_MIN).map((match) => [match.pinIndex, match]));
  const described = await alike(region, { ...filters, fields: (pin) => matches.has(pin) });
  const verified = described.map((result): VisualResult => {
    const added = sameness(matches.get(result.pinIndex)?.inliers ?? 0);
    return { ...result, sameness: added, score: result.score + added };
  });
  verified.sort((a, b) => b.score - a.score || a.pinIndex - b.pinIndex);
  const { group } = parts.pins;
  const groups = new Set(verified.map(({ pinIndex }) => group[pinIndex]));
  return { results: [...verified, ...near.filter(({ pinIndex }) => !groups.has(group[pinIndex]))], matches, rule, missing: [] };
}

const NEITHER =
  'no key points are compared and its distance is not fitted for the active net: run extract-local-features and build-vocabulary, or fit-search';

interface Asked {
  readonly nearest: readonly VisualResult[];
  readonly filters: SearchFilters;
  readonly inTime: InTime;
}

/** The last: its thread is still loading what finds key points, and the caller has waited long enough. */
const WITHOUT_THEM: readonly string[] = ['INDEX_UNAVAILABLE', 'ARTIFACT_REFUSED', 'FEATURES_NOT_READY'];

/** Null where the catalog has no key points, or none can be compared now. */
async function verifiedMatches(
  { exact, pins }: SearchParts,
  region: FoundRegion,
  { nearest, filters, inTime }: Asked,
): Promise<readonly SizedMatch[] | null> {
  if (!exact.isReady) return null;
  const { picture, box, pinIndex, timings } = region;
  const startedAt = performance.now();
  const accept = acceptOf({ pinIndex }, filters, pins);
  const others = nearest.slice(0, VERIFIED_BY_CODE).map((result) => result.pinIndex);
  try {
    return await inTime(() => exact.search({ bytes: picture.bytes, box, others }, (pin) => pin < pins.count && accept(pin)));
  } catch (error) {
    if (error instanceof ServiceError && WITHOUT_THEM.includes(error.code)) return null;
    throw error;
  } finally {
    timings.verify = performance.now() - startedAt;
  }
}
