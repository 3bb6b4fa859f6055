import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ImageDetections } from '../../src/detection/detection.ts';
import { VisualState } from '../../src/service/visual-state.ts';
import { bundledNet } from '../../src/vision/net-folder.ts';
import { temporaryFolder, testConfig } from '../world.ts';

/** Two objects far apart, the second the weaker one. */
const FOUND: ImageDetections = {
  width: 100,
  height: 100,
  detections: [
    { label: 'shoe', score: 0.9, box: [0, 0, 20, 20], detector: 'detector' },
    { label: 'bag', score: 0.8, box: [60, 60, 80, 80], detector: 'detector' },
  ],
};

/** The labels listed by a detector with such rules. */
function listed(rules: Readonly<Record<string, unknown>>): readonly string[] {
  const folder = temporaryFolder();
  const net = join(folder, 'nets', 'detector');
  cpSync(bundledNet('detectors/fashion'), net, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(net, 'manifest.json'), 'utf8')) as object;
  writeFileSync(join(net, 'manifest.json'), JSON.stringify({ ...manifest, ...rules }));
  const looks = new VisualState(testConfig(folder), folder, {});
  const labels = looks.objectsIn(FOUND)?.objects.map(({ label }) => label) ?? [];
  looks.close();
  return labels;
}

// Serving had rules of its own, which left `proposals` out: pages listed objects that no job had.
it('objects are read by the rules that the detector states, as jobs read them', () => {
  expect(listed({})).toEqual(['shoe', 'bag']);
  expect(listed({ scoreThreshold: 0.85 })).toEqual(['shoe']);
  expect(listed({ proposals: 1 })).toEqual(['shoe']);
});
