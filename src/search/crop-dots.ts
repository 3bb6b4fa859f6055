import { type Box, boxIou } from '../vision/box.ts';

/** One crop that one person made of a pin. */
interface PersonCrop {
  readonly userId: string;
  readonly box: Box;
}

/** A dot that people made: the region many of them cropped. */
interface CropDot {
  readonly box: Box;
  readonly people: number;
}

/** Crops that overlap this much are of the same region. */
const SAME_REGION = 0.6;

/**
 * Merges the crops of one pin into dots: greedily, the crop that most people's crops agree with gathers them all into
 * one, its box their mean; regions of fewer than `peopleMin` people are left out. Most people first, then the larger
 * number of crops, then the earlier crop.
 */
export function cropDots(crops: readonly PersonCrop[], peopleMin = 3): readonly CropDot[] {
  const left = new Set(crops.keys());
  const dots: CropDot[] = [];
  while (left.size > 0) {
    const region = largestRegion(crops, left);
    for (const at of region) left.delete(at);
    const people = new Set(region.map((at) => crops[at].userId)).size;
    if (people < peopleMin) break;
    dots.push({ box: meanBox(region.map((at) => crops[at].box)), people });
  }
  return dots;
}

function largestRegion(crops: readonly PersonCrop[], left: ReadonlySet<number>): readonly number[] {
  let best: readonly number[] = [];
  let mostPeople = 0;
  for (const centre of left) {
    const region = [...left].filter((at) => boxIou(crops[centre].box, crops[at].box) >= SAME_REGION);
    const people = new Set(region.map((at) => crops[at].userId)).size;
    if (people < mostPeople || (people === mostPeople && region.length <= best.length)) continue;
    best = region;
    mostPeople = people;
  }
  return best;
}

function meanBox(boxes: readonly Box[]): Box {
  const mean = (side: 0 | 1 | 2 | 3): number => boxes.reduce((sum, box) => sum + box[side], 0) / boxes.length;
  return [mean(0), mean(1), mean(2), mean(3)];
}
