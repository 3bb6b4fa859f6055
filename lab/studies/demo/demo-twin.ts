/**
 * Worlds of one seed and size show the same pictures: planted and reversed the same on the same pins, null the same dealt out
 * again. So each picture is drawn and looked at once, and the second world takes over files, features and boxes of the first.
 */
import { existsSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '../../../src/catalog/pins/catalog-store.ts';
import { featureNetOf } from '../../../src/features/convnet.ts';
import { openFeatureStore, type Subject } from '../../../src/features/feature-store.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { readNet } from '../../../src/vision/net-manifest.ts';
import type { Recipe } from '../../world/recipe.ts';
import type { JobInput } from '../../../src/jobs/job.ts';
import { readDetectorSet } from '../../../src/detection/detector-set.ts';
import { openSetDetections } from '../../../src/detection/set-detections.ts';

const SUBJECTS: readonly Subject[] = ['image', 'object'];

/** Links the picture that each pin shows from the twin's folder, where pin i shows picture i. */
export function linkPictures({ pins }: Recipe, twin: string, dataFolder: string): void {
  const file = (folder: string, pin: number): string => join(folder, 'world', 'images', `${pins[pin].id}.jpg`);
  mkdirSync(join(dataFolder, 'world', 'images'), { recursive: true });
  pins.forEach(({ picture }, pin) => {
    if (!existsSync(file(dataFolder, pin))) linkSync(file(twin, picture), file(dataFolder, pin));
  });
}

/** Takes over features and detections of the twin for every pin of the imported catalogue, pin by pin as pictures were dealt. */
export function adoptLooks({ dataFolder, config }: JobInput, { pins }: Recipe, twin: string): { readonly adopted: number } {
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  try {
    const images = [...catalog.pins.images()];
    const shownBy = new Map(pins.map(({ id, picture }) => [picture, catalog.pins.indexOf(id)]));
    const moved = <T extends { readonly pinIndex: number }>(row: T): T & { imageVersion: number } => {
      const pinIndex = shownBy.get(row.pinIndex) ?? row.pinIndex;
      return { ...row, pinIndex, imageVersion: images[pinIndex].imageVersion };
    };
    adoptFeatures(twin, dataFolder, config.synchronous, moved);
    adoptDetections(twin, dataFolder, config.synchronous, moved);
    catalog.pins.noteImages(images.map(({ pinIndex, imageVersion }) => ({ pinIndex, imageVersion, failure: null })));
    return { adopted: images.length };
  } finally {
    catalog.close();
  }
}

type Moved = <T extends { readonly pinIndex: number }>(row: T) => T & { imageVersion: number };

function adoptFeatures(twin: string, dataFolder: string, synchronous: JobInput['config']['synchronous'], moved: Moved): void {
  const net = featureNetOf(readNet(activeNet(dataFolder, 'visual')));
  const [from, to] = [openFeatureStore(twin, { readonly: true }), openFeatureStore(dataFolder, { synchronous })];
  const [fromId, toId] = [from.netIdOf(net), to.netIdOf(net)];
  const binarizer = from.binarizer(fromId);
  if (binarizer) to.setBinarizer(toId, binarizer);
  for (const subject of SUBJECTS) to.put(toId, subject, [...from.rows(fromId, subject)].map(moved));
  from.close();
  to.close();
}

function adoptDetections(twin: string, dataFolder: string, synchronous: JobInput['config']['synchronous'], moved: Moved): void {
  const set = readDetectorSet(dataFolder);
  const [from, to] = [openSetDetections(twin, set, { readonly: true }), openSetDetections(dataFolder, set, { synchronous })];
  for (const { name } of set.detectors)
    to.of(name).write([...from.of(name).all()].map(({ pinIndex, found }) => moved({ pinIndex, found, failure: null })));
  from.close();
  to.close();
}
