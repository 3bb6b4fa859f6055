/**
 * What the visual surfaces keep between requests: the inference threads, the exact scan, idf of the annotations, the index
 * of objects (kept up with `index-objects`), the fitted thresholds, pictures and crops of late.
 */
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { ExactIndex } from '../../candidates/visual/exact-index.ts';
import type { Context } from '../../service/context.ts';
import type { PinObject } from '../../detection/pin-objects.ts';
import { ServiceError } from '../../errors.ts';
import { unfitted } from '../../features/binarize.ts';
import { netKeyOf } from '../../features/feature-store.ts';
import type { VisualFeatures } from '../../features/visual-features.ts';
import { type Naming, namingOf, type SeenWord } from '../../features/words.ts';
import { annotationIdf } from '../../search/annotation-terms.ts';
import { familiarAgreement, type Familiarity } from '../../search/familiarity.ts';
import { visualSearch, type VisualSearchSources } from '../../search/flashlight.ts';
import { type DotSignals, dotSignals } from '../../search/object-dots.ts';
import { ObjectIndex } from '../../search/object-index.ts';
import { PictureReader, type QueryNet, type QueryPicture, type RegionSight } from '../../search/picture.ts';
import { ResidentObjects } from '../../search/resident-objects.ts';
import { type ServingThresholds, servingThresholds, THRESHOLDS_FILE } from '../../search/search-thresholds.ts';
import type { PinObjects } from '../../service/visual-state.ts';
import { type NetInput, readNet } from '../../vision/net-manifest.ts';
import { type DetectorSet, type OpenDetectors, openDetectors } from '../../detection/detector-set.ts';
import { type ObjectStore, openObjectStore } from '../../search/object-store.ts';
import { bytesOfPin } from './visual-query.ts';
import { stampOf } from '../../swapped-file.ts';

/** Bytes of pins' pictures that are kept, because a dragged box asks for the same one again and again. */
const PICTURE_BYTES = 64 * 2 ** 20;
/** Pins whose dots were judged on demand and are kept. */
const JUDGED_PINS = 10_000;
/** Milliseconds between looks for newer objects and thresholds. */
const LOOK_MS = 500;
/** The index of dominant objects is made anew when the catalogue has grown by a tenth. */
const GROWN = 1.1;

export class VisualDesk {
  readonly reader: PictureReader;
  private readonly context: Context;
  private readonly pictures = new LRUCache<string, Uint8Array>({ maxSize: PICTURE_BYTES, sizeCalculation: (bytes) => bytes.length + 1 });
  private readonly judged = new LRUCache<string, Promise<readonly DotSignals[]>>({ max: JUDGED_PINS });
  private scan: { readonly of: VisualFeatures['image']; readonly index: ExactIndex } | null = null;
  private idf: { readonly pins: number; readonly values: Float32Array } | null = null;
  private detectors: { readonly of: DetectorSet; readonly opened: OpenDetectors | null } | null = null;
  /** The rows of other nets or detectors, opened and not served yet. */
  private coming: { readonly key: string; readonly store: ObjectStore } | null = null;
  private resident: { readonly key: string; readonly netKey: string; readonly objects: ResidentObjects } | null = null;
  private dominants: { readonly of: VisualFeatures; readonly pins: number; readonly index: ObjectIndex } | null = null;
  private thresholds: { readonly key: string; readonly values: ServingThresholds } | null = null;
  private familiarity: {
    readonly of: VisualFeatures['image'];
    readonly pins: number;
    readonly agreement: Promise<Familiarity | null>;
  } | null = null;
  /** The last of them that is known. */
  private measured: Familiarity | null = null;
  private queryNet: { readonly digest: string; readonly input: NetInput; readonly naming: Naming | null } | null = null;
  private lookedAt = Number.NEGATIVE_INFINITY;
  /** Pieces of work begun and not done. */
  private underWay = 0;

  constructor(context: Context) {
    const { config, inference } = context;
    this.context = context;
    const limits = { bytes: config.uploadLimitBytes, pixels: config.imagePixelLimit };
    this.reader = new PictureReader(inference, () => this.openDetectors(), limits);
  }

  /** The detectors at work, opened again when one came or went; null without any. What is refused is told in `degraded`. */
  private openDetectors(): OpenDetectors | null {
    const { looks, inference } = this.context;
    const of = looks.detectors;
    if (this.detectors?.of !== of) this.detectors = { of, opened: of.detectors.length === 0 ? null : openDetectors(of, inference) };
    return this.detectors.opened;
  }

  get features(): VisualFeatures {
    const { visual } = this.context;
    if (visual) return visual;
    throw new ServiceError('INDEX_UNAVAILABLE', {
      index: 'visual features',
      reason: 'no image was read yet: run extract-features',
      retryAfterSeconds: 30,
    });
  }

  get sources(): VisualSearchSources {
    const { image } = this.features;
    const { pins } = this.context;
    if (this.scan?.of !== image) this.scan = { of: image, index: new ExactIndex(image) };
    if (this.idf?.pins !== pins.count) this.idf = { pins: pins.count, values: annotationIdf(pins) };
    return { columns: pins, index: this.scan.index, bits: image.bits, idf: this.idf.values };
  }

  get net(): QueryNet {
    const { looks } = this.context;
    const { net } = looks;
    const binarizer = net && (looks.store.binarizer(looks.store.netIdOf(net)) ?? unfitted(net.rule, net.fc6Length));
    if (!net || !binarizer)
      throw new ServiceError('INDEX_UNAVAILABLE', {
        index: 'visual features',
        reason: 'the active net has no codes yet: run extract-features',
        retryAfterSeconds: 30,
      });
    if (this.queryNet?.digest !== net.digest) {
      const { manifest } = readNet(looks.netFolder);
      this.queryNet = { digest: net.digest, input: manifest.input, naming: namingOf(manifest) };
    }
    return { folder: looks.netFolder, binarizer, ...this.queryNet };
  }

  /** A pin's picture, its bytes kept for the next step of the box. Throws IMAGE_REFUSED for a pin without one. */
  async pictureOf(pinIndex: number): Promise<QueryPicture> {
    const key = this.context.catalog.pins.get(pinIndex)?.image ?? '';
    const known = this.pictures.get(key);
    if (known) return { bytes: known, key };
    const bytes = await bytesOfPin(this.context, pinIndex);
    this.pictures.set(key, bytes);
    return { bytes, key };
  }

  /** What the net made of a whole picture that extraction has seen. */
  knownSight(pinIndex: number, { image }: VisualFeatures): RegionSight | null {
    if (pinIndex < 0 || pinIndex >= image.capacity || image.has[pinIndex] === 0) return null;
    const code = image.codes.slice(pinIndex * image.words, (pinIndex + 1) * image.words);
    const seen = Object.entries(this.context.catalog.pins.get(pinIndex)?.seen ?? {});
    return { code, words: seen.map(([word, confidence]) => ({ word, confidence })) };
  }

  /** Object crops that `index-objects` stored; what it writes is taken in part by part. Null without nets. */
  get objects(): ResidentObjects | null {
    const { looks, dataFolder } = this.context;
    const netKey = looks.net && netKeyOf(looks.net);
    const key = `${netKey} ${looks.detectors.digest}`;
    if (netKey !== null && this.resident?.key !== key && looks.detectors.detectors.length > 0) {
      if (this.coming?.key !== key) {
        this.coming?.store.close();
        this.coming = { key, store: openObjectStore(dataFolder, netKey, looks.detectors.digest) };
      }
      // Objects of the detectors before are served until index-objects has written those of the present ones.
      if (this.resident?.netKey !== netKey || this.coming.store.sequence() > 0) {
        this.resident?.objects.close();
        this.resident = { key, netKey, objects: new ResidentObjects(this.coming.store, this.features.image.bits) };
        this.coming = null;
      }
    }
    this.lookForChanges();
    return this.resident?.objects ?? null;
  }

  /** The index of objects: the stored crops, or (before `index-objects` ran) the dominant objects'. */
  get objectIndex(): ObjectIndex {
    const stored = this.objects?.index;
    return stored && stored.count > 0 ? stored : this.dominantIndex;
  }

  private get dominantIndex(): ObjectIndex {
    const { features, context } = this;
    if (this.dominants?.of === features && context.pins.count < GROWN * this.dominants.pins) return this.dominants.index;
    const index = new ObjectIndex(features.image.bits);
    for (let pinIndex = 0; pinIndex < context.pins.count; pinIndex++) {
      const object = features.objectOf(pinIndex);
      const dominant = object && context.objectsOf(pinIndex)?.objects.find((row) => row.dominant);
      if (object && dominant)
        index.setPin(pinIndex, [{ pinIndex, label: dominant.label, score: dominant.score, box: dominant.box, code: object.code }]);
    }
    this.dominants = { of: features, pins: context.pins.count, index };
    return index;
  }

  /** How much agreement says something, sampled anew when the catalogue has doubled. */
  familiar(): Promise<Familiarity | null> {
    const { image } = this.features;
    const { pins } = this.context;
    if (this.familiarity && this.familiarity.of === image && pins.count < 2 * this.familiarity.pins) return this.familiarity.agreement;
    const agreement = familiarAgreement(image, this.sources.index, (pinIndex) => pins.group[pinIndex]);
    this.familiarity = { of: image, pins: pins.count, agreement };
    this.measured = null;
    void agreement.then(
      (found) => (this.measured = found),
      () => undefined,
    );
    return agreement;
  }

  /** The same as far as it is known: what is searched does not wait for it. */
  get familiarNow(): Familiarity | null {
    void this.familiar().catch(() => undefined);
    return this.measured;
  }

  /** The thresholds of the active nets, read again when the catalogue's file changed. */
  get fitted(): ServingThresholds {
    const { dataFolder, looks } = this.context;
    const file = join(dataFolder, THRESHOLDS_FILE);
    const { netDigest } = this.features;
    const key = `${netDigest} ${looks.detectors.digest} ${stampOf(file)}`;
    if (this.thresholds?.key !== key) this.thresholds = { key, values: servingThresholds(dataFolder, netDigest, looks.detectors) };
    return this.thresholds.values;
  }

  private lookForChanges(): void {
    const now = performance.now();
    if (!this.resident || now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    const objects = this.resident.objects;
    const more = (): void => {
      if (objects.refresh()) setImmediate(more);
    };
    more();
  }

  /** The objects of a pin's picture: stored ones, or detected now. Null without a detector. */
  async objectsOf(pinIndex: number): Promise<PinObjects | null> {
    const stored = this.context.objectsOf(pinIndex);
    if (stored || !this.reader.hasDetector) return stored;
    return this.context.looks.objectsIn(await this.reader.detect(await this.pictureOf(pinIndex)));
  }

  /** What the net says it sees in an object; none before `index-objects` ran. */
  wordsOf(pinIndex: number, { label, box }: PinObject): readonly SeenWord[] {
    const stored = this.objects?.of(pinIndex)?.objects ?? [];
    return stored.find((row) => row.label === label && row.box.join() === box.join())?.words ?? [];
  }

  /** Whether the objects of a pin can be told from its picture only. */
  needsPicture(pinIndex: number): boolean {
    const stored = this.context.objectsOf(pinIndex);
    if (!stored) return this.reader.hasDetector;
    return this.context.visual !== null && this.storedSignals(pinIndex, stored.objects) === null;
  }

  private storedSignals(pinIndex: number, objects: readonly PinObject[]): readonly DotSignals[] | null {
    const stored = this.objects?.of(pinIndex)?.objects ?? [];
    const found = objects.map(({ label, box }) => stored.find((row) => row.label === label && row.box.join() === box.join())?.signals);
    return found.every((signals) => signals !== undefined) ? found : null;
  }

  /** What a search by each object's crop says: stored by `index-objects`, or asked now and remembered. */
  async signalsOf(pinIndex: number, objects: readonly PinObject[]): Promise<readonly DotSignals[]> {
    const found = this.storedSignals(pinIndex, objects);
    if (found) return found;
    const key = `${this.features.netDigest}|${pinIndex}|${objects.map(({ box }) => box.join()).join('|')}`;
    const known = this.judged.get(key) ?? this.judge(pinIndex, objects);
    this.judged.set(key, known);
    known.catch(() => this.judged.delete(key));
    return known;
  }

  private async judge(pinIndex: number, objects: readonly PinObject[]): Promise<readonly DotSignals[]> {
    const picture = await this.pictureOf(pinIndex);
    const sources = { ...this.sources, objects: this.objectIndex };
    const signals: DotSignals[] = [];
    for (const { box, label } of objects) {
      const code = await this.reader.code(picture, box, this.net);
      signals.push(dotSignals({ label, code, pinIndex }, await visualSearch({ code, pinIndex }, {}, sources), sources));
    }
    return signals;
  }

  /**
   * Settles as the work does. After visualWaitMs the caller is sent away and the work goes on, so that a later request finds
   * it done; such work counts on, or a storm of uploads would leave more of it behind than is done in minutes.
   *
   * @throws FEATURES_NOT_READY after visualWaitMs; SERVER_OVERLOADED when as much is under way as heavyInFlight allows.
   */
  async inTime<T>(begin: () => Promise<T>, pinId: string): Promise<T> {
    const { visualWaitMs, heavyInFlight } = this.context.config;
    if (this.underWay >= heavyInFlight) throw new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: 1 });
    this.underWay++;
    const work = begin().finally(() => this.underWay--);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, failed) => {
      const retryAfterSeconds = Math.ceil(visualWaitMs / 1000);
      timer = setTimeout(() => failed(new ServiceError('FEATURES_NOT_READY', { pinId, retryAfterSeconds })), visualWaitMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.coming?.store.close();
    this.resident?.objects.close();
  }
}
