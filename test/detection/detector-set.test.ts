import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import type { Detection } from '../../src/detection/detection.ts';
import { type DetectorSet, readDetectorSet, readUnited, uniteDetections } from '../../src/detection/detector-set.ts';
import { SetDetections } from '../../src/detection/set-detections.ts';
import { bundledNet, switchOffDetector } from '../../src/vision/net-folder.ts';
import { temporaryFolder } from '../world.ts';

/** Detectors `fashion` (from 0.3) and `home` (from 0.5). */
const SET = {
  digest: 'both',
  detectors: [
    { name: 'fashion', net: { digest: 'f', manifest: { name: 'f', scoreThreshold: 0.3, nmsIou: 0.5, labels: ['shoe', 'eyewear'] } } },
    {
      name: 'home',
      net: { digest: 'h', manifest: { name: 'h', scoreThreshold: 0.5, nmsIou: 0.5, labels: ['footwear', 'desk', 'car', 'vehicle'] } },
    },
  ],
} as unknown as DetectorSet;

const found = (...detections: Detection[]) => ({ width: 100, height: 100, detections });
const at = (label: string, score: number, x = 0, side = 40): Detection => ({ label, score, box: [x, 0, x + side, side] });
const united = (fashion: readonly Detection[], home: readonly Detection[]) =>
  uniteDetections([
    { name: 'fashion', found: found(...fashion) },
    { name: 'home', found: found(...home) },
  ])?.detections ?? [];

describe('a set of detectors', () => {
  it('speaks in one word for one thing, shows it once, and says who found it', () => {
    const all = united([at('shoe', 0.6), at('eyewear', 0.4, 60, 10)], [at('footwear', 0.9), at('desk', 0.55)]);
    expect(readUnited(all, SET).map(({ label, score, detector }) => [label, score, detector])).toEqual([
      ['shoe', 0.9, 'home'],
      ['table', 0.55, 'home'],
      ['glasses', 0.4, 'fashion'],
    ]);
  });

  it('reads each detector by its own rules, or all by one least score', () => {
    const all = united([at('shoe', 0.35)], [at('desk', 0.35, 50)]);
    expect(readUnited(all, SET).map(({ label }) => label)).toEqual(['shoe']);
    expect(readUnited(all, SET, () => 0.3)).toHaveLength(2);
  });

  it('counts a word less by a detector that is not its expert, and takes a pair and each of it for one thing', () => {
    const [fashion, home] = SET.detectors;
    const expert = { ...fashion, net: { ...fashion.net, manifest: { ...fashion.net.manifest, expertIn: ['fashion'] } } };
    const set = { digest: 'both', detectors: [expert, home] } as DetectorSet;
    const feet: Detection = { label: 'footwear', score: 0.9, box: [0, 0, 90, 40] };
    const all = united([at('shoe', 0.7), at('shoe', 0.6, 50)], [feet, at('desk', 0.8)]);
    // 0.9 by one that is no expert in shoes counts 0.54, and lies on both shoes. Nobody is expert in tables.
    expect(readUnited(all, set).map(({ label, score, detector }) => [label, score, detector])).toEqual([
      ['table', 0.8, 'home'],
      ['shoe', 0.7, 'fashion'],
      ['shoe', 0.6, 'fashion'],
    ]);
    // Where the expert sees nothing, it is what there is.
    const alone = readUnited(united([], [feet]), set);
    expect(alone.map(({ label }) => label)).toEqual(['shoe']);
    expect(alone[0].score).toBeCloseTo(0.54, 12);
  });

  it('lets a general word give way to a particular one on the same place, unless that is much weaker', () => {
    const labels = (vehicle: number, car: number): string[] =>
      readUnited(united([], [at('vehicle', vehicle), at('car', car)]), SET, () => 0.1).map(({ label }) => label);
    expect(labels(0.8, 0.5)).toEqual(['car']);
    expect(labels(0.8, 0.2)).toEqual(['vehicle', 'car']);
    expect(readUnited(united([], [at('vehicle', 0.8), at('car', 0.7, 60)]), SET)).toHaveLength(2);
  });

  it('is stored by detector and read as one, pin by pin, also where only one has seen a pin', () => {
    const store = new SetDetections(openDatabase(':memory:'), SET);
    const row = (pinIndex: number, detection: Detection) => ({ pinIndex, imageVersion: 1, found: found(detection), failure: null });
    store.of('fashion').write([row(1, at('shoe', 0.5)), row(3, at('shoe', 0.75))]);
    store.of('home').write([row(2, at('desk', 0.5)), row(3, at('car', 0.625))]);
    const rows = [...store.all()].map(({ pinIndex, found: { detections } }) => [pinIndex, ...detections.map(({ label }) => label)]);
    expect(rows).toEqual([
      [1, 'shoe'],
      [2, 'table'],
      [3, 'shoe', 'car'],
    ]);
    expect(store.read(3)?.detections.map(({ detector }) => detector)).toEqual(['fashion', 'home']);
    expect(store.read(4)).toBeNull();
    expect(() => store.of('garden')).toThrow(/fashion, home/);
  });
});

describe('the detectors of a data folder', () => {
  const names = (folder: string): string[] => readDetectorSet(folder).detectors.map(({ name }) => name);
  /** A copy of a bundled detector. */
  const put = (folder: string, path: string): void =>
    cpSync(bundledNet('detectors/fashion'), join(folder, 'nets', path), { recursive: true });

  it('are those that ship, and its own', () => {
    const folder = temporaryFolder();
    expect(names(folder)).toEqual(['everyday', 'fashion']);
    expect(readDetectorSet(folder).detectors.every(({ net }) => net.manifest.kind === 'detector')).toBe(true);
    // The same net again counts once, by its own rules.
    put(folder, 'detectors/mine');
    expect(names(folder)).toEqual(['everyday', 'mine']);
  });

  it('a folder of that name without a net switches one off', () => {
    const folder = temporaryFolder();
    switchOffDetector(folder, 'everyday');
    expect(names(folder)).toEqual(['fashion']);
    // Alone it keeps its digest: what was stored under a single detector stays valid.
    const { digest, detectors } = readDetectorSet(folder);
    expect(digest).toBe(detectors[0].net.digest);
  });

  it('nets/detector of earlier versions is one of them', () => {
    const folder = temporaryFolder();
    put(folder, 'detector');
    expect(names(folder)).toEqual(['detector', 'everyday']);
  });

  it('a refused one is an error of a job, and left out where somebody is told', () => {
    const folder = temporaryFolder();
    put(folder, 'detectors/broken');
    const manifest = join(folder, 'nets', 'detectors', 'broken', 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"ssd"', '"no such form"'));
    expect(() => readDetectorSet(folder)).toThrow(/no such form/);
    const told: unknown[] = [];
    expect(readDetectorSet(folder, (error) => told.push(error)).detectors.map(({ name }) => name)).toEqual(['everyday', 'fashion']);
    expect(told).toHaveLength(1);
  });
});
