/** What people chose in earlier searches of the same region: known for dots, because their queries repeat (paper, section 7). */
import type { CropLog, SearchedRegion } from '../catalog/log/crop-log.ts';
import { type Box, boxIou } from '../vision/box.ts';

/** Regions that overlap this much are the same query. */
const SAME_REGION = 0.6;
/** Searches of nobody in particular that a pin's share is shrunk by. */
const SHRINK = 5;
/** The most that engagement adds: five percent of the bits, for a pin that everybody chose. */
const WEIGHT = 0.05;

/**
 * The boost of each pin for a region: WEIGHT * people who clicked or saved it / (searches of the region + 5). Null where
 * nobody chose anything. Worked case: 10 searches, 3 people took the lamp: 0.05 * 3 / 15 = 0.01.
 */
export function engagementBoost(log: CropLog, pinIndex: number, box: Box): ((pinIndex: number) => number) | null {
  const same = log.regionsOf(pinIndex).filter((region) => boxIou(region.box, box) >= SAME_REGION);
  const people = log.engagedPeople(same.map(({ listIndex }) => listIndex));
  if (people.size === 0) return null;
  return (pin) => (WEIGHT * (people.get(pin) ?? 0)) / (same.length + SHRINK);
}

/** The crops that people drew themselves, for dots from people; one without a name counts as nobody's. */
export function handDrawn(regions: readonly SearchedRegion[]): readonly { readonly userId: string; readonly box: Box }[] {
  return regions.filter(({ byHand, person }) => byHand && person !== null).map(({ person, box }) => ({ userId: String(person), box }));
}
