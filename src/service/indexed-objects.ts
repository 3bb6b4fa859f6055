/** The object crops that searches compare with: stored by `index-objects` and followed part by part, or before that the dominant objects. */
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { netKeyOf } from '../features/feature-store.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { LabelCompany } from '../search/label-company.ts';
import { ObjectIndex } from '../search/object-index.ts';
import { type ObjectStore, openObjectStore } from '../search/object-store.ts';
import { ResidentObjects } from '../search/resident-objects.ts';
import type { VisualState } from './visual-state.ts';

/** Milliseconds between looks for newer objects. */
const REFRESH_MS = 500;
/** The index of dominant objects is built again when the catalog has grown by a tenth. */
const GROWN = 1.1;
const NO_COMPANY: LabelCompany = { images: 0, counts: new Map(), together: new Map() };

export class IndexedObjects {
  private readonly dataFolder: string;
  private readonly looks: VisualState;
  private readonly pins: PinColumns;
  /** The rows of other nets or detectors, opened and not served yet. */
  private coming: { readonly key: string; readonly store: ObjectStore } | null = null;
  private resident: { readonly key: string; readonly netKey: string; readonly objects: ResidentObjects } | null = null;
  private dominants: { readonly of: VisualFeatures; readonly pins: number; readonly index: ObjectIndex } | null = null;
  private refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(dataFolder: string, looks: VisualState, pins: PinColumns) {
    this.dataFolder = dataFolder;
    this.looks = looks;
    this.pins = pins;
  }

  /** Stored object crops; what `index-objects` writes is taken in part by part. Null without nets. */
  stored(features: VisualFeatures): ResidentObjects | null {
    const { looks } = this;
    const netKey = looks.net && netKeyOf(looks.net);
    const key = `${netKey} ${looks.detectors.digest}`;
    if (netKey !== null && this.resident?.key !== key && looks.detectors.detectors.length > 0) this.open(key, netKey, features);
    this.refresh();
    return this.resident?.objects ?? null;
  }

  index(features: VisualFeatures): ObjectIndex {
    const stored = this.stored(features)?.index;
    return stored && stored.count > 0 ? stored : this.dominantIndex(features);
  }

  company(features: VisualFeatures): LabelCompany {
    return this.stored(features)?.company ?? NO_COMPANY;
  }

  /** Objects of the detectors before are served until index-objects has written those of the present ones. */
  private open(key: string, netKey: string, features: VisualFeatures): void {
    if (this.coming?.key !== key) {
      this.coming?.store.close();
      this.coming = { key, store: openObjectStore(this.dataFolder, netKey, this.looks.detectors.digest) };
    }
    if (this.resident?.netKey === netKey && this.coming.store.sequence() === 0) return;
    this.resident?.objects.close();
    this.resident = { key, netKey, objects: new ResidentObjects(this.coming.store, features.image.bits) };
    this.coming = null;
  }

  private dominantIndex(features: VisualFeatures): ObjectIndex {
    const { pins } = this;
    if (this.dominants?.of === features && pins.count < GROWN * this.dominants.pins) return this.dominants.index;
    const index = new ObjectIndex(features.image.bits);
    for (let pinIndex = 0; pinIndex < pins.count; pinIndex++) {
      const object = features.objectOf(pinIndex);
      const dominant = object && this.looks.objectsOf(pinIndex)?.objects.find((row) => row.dominant);
      if (object && dominant)
        index.setPin(pinIndex, [{ pinIndex, label: dominant.label, score: dominant.score, box: dominant.box, code: object.code }]);
    }
    this.dominants = { of: features, pins: pins.count, index };
    return index;
  }

  private refresh(): void {
    const now = performance.now();
    if (!this.resident || now - this.refreshedAt < REFRESH_MS) return;
    this.refreshedAt = now;
    const { objects } = this.resident;
    const more = (): void => {
      if (objects.refresh()) setImmediate(more);
    };
    more();
  }

  close(): void {
    this.coming?.store.close();
    this.resident?.objects.close();
  }
}
