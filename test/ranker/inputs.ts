import { SITE_CATEGORIES } from '../../src/config.ts';
import type { CandidateList } from '../../src/candidates/candidate.ts';
import type { PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { GrowingSparseRows } from '../../src/catalog/pins/sparse-rows.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import type { VisualFeatures } from '../../src/features/visual-features.ts';
import { seededRandom } from '../../src/math/random.ts';
import type { RankingRequest } from '../../src/ranker/scoring/ranking-feature.ts';

/** A made-up request of `count` candidates over codes of `bits` bits: pin 0 asks, pins 1 .. count answer. */
export function madeUpRequest(count: number, bits: number, seed = 1): RankingRequest {
  const pins = madeUpPins(count + 1, seed);
  const visual = madeUpVisual(count + 1, bits, seed);
  const random = seededRandom(seed + 7);
  const sourceNames = ['board-cooccurrence', 'visual-neighbors'];
  const sourceScores = Float32Array.from({ length: count * 2 }, () => (random.next() < 0.5 ? random.next() : Number.NaN));
  const candidates: CandidateList = {
    count,
    pinIndexes: Int32Array.from({ length: count }, (_, row) => row + 1),
    sourceNames,
    sourceScores,
  };
  const code = visual.image.codes.slice(0, visual.image.words);
  const scores = Float32Array.from({ length: 8 }, () => random.next());
  return {
    query: { pinIndex: 0, code, classScores: scores, dominantObject: { label: 'shoe', code, scores } },
    candidates,
    pins,
    visual,
    user: {
      categories: Float32Array.from({ length: 32 }, () => random.next()),
      cooccurrence: new Map([[1, 0.5]]),
      code,
    },
    engagement: {
      clicksOverExpected: (_, __, n, out) => {
        out.fill(2, 0, n);
        return true;
      },
    },
    now: 1000,
  };
}

function madeUpPins(count: number, seed: number): PinColumns {
  const random = seededRandom(seed);
  const categories = new GrowingSparseRows();
  const annotations = new GrowingSparseRows();
  const titleTerms = new GrowingSparseRows();
  const distinct = (below: number, entries: number): [number, number][] =>
    [...new Set(Array.from({ length: entries }, () => random.integer(below)))].map((ordinal) => [ordinal, 0.5]);
  for (let pin = 0; pin < count; pin++) {
    categories.set(pin, distinct(32, 3));
    annotations.set(pin, distinct(5000, 8));
    titleTerms.set(pin, distinct(3000, 5));
  }
  return {
    count,
    indexOf: Number,
    idOf: String,
    saves: Uint32Array.from({ length: count }, () => random.integer(100)),
    createdAt: Float64Array.from({ length: count }, (_, pin) => (pin % 5 === 0 ? Number.NaN : random.integer(1000))),
    domain: Int32Array.from({ length: count }, () => random.integer(3) - 1),
    flags: new Uint8Array(count),
    group: Int32Array.from({ length: count }, (_, pin) => pin),
    categories,
    categoryNames: SITE_CATEGORIES,
    annotations,
    annotationTerms: [],
    titleTerms,
    records: null,
  };
}

function madeUpVisual(count: number, bits: number, seed: number): VisualFeatures {
  const random = seededRandom(seed + 3);
  const image = allocateCodeTable(bits, count);
  for (let at = 0; at < image.codes.length; at++) image.codes[at] = random.integer(2 ** 32);
  for (let pin = 0; pin < count; pin++) image.has[pin] = pin % 7 === 3 ? 0 : 1;
  return {
    netDigest: 'made-up',
    image,
    imageScores: {
      length: 8,
      cosines: (_, pinIndexes, n, out) => {
        for (let i = 0; i < n; i++) out[i] = pinIndexes[i] % 7 === 3 ? Number.NaN : (pinIndexes[i] % 10) / 10;
      },
      scoresOf: () => null,
    },
    objectLabelOf: (pin) => (pin % 2 ? 'shoe' : null),
    objectOf: (pin) => (pin % 2 ? { label: 'shoe', code: image.codes.subarray(0, image.words), scores: new Float32Array(8) } : null),
  };
}
