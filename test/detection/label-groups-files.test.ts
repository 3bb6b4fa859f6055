import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readLabelGroups } from '../../src/detection/label-groups.ts';

const data = (relative: string): string => fileURLToPath(new URL(`../../data/${relative}`, import.meta.url));
const labelsIn = (file: string): string[] =>
  Object.values(readLabelGroups(data(file)))
    .flat()
    .sort();

it('the groups that ship hold every label of COCO once', () => {
  expect(labelsIn('label-groups/coco.yaml')).toEqual((JSON.parse(readFileSync(data('coco-labels.json'), 'utf8')) as string[]).sort());
});

it('the groups that ship hold every label of the bundled fashion detector once', () => {
  const { labels } = JSON.parse(readFileSync(data('nets/detectors/fashion/manifest.json'), 'utf8')) as { labels: string[] };
  const grouped = labelsIn('label-groups/garments-and-rooms.yaml');
  expect(grouped).toEqual([...new Set(grouped)]);
  for (const label of labels) expect(grouped).toContain(label);
});
