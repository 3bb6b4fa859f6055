/** What visual search reads, as of now: the stores and indexes that the spine (visual-search.ts) is given. */
import type { CropLog } from '../catalog/log/crop-log.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import type { TextStore } from '../catalog/pins/text-store.ts';
import type { ImageDetections } from '../detection/detection.ts';
import type { ExactSearchThread } from '../exact/exact-search-thread.ts';
import type { PinObjects } from '../detection/pin-objects.ts';
import type { BoxUnit } from '../vision/box.ts';
import type { Familiarity } from './familiarity.ts';
import type { SearchFilters, VisualSearchSources } from './flashlight.ts';
import type { LabelCompany } from './label-company.ts';
import type { ObjectIndex } from './object-index.ts';
import type { PinObjectsRow } from './object-store.ts';
import type { PictureReader, QueryNet, QueryPicture, RegionSight } from './picture.ts';
import type { ServingThresholds } from './search-thresholds.ts';

/** Compares key points; not ready before `extract-local-features` and `build-vocabulary` ran. */
type ExactSearch = Pick<ExactSearchThread, 'isReady' | 'search'>;

export interface SearchParts {
  readonly pins: PinColumns;
  readonly text: TextStore;
  readonly crops: CropLog;
  readonly reader: PictureReader;
  /** The exact scan over the codes of whole images, and the idf of the annotations. */
  readonly sources: VisualSearchSources;
  readonly net: QueryNet;
  readonly fitted: ServingThresholds;
  /** Whether any image of the catalog has features. */
  readonly hasFeatures: boolean;
  /** The search for the very same thing. */
  readonly exact: ExactSearch;
  readonly objectIndex: ObjectIndex;
  readonly company: LabelCompany;
  /** How much agreement says something; null where the catalog cannot say. */
  familiar(): Promise<Familiarity | null>;
  /** The same as far as it is known: a search does not wait for it. */
  readonly familiarNow: Familiarity | null;
  /** @throws IMAGE_REFUSED for a pin without a picture, and what fetching one throws. */
  pictureOf(pinIndex: number): Promise<QueryPicture>;
  hasPicture(pinIndex: number): boolean;
  /** What the net made of a whole picture at its extraction; null for an upload, or before extraction. */
  knownSight(pinIndex: number): RegionSight | null;
  /** The objects among what was detected, by the rules of the detectors; null without a detector. */
  objectsIn(found: ImageDetections): PinObjects | null;
  /** The stored objects of a pin; null when no detector has seen its picture. */
  objectsOf(pinIndex: number): PinObjects | null;
  /** Codes, signals and words of a pin's objects, as `index-objects` stored them. */
  describedObjectsOf(pinIndex: number): PinObjectsRow | null;
}

/** A picture, the region of it that is meant, and which pins may answer. */
export interface PictureQuestion {
  /** -1: an upload. */
  readonly pinIndex: number;
  /** The bytes of an upload; null: those of the pin. */
  readonly upload: Uint8Array | null;
  /** Absent: the whole picture. */
  readonly box?: readonly number[] | undefined;
  readonly boxUnit: BoxUnit;
  readonly filters: SearchFilters;
}

/** Runs work for a caller who does not wait for ever. @throws FEATURES_NOT_READY, SERVER_OVERLOADED */
export type InTime = <T>(begin: () => Promise<T>) => Promise<T>;
