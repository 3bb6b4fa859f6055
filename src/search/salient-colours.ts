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
  const count = colours.length / 3;
  const centres = startCentres(colours, seededRandom(seed));
  const counts = new Uint32Array(centres.length / 3);
  for (let round = 0; round < ROUNDS; round++) moveCentres(colours, centres, counts);
  const clusters = Array.from(counts, (size, c): Cluster => ({
    lab: [centres[3 * c], centres[3 * c + 1], centres[3 * c + 2]],
    share: size / count,
  }));
  return mergeNear(clusters)
    .filter(({ share }) => share >= SHARE_MIN)
    .sort((a, b) => b.share - a.share)
    .map(({ lab, share }) => ({ colour: hexOf(lab), lab, share }));
}

/** Every n-th pixel, so that at most 4,096 are looked at: L, a, b of one after the other. */
function sampledColours({ data }: Pixels): Float64Array {
  const count = data.length / 3;
  const step = Math.max(1, Math.ceil(count / MOST_PIXELS));
  const colours = new Float64Array(3 * Math.ceil(count / step));
  for (let i = 0, at = 0; i < count; i += step, at += 3) colours.set(labOf(data[3 * i], data[3 * i + 1], data[3 * i + 2]), at);
  return colours;
}

/** k-means++ (Arthur and Vassilvitskii 2007): each next centre drawn with chance proportional to squared distance. */
function startCentres(colours: Float64Array, random: Random): Float64Array {
  const count = colours.length / 3;
  const centres = [...centreAt(colours, random.integer(count))];
  const squared = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  while (centres.length < 3 * CLUSTERS) {
    const from = centres.length - 3;
    let total = 0;
    for (let i = 0; i < count; i++) {
      squared[i] = Math.min(squared[i], squaredDifference(colours, 3 * i, centres, from));
      total += squared[i];
    }
    if (total === 0) break;
    let left = random.next() * total;
    let at = 0;
    while (at < count - 1 && (left -= squared[at]) > 0) at++;
    centres.push(...centreAt(colours, at));
  }
  return Float64Array.from(centres);
}

function centreAt(colours: Float64Array, at: number): Float64Array {
  return colours.subarray(3 * at, 3 * at + 3);
}

/** One round: every colour to its nearest centre, every centre to the mean of its colours; one without any stays. */
function moveCentres(colours: Float64Array, centres: Float64Array, counts: Uint32Array): void {
  const sums = new Float64Array(centres.length);
  counts.fill(0);
  for (let at = 0; at < colours.length; at += 3) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c < centres.length; c += 3) {
      const difference = squaredDifference(colours, at, centres, c);
      if (difference >= least) continue;
      least = difference;
      best = c;
    }
    counts[best / 3]++;
    for (let axis = 0; axis < 3; axis++) sums[best + axis] += colours[at + axis];
  }
  for (let i = 0; i < centres.length; i++) {
    const size = counts[Math.floor(i / 3)];
    if (size > 0) centres[i] = sums[i] / size;
  }
}

/** Squared CIE 1976 difference of the colours at two places. */
function squaredDifference(a: Float64Array, i: number, b: ArrayLike<number>, j: number): number {
  const l = a[i] - b[j];
  const u = a[i + 1] - b[j + 1];
  const v = a[i + 2] - b[j + 2];
  return l * l + u * u + v * v;
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
  const mix = (axis: 0 | 1 | 2): number => (share === 0 ? a.lab[axis] : (a.lab[axis] * a.share + b.lab[axis] * b.share) / share);
  return { lab: [mix(0), mix(1), mix(2)], share };
}
