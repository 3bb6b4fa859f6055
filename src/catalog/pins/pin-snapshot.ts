/**
 * The resident columns of all pins as an artifact, so that a server starts by reading a few large arrays and not a million
 * rows; what came after it is taken in from the catalogue. A snapshot belongs to the catalogue that carries its key: after
 * a catalogue was put back from a backup, a later snapshot does not fit and is passed over, as is one from before saves
 * were taken out, or of other site-wide categories. Without a fitting one everything is read from the rows.
 */
import { SITE_CATEGORIES } from '../../config.ts';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import { ArtifactFolder } from '../artifacts/artifact-folder.ts';
import type { ArtifactFile, FlatArray } from '../artifacts/artifact-file.ts';
import type { CatalogStore } from './catalog-store.ts';
import { loadPinColumns, type ResidentPinColumns } from './pin-columns.ts';

const KIND = 'pin-columns';
const FORMAT = 3;
/** The number in the catalogue that names its snapshot. */
const KEY = 'pinSnapshot';
/** Fewer pins are read from their rows in no time. */
const PINS_MIN = 5000;
const KEYS = 2 ** 47;

interface SnapshotMetadata {
  readonly key: number;
  readonly sequence: number;
  readonly pins: number;
  readonly categories: readonly string[];
}

function snapshots(dataFolder: string): ArtifactFolder {
  return new ArtifactFolder(join(dataFolder, 'artifacts'), KIND, FORMAT);
}

/** The columns of all pins of a data folder, from its snapshot where there is a fitting one. `refused` hears of a damaged one. */
export function residentPins(
  dataFolder: string,
  catalog: CatalogStore,
  categories: readonly string[],
  refused?: (reason: string) => void,
): ResidentPinColumns {
  try {
    const columns = dataFolder === ':memory:' ? null : fromSnapshot(dataFolder, catalog, categories);
    if (columns) return columns;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    refused?.(reasonOf(error));
  }
  return loadPinColumns(catalog, categories);
}

function fromSnapshot(dataFolder: string, catalog: CatalogStore, categories: readonly string[]): ResidentPinColumns | null {
  const file = snapshots(dataFolder).open();
  if (file === null) return null;
  try {
    const { sequence } = file.about<SnapshotMetadata>();
    if (!fits(file, catalog, categories)) return null;
    return loadPinColumns(catalog, categories, { sequence, array: (name): FlatArray => file.read(name) });
  } finally {
    file.close();
  }
}

function fits(file: ArtifactFile, catalog: CatalogStore, categories: readonly string[]): boolean {
  const found = file.about<SnapshotMetadata>();
  const ofCatalogue = found.key === catalog.sequence.number(KEY) && found.sequence <= catalog.sequence.current();
  return ofCatalogue && !catalog.removedSince(found.sequence) && JSON.stringify(found.categories) === JSON.stringify(categories);
}

/** Writes the snapshot of a catalogue at the end of whatever changed much of it. Returns its version; null for a small one. */
export function snapshotPins(dataFolder: string, catalog: CatalogStore, categories: readonly string[] = SITE_CATEGORIES): string | null {
  if (catalog.pins.count() < PINS_MIN) return null;
  const columns = residentPins(dataFolder, catalog, categories);
  const key = randomInt(1, KEYS);
  const metadata: SnapshotMetadata = { key, sequence: columns.sequence, pins: columns.count, categories };
  const version = snapshots(dataFolder).write({ ...metadata }, columns.parts());
  catalog.sequence.setNumber(KEY, key);
  return version;
}
