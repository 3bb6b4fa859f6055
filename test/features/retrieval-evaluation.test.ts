import { expect, test } from 'vitest';
import { evaluateCodes, evaluateFittedCodes } from '../../src/features/retrieval-evaluation.ts';
import { truthFigures } from '../../src/jobs/nets/tuning-figures.ts';
import { seededRandom } from '../../src/math/random.ts';

const COUNT = 200;
const labels = Array.from({ length: COUNT }, (_, i) => [i % 2]);
const protocol = { labels, queries: null };
const codeOfLabel = (label: number): Uint32Array => Uint32Array.of(label === 0 ? 0 : 0xffffffff);

test('images that a code was fitted on do not ask with it: what only knows those is at chance', () => {
  const random = seededRandom(3);
  const noise = Array.from({ length: COUNT }, () => Uint32Array.of(random.integer(2 ** 32)));
  const seen: (readonly number[])[] = [];
  const learnedByHeart = (on: readonly number[]): readonly Uint32Array[] => {
    seen.push(on);
    const known = new Set(on);
    return labels.map(([label], i) => (known.has(i) ? codeOfLabel(label) : noise[i]));
  };
  const judged = evaluateFittedCodes(COUNT, learnedByHeart, protocol);
  expect(seen.map((on) => on.length)).toEqual([COUNT / 2, COUNT / 2]);
  expect([...seen.flat()].sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  expect(judged.queries).toBe(COUNT);
  expect(judged.p10).toBeLessThan(0.6);
  const all = Array.from({ length: COUNT }, (_, i) => i);
  expect(evaluateCodes(learnedByHeart(all), protocol).p10).toBe(1);
});

test('a code that truly tells labels is judged the same whichever half it was fitted on', () => {
  const judged = evaluateFittedCodes(COUNT, () => labels.map(([label]) => codeOfLabel(label)), protocol);
  expect(judged).toMatchObject({ p1: 1, p5: 1, p10: 1 });
});

test('tuning claims what it gains over the better of two untuned codes: as they are, and rotated alike', () => {
  const random = seededRandom(4);
  // One direction in eight tells labels, all are positive: plain signs are equal everywhere, a centred rotation finds them.
  const before = labels.map(([label]) => Float32Array.from({ length: 8 }, (_, i) => 5 + (i === 0 ? 2 * label : 0.5 * random.normal())));
  const rotated = before.map((row) => row.map((value, i) => (i === 0 ? value - 6 : value - 5)));
  const figuresOf = (after: readonly Float32Array[]) =>
    truthFigures('label', protocol, { before, rotated, after, short: before, rule: 'activation > 0', training: labels.map((_, i) => i) });
  const same = figuresOf(rotated);
  expect(same.before.code.p10).toBeLessThan(0.6);
  expect(same.before.rotatedCode.p10).toBeGreaterThan(0.6);
  expect(same.gain).toEqual({ over: 'untuned, rotated', p10: 0, interval: [0, 0], beatsUntuned: false });
  const learned = figuresOf(labels.map(([label]) => new Float32Array(8).fill(label === 0 ? -1 : 1)));
  expect(learned.gain).toMatchObject({ over: 'untuned, rotated', beatsUntuned: true });
  expect(learned.gain.p10).toBeCloseTo(1 - learned.before.rotatedCode.p10, 12);
});
