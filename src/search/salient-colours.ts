import { type Random, seededRandom } from '../math/random.ts';
import type { Pixels } from '../vision/image-tensor.ts';
import { colourDifference, hexOf, type Lab, labOf } from './cie-lab.ts';

export interface SalientColour {
  /** `#rrggbb`. */
  readonly colour: string;
  readonly lab: Lab;
  /** Share of the pixels, 0..1. */
  readonly share: number;
}

const CLUSTERS = 6;
const ROUNDS = 12;
const MOST_PIXELS = 4096;
/** Clusters nearer than this (CIE 1976) are one colour to the eye at a glance. */
const SAME_COLOUR = 12;
const SHARE_MIN = 0.04;

/**
 * The salient colours of a crop: k-means of its pixels in CIE L*a*b* (k-means++ start, seeded), near clusters merged,
 * specks under 4 % left out. Largest share first. The same pixels give the same colours.
 */
export function salientColours(pixels: Pixels, seed = 1): readonly SalientColour[] {
  const colours = sampledColours(pixels);
  const random = seededRandom(seed);
  let centres = startCentres(colours, random);
  let counts: number[] = [];
  for (let round = 0; round < ROUNDS; round++) ({ centres, counts } = moveCentres(colours, centres));
  const merged = mergeNear(centres.map((lab, i) => ({ lab, share: counts[i] / colours.length })));
  return merged
    .filter(({ share }) => share >= SHARE_MIN)
    .sort((a, b) => b.share - a.share)
    .map(({ lab, share }) => ({ colour: hexOf(lab), lab, share }));
}

/** Every n-th pixel, so that at most 4,096 are looked at. */
function sampledColours({ data }: Pixels): readonly Lab[] {
  const count = data.length / 3;
  const step = Math.max(1, Math.floor(count / MOST_PIXELS));
  const colours: Lab[] = [];
  for (let i = 0; i < count; i += step) colours.push(labOf(data[3 * i], data[3 * i + 1], data[3 * i + 2]));
  return colours;
}

/** k-means++ (Arthur and Vassilvitskii 2007): each next centre drawn with chance proportional to squared distance. */
function startCentres(colours: readonly Lab[], random: Random): Lab[] {
  const centres: Lab[] = [random.pick(colours)];
  const squared = colours.map((colour) => colourDifference(colour, centres[0]) ** 2);
  while (centres.length < CLUSTERS) {
    const total = squared.reduce((sum, value) => sum + value, 0);
    if (total === 0) break;
    let left = random.next() * total;
    let at = 0;
    while (at < colours.length - 1 && (left -= squared[at]) > 0) at++;
    const centre = colours[at];
    centres.push(centre);
    for (let i = 0; i < colours.length; i++) {
      squared[i] = Math.min(squared[i], colourDifference(colours[i], centre) ** 2);
    }
  }
  return centres;
}

function moveCentres(colours: readonly Lab[], centres: readonly Lab[]): { centres: Lab[]; counts: number[] } {
  const sums = centres.map(() => [0, 0, 0]);
  const counts = centres.map(() => 0);
  for (const colour of colours) {
    const c = nearest(colour, centres);
    counts[c]++;
    for (let axis = 0; axis < 3; axis++) sums[c][axis] += colour[axis];
  }
  const moved = sums.map(
    (sum, c): Lab => (counts[c] === 0 ? centres[c] : [sum[0] / counts[c], sum[1] / counts[c], sum[2] / counts[c]]),
  );
  return { centres: moved, counts };
}

function nearest(colour: Lab, centres: readonly Lab[]): number {
  let best = 0;
  for (let c = 1; c < centres.length; c++) {
    if (colourDifference(colour, centres[c]) < colourDifference(colour, centres[best])) best = c;
  }
  return best;
}

interface Cluster {
  readonly lab: Lab;
  readonly share: number;
}

function mergeNear(clusters: readonly Cluster[]): readonly Cluster[] {
  const kept: Cluster[] = [];
  for (const cluster of [...clusters].sort((a, b) => b.share - a.share)) {
    const near = kept.findIndex((one) => colourDifference(one.lab, cluster.lab) < SAME_COLOUR);
    if (near < 0) kept.push(cluster);
    else kept[near] = blended(kept[near], cluster);
  }
  return kept;
}

function blended(a: Cluster, b: Cluster): Cluster {
  const share = a.share + b.share;
  const mix = (axis: 0 | 1 | 2): number =>
    share === 0 ? a.lab[axis] : (a.lab[axis] * a.share + b.lab[axis] * b.share) / share;
  return { lab: [mix(0), mix(1), mix(2)], share };
}
