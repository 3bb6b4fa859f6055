/** What visual search keeps between requests, brought up to date when it is read. */
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { ExactIndex } from '../candidates/visual/exact-index.ts';
import type { CropLog } from '../catalog/log/crop-log.ts';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import type { TextStore } from '../catalog/pins/text-store.ts';
import type { Config } from '../config.ts';
import type { ImageDetections } from '../detection/detection.ts';
import { type DetectorSet, type OpenDetectors, openDetectors } from '../detection/detector-set.ts';
import type { PinObjects } from '../detection/pin-objects.ts';
import { ServiceError } from '../errors.ts';
import { ExactSearchThread } from '../exact/exact-search-thread.ts';
import { unfitted } from '../features/binarize.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import { type Naming, namingOf } from '../features/words.ts';
import { annotationIdf } from '../search/annotation-terms.ts';
import { familiarAgreement, type Familiarity } from '../search/familiarity.ts';
import type { VisualSearchSources } from '../search/flashlight.ts';
import type { LabelCompany } from '../search/label-company.ts';
import type { ObjectIndex } from '../search/object-index.ts';
import type { PinObjectsRow } from '../search/object-store.ts';
import { PictureReader, type QueryNet, type QueryPicture, type RegionSight } from '../search/picture.ts';
import { PinDots } from '../search/pin-dots.ts';
import type { SearchParts } from '../search/search-parts.ts';
import { type ServingThresholds, servingThresholds, THRESHOLDS_FILE } from '../search/search-thresholds.ts';
import { stampOf } from '../swapped-file.ts';
import { imageLimitsOf, type InferencePool } from '../vision/inference-pool.ts';
import { type NetInput, readNet } from '../vision/net-manifest.ts';
import { IndexedObjects } from './indexed-objects.ts';
import type { VectorSets } from './vector-sets.ts';
import type { VisualState } from './visual-state.ts';
import type { WebImages } from './web-images.ts';

/** Bytes of pins' pictures that are cached, because a dragged box asks for the same one again and again. */
const PICTURE_BYTES = 64 * 2 ** 20;

interface SearchStateOptions {
  readonly config: Config;
  readonly dataFolder: string;
  readonly catalog: CatalogStore;
  readonly pins: PinColumns;
  readonly crops: CropLog;
  readonly looks: VisualState;
  readonly vectors: VectorSets;
  readonly webImages: WebImages;
  readonly pool: InferencePool;
}

export class SearchState implements SearchParts {
  readonly pins: PinColumns;
  readonly text: TextStore;
  readonly crops: CropLog;
  readonly reader: PictureReader;
  readonly dots: PinDots;
  readonly exact: ExactSearchThread;
  private readonly options: SearchStateOptions;
  private readonly indexed: IndexedObjects;
  private readonly pictures = new LRUCache<string, Uint8Array>({ maxSize: PICTURE_BYTES, sizeCalculation: (bytes) => bytes.length + 1 });
  private scan: { readonly of: VisualFeatures['image']; readonly index: ExactIndex } | null = null;
  private idf: { readonly pins: number; readonly values: Float32Array } | null = null;
  private detectors: { readonly of: DetectorSet; readonly opened: OpenDetectors | null } | null = null;
  private thresholds: { readonly key: string; readonly values: ServingThresholds } | null = null;
  private familiarity: {
    readonly of: VisualFeatures['image'];
    readonly pins: number;
    readonly agreement: Promise<Familiarity | null>;
  } | null = null;
  /** The last of them that is known. */
  private measured: Familiarity | null = null;
  private queryNet: { readonly digest: string; readonly input: NetInput; readonly naming: Naming | null } | null = null;

  constructor(options: SearchStateOptions) {
    const { config, dataFolder, catalog, pins, crops, looks, pool } = options;
    this.options = options;
    this.pins = pins;
    this.text = catalog.text;
    this.crops = crops;
    const limits = imageLimitsOf(config);
    this.reader = new PictureReader(pool, () => this.openDetectors(), limits);
    this.indexed = new IndexedObjects(dataFolder, looks, pins);
    this.dots = new PinDots(this);
    this.exact = new ExactSearchThread(dataFolder, limits);
  }

  /** The detectors at work, opened again when one came or went; null without any. Refused ones stand in `degraded`. */
  private openDetectors(): OpenDetectors | null {
    const { looks, pool } = this.options;
    const of = looks.detectors;
    if (this.detectors?.of !== of) this.detectors = { of, opened: of.detectors.length === 0 ? null : openDetectors(of, pool) };
    return this.detectors.opened;
  }

  get hasFeatures(): boolean {
    return this.options.looks.visual !== null;
  }

  private get features(): VisualFeatures {
    return this.options.looks.visual ?? unavailable('no image was read yet: run extract-features');
  }

  get sources(): VisualSearchSources {
    const { image, netDigest } = this.features;
    const { pins } = this;
    const set = this.options.vectors.ofNet(netDigest);
    if (this.scan?.of !== image) this.scan = { of: image, index: new ExactIndex(image) };
    if (this.idf?.pins !== pins.count) this.idf = { pins: pins.count, values: annotationIdf(pins) };
    return { columns: pins, index: this.scan.index, bits: image.bits, idf: this.idf.values, vectors: set && { set, codes: image } };
  }

  get net(): QueryNet {
    const { looks } = this.options;
    const { net } = looks;
    const binarizer = net && (looks.store.binarizer(looks.store.netIdOf(net)) ?? unfitted(net.rule, net.fc6Length));
    if (!net || !binarizer) return unavailable('the active net has no codes yet: run extract-features');
    if (this.queryNet?.digest !== net.digest) {
      const { manifest } = readNet(looks.netFolder);
      this.queryNet = { digest: net.digest, input: manifest.input, naming: namingOf(manifest) };
    }
    return { folder: looks.netFolder, binarizer, ...this.queryNet };
  }

  hasPicture(pinIndex: number): boolean {
    return Boolean(this.options.catalog.pins.get(pinIndex)?.image);
  }

  async pictureOf(pinIndex: number): Promise<QueryPicture> {
    const key = this.options.catalog.pins.get(pinIndex)?.image;
    if (!key) throw new ServiceError('IMAGE_REFUSED', { reason: 'this pin has no image' });
    const known = this.pictures.get(key);
    if (known) return { bytes: known, key };
    const bytes = await this.options.webImages.ofPin(key);
    this.pictures.set(key, bytes);
    return { bytes, key };
  }

  knownSight(pinIndex: number): RegionSight | null {
    const { image, netDigest } = this.features;
    if (pinIndex < 0 || pinIndex >= image.capacity || image.has[pinIndex] === 0) return null;
    const code = image.codes.slice(pinIndex * image.words, (pinIndex + 1) * image.words);
    const seen = Object.entries(this.options.catalog.pins.get(pinIndex)?.seen ?? {});
    const embedding = this.options.vectors.ofNet(netDigest)?.vectorOf(pinIndex) ?? null;
    return { code, embedding, words: seen.map(([word, confidence]) => ({ word, confidence })) };
  }

  objectsIn(found: ImageDetections): PinObjects | null {
    return this.options.looks.objectsIn(found);
  }

  objectsOf(pinIndex: number): PinObjects | null {
    return this.options.looks.objectsOf(pinIndex);
  }

  describedObjectsOf(pinIndex: number): PinObjectsRow | null {
    return this.indexed.stored(this.features)?.of(pinIndex) ?? null;
  }

  get objectIndex(): ObjectIndex {
    return this.indexed.index(this.features);
  }

  get company(): LabelCompany {
    return this.indexed.company(this.features);
  }

  /** Sampled again when the catalog has doubled. */
  familiar(): Promise<Familiarity | null> {
    const { image } = this.features;
    const { pins } = this;
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

  get familiarNow(): Familiarity | null {
    void this.familiar().catch(() => undefined);
    return this.measured;
  }

  /** The thresholds of the active nets, read again when the catalog's file changed. */
  get fitted(): ServingThresholds {
    const { dataFolder, looks } = this.options;
    const { netDigest } = this.features;
    const key = `${netDigest} ${looks.detectors.digest} ${stampOf(join(dataFolder, THRESHOLDS_FILE))}`;
    if (this.thresholds?.key !== key) this.thresholds = { key, values: servingThresholds(dataFolder, netDigest, looks.detectors) };
    return this.thresholds.values;
  }

  close(): void {
    void this.exact.close();
    this.indexed.close();
  }
}

function unavailable(reason: string): never {
  throw new ServiceError('INDEX_UNAVAILABLE', { index: 'visual features', reason, retryAfterSeconds: 30 });
}
