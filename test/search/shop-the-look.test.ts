import { expect, it } from 'vitest';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { annotationIdf } from '../../src/search/annotation-terms.ts';
import { countCompany } from '../../src/search/label-company.ts';
import { ObjectIndex } from '../../src/search/object-index.ts';
import { shopTheLook } from '../../src/search/shop-the-look.ts';
import { smallColumns } from './small-catalog.ts';

/** Pins 0..5: even ones are for sale; pins 2 and 4 hold a lamp, pin 3 too but it is not for sale. */
const columns = smallColumns(Array.from({ length: 6 }, (_, i) => ({ buyable: i % 2 === 0 })));
const code = (ones: number): Uint32Array => Uint32Array.of(ones === 0 ? 0 : 2 ** ones - 1);
const table = allocateCodeTable(32, 6);
for (let pin = 0; pin < 6; pin++) {
  table.codes.set(code(pin), pin);
  table.has[pin] = 1;
}
const index = new ObjectIndex(32);
const box = [0, 0, 9, 9] as const;
for (const pinIndex of [2, 3, 4]) index.setPin(pinIndex, [{ pinIndex, label: 'lamp', score: 0.9, box, code: code(pinIndex + 5) }]);
const company = countCompany([...Array(9).fill({ labels: ['sofa', 'lamp'] }), { labels: ['rug'] }]);
const sources = { columns, index: new ExactIndex(table), bits: 32, idf: annotationIdf(columns) };
const shelves = { sources, index, company, exclude: new Set<number>() };
const scene = (label: string) => ({ code: code(0), pinIndex: -1, objects: [{ label, score: 0.8, box, code: code(0) }] });

it('offers things of the same kind that are for sale, nearest first', async () => {
  const [part] = await shopTheLook(scene('lamp'), shelves, 4);
  expect(part).toMatchObject({ label: 'lamp', box });
  expect(part.items.map(({ pinIndex }) => pinIndex)).toEqual([2, 4]);
});

it('looks among all that is for sale where the kind is not, and completes the look', async () => {
  const parts = await shopTheLook(scene('sofa'), shelves, 2);
  expect(parts.map(({ label, items }) => [label, items.map(({ pinIndex }) => pinIndex)])).toEqual([
    ['sofa', [0, 2]],
    ['lamp', [4]],
  ]);
  expect(parts[1].box).toBeNull();
});

it('offers nothing twice, and nothing that was excluded', async () => {
  const parts = await shopTheLook(scene('lamp'), { ...shelves, exclude: new Set([2]) }, 4);
  expect(parts[0].items.map(({ pinIndex }) => pinIndex)).toEqual([4]);
});
