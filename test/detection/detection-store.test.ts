import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import type { ImageDetections } from '../../src/detection/detection.ts';
import { DetectionStore } from '../../src/detection/detection-store.ts';
import type { Net } from '../../src/vision/net-manifest.ts';

const net = (digest: string, labels: readonly string[]): Pick<Net, 'digest' | 'manifest'> =>
  ({ digest, manifest: { name: digest, labels } }) as unknown as Net;
const found: ImageDetections = {
  width: 200,
  height: 100,
  detections: [
    { label: 'shoe', score: 0.75, box: [1, 2, 30.5, 40] },
    { label: 'hat', score: 0.015625, box: [0, 0, 200, 100] },
  ],
};

describe('DetectionStore', () => {
  it('gives back what was written, weak detections too', () => {
    const store = new DetectionStore(openDatabase(':memory:'), net('a', ['hat', 'shoe']));
    store.write([{ pinIndex: 3, imageVersion: 1, found, failure: null }]);
    expect(store.read(3)).toEqual(found);
    expect(store.read(4)).toBeNull();
    expect([...store.all()]).toEqual([{ pinIndex: 3, found }]);
  });

  it('keeps two nets apart and replaces a pin’s row of the same net', () => {
    const database = openDatabase(':memory:');
    const [a, b] = [new DetectionStore(database, net('a', ['hat', 'shoe'])), new DetectionStore(database, net('b', ['hat', 'shoe']))];
    a.write([{ pinIndex: 3, imageVersion: 1, found, failure: null }]);
    expect(b.read(3)).toBeNull();
    a.write([{ pinIndex: 3, imageVersion: 2, found: { ...found, detections: [] }, failure: null }]);
    expect(a.read(3)?.detections).toEqual([]);
    expect(a.versionsSeen()).toEqual(new Map([[3, 2]]));
  });

  it('remembers refused images so that they are not tried again', () => {
    const store = new DetectionStore(openDatabase(':memory:'), net('a', ['hat']));
    store.write([{ pinIndex: 1, imageVersion: 1, found: null, failure: 'IMAGE_REFUSED' }]);
    expect(store.read(1)).toBeNull();
    expect(store.versionsSeen().get(1)).toBe(1);
    expect(store.failures()).toEqual({ IMAGE_REFUSED: 1 });
  });

  it('pages through many pins in order', () => {
    const store = new DetectionStore(openDatabase(':memory:'), net('a', ['hat', 'shoe']));
    const rows = Array.from({ length: 2100 }, (_, i) => ({ pinIndex: i, imageVersion: 1, found, failure: null }));
    store.write([...rows].reverse());
    expect([...store.all()].map((row) => row.pinIndex)).toEqual(rows.map((row) => row.pinIndex));
  });
});
