import { AggregatorRegistry, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { CountedHistogram } from '../../src/api/shell/counted-histogram.ts';
import { seededRandom } from '../../src/math/random.ts';

const SHAPES = [
  { name: 'seconds', help: 'Time "so far".', labelNames: ['route', 'status'], buckets: [0.0005, 0.001, 0.25, 10] },
  { name: 'rows', help: 'Rows.', labelNames: ['surface'], buckets: [0, 1, 100] },
];
const LABELS: Readonly<Record<string, readonly string[]>> = {
  route: ['/v1/pins/:id/related', 'unknown', 'a "quoted"\nline'],
  status: ['200', '404'],
  surface: ['rank', 'lens'],
};

/** The same values into ours and into prom-client's. */
function bothOf(seed: number): readonly [ours: Registry, theirs: Registry] {
  const [ours, theirs] = [new Registry(), new Registry()];
  const random = seededRandom(seed);
  for (const shape of SHAPES) {
    const own = new CountedHistogram(ours, shape);
    const plain = new Histogram({ ...shape, registers: [theirs] });
    for (let n = 0; n < 200; n++) {
      // Bounds themselves among them, and values beyond the last.
      const value = n % 3 === 0 ? random.pick(shape.buckets) : random.next() * 1.2 * (shape.buckets.at(-1) ?? 0);
      const labels = shape.labelNames.map((label) => random.pick(LABELS[label]));
      own.observe(value, ...labels);
      plain.observe(Object.fromEntries(shape.labelNames.map((label, at) => [label, labels[at]])), value);
    }
  }
  return [ours, theirs];
}

test('the text of a counted histogram is that of prom-client', async () => {
  const [ours, theirs] = bothOf(1);
  expect(await ours.metrics()).toBe(await theirs.metrics());
});

test('added up over threads it is that of prom-client as well', async () => {
  const [first, second] = [bothOf(2), bothOf(3)];
  const sum = async (at: 0 | 1): Promise<string> =>
    AggregatorRegistry.aggregate([await first[at].getMetricsAsJSON(), await second[at].getMetricsAsJSON()]).metrics();
  expect(await sum(0)).toBe(await sum(1));
});
