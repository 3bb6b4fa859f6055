/** Forgets what was taken away more than a day ago: texts, stored pictures, features, local features, detections, objects and marks. */
import { rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import { isWebAddress } from '../catalog/pins/image-reference.ts';
import { forgetPinRows } from '../catalog/pins/removal-store.ts';

/** Where rows of pins lie beside the catalogue. */
const ROWS_OF_PINS = [
  ['features.sqlite', 'visual_features'],
  ['detections.sqlite', 'detections'],
  ['objects.sqlite', 'objects'],
  ['local-features.sqlite', 'local_features'],
  ['marks.sqlite', 'seen_pictures'],
  ['marks.sqlite', 'found_marks'],
] as const;

/** Pictures inside the data folder are deleted; those of the operator's own folders and of the web are not ours. Returns how many pins were forgotten. */
export function forgetRemoved(catalog: CatalogStore, dataFolder: string, now: number): number {
  const { pins, images } = catalog.removals.forget(now);
  if (pins.length === 0) return 0;
  for (const [file, table] of ROWS_OF_PINS) forgetPinRows(join(dataFolder, file), table, pins);
  for (const image of images) if (!isWebAddress(image) && !isAbsolute(image)) rmSync(join(dataFolder, image), { force: true });
  return pins.length;
}
