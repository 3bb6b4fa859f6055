/**
 * Looks at pictures of pins that arrived while the service runs: code, class scores, fingerprint, near-duplicate group.
 * A few at a time, in the inference threads, so that requests are not kept waiting. Large imports are the job of
 * `extract-features`: more than `MOST` pictures at once are left to it, and so are all while a net whose codes are fitted has
 * no fit, unless the whole catalogue is at hand to fit on (at least FIT_FEWEST and at most `MOST` pictures).
 */
import { setImmediate } from 'node:timers/promises';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../catalog/pins/image-fetch.ts';
import { whenWritable } from '../catalog/artifacts/patient-write.ts';
import type { ResidentPinColumns } from '../catalog/pins/pin-columns.ts';
import type { Config } from '../config.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { type Binarizer, FIT_FEWEST, needsFit } from '../features/binarize.ts';
import { openConvNet } from '../features/convnet.ts';
import { binarizerFor, type ExtractionInput, extractRows, type ImageToRead, outcomeOf } from '../features/extraction.ts';
import { type FeatureRow, fingerprintOf } from '../features/feature-store.ts';
import { areNearDuplicates, DUPLICATE_RULES, type DuplicateRules } from '../features/near-duplicates.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import type { CandidateSources } from './candidate-sources.ts';
import type { VisualState } from './visual-state.ts';

interface FreshImageParts {
  readonly config: Config;
  readonly dataFolder: string;
  readonly catalog: CatalogStore;
  readonly pins: ResidentPinColumns;
  readonly looks: VisualState;
  readonly sources: CandidateSources;
  pool(): InferencePool;
}

const MOST = 1000;
/** Until a server of images that was busy or away is asked again. */
const AGAIN_MS = 60_000;
/** Pins looked through between two turns of the event loop. */
const LOOK_PAGE = 5000;
const AT_ONCE = 16;
/** Nearest pictures that may be near-duplicates of a new one. */
const COMPARED = 20;

/** An import may write for minutes; what was found waits behind it, not the requests. */
const IMPORT_PATIENCE_MS = 600_000;

export class FreshImages {
  private readonly parts: FreshImageParts;
  private readonly stop = new AbortController();
  private running: Promise<void> | null = null;
  /** When pictures of servers that were busy are asked for again (performance.now()). */
  private againAt = Number.POSITIVE_INFINITY;
  private readonly postpone = (): void => {
    this.againAt = performance.now() + AGAIN_MS;
  };
  private seenSequence = -1;
  /** Up to this change every picture was looked for; -1: none was. */
  private lookedThrough = -1;
  /** The net whose gaps were looked for; gaps of the first one are left to `extract-features`. */
  private completeFor: string | null = null;
  /** Why the last look failed: arriving pictures try again, and one telling is enough. */
  private toldReason: string | null = null;

  constructor(parts: FreshImageParts) {
    this.parts = parts;
    this.completeFor = parts.looks.net?.digest ?? null;
  }

  /** Begins with what is new, unless it is at it; `failed` is called when it can't. */
  begin(failed: (error: unknown) => void): void {
    const { catalog } = this.parts;
    const sequence = catalog.sequence.current();
    const isDue = performance.now() >= this.againAt;
    if (this.running || this.stop.signal.aborted || (sequence === this.seenSequence && !isDue)) return;
    if (isDue) {
      this.againAt = Number.POSITIVE_INFINITY;
      this.lookedThrough = -1;
    }
    this.seenSequence = sequence;
    this.running = this.lookAtAll()
      .then(() => {
        this.toldReason = null;
      })
      .catch((error: unknown) => {
        // Whatever was not looked at is looked for again.
        this.lookedThrough = -1;
        if (this.stop.signal.aborted || reasonOf(error) === this.toldReason) return;
        this.toldReason = reasonOf(error);
        failed(error);
      })
      .finally(() => {
        this.running = null;
      });
  }

  /** Looks again at what has no features: another net serves. */
  startOver(): void {
    this.seenSequence = this.lookedThrough = -1;
  }

  /** Settles when what has begun is done. */
  async settled(): Promise<void> {
    await this.running;
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async lookAtAll(): Promise<void> {
    const { looks, config, dataFolder } = this.parts;
    if (!looks.net) return;
    const waiting = await this.waiting();
    if (waiting.length === 0 || waiting.length > MOST) return;
    const pool = this.parts.pool();
    const convNet = await openConvNet(looks.netFolder, pool);
    if (convNet.features.digest !== looks.net.digest)
      throw new ServiceError('NET_REFUSED', {
        net: convNet.features.name,
        reason: 'its folder holds another net than the one that serves',
      });
    const fetch = (image: string): Promise<Uint8Array> =>
      fetchImage(image, { ...imageFetching(config, dataFolder), signal: this.stop.signal });
    const input: ExtractionInput = { convNet, pool, store: looks.store, fetch, signal: this.stop.signal, postpone: this.postpone };
    const binarizer = await this.binarizer(input);
    for (let from = 0; from < waiting.length && !this.stop.signal.aborted; from += AT_ONCE) {
      for await (const rows of extractRows(input, waiting.slice(from, from + AT_ONCE), binarizer)) await this.takeIn(rows);
    }
  }

  /** As stored, or fitted on the whole catalogue where that can be done beside requests. Throws NOTHING_TO_DO where it cannot. */
  private async binarizer(input: ExtractionInput): Promise<Binarizer> {
    const { features } = input.convNet;
    const fitted = !needsFit(features.rule) || input.store.binarizer(input.store.netIdOf(features)) !== null;
    if (fitted) return binarizerFor(input, []);
    const images = [...this.parts.catalog.pins.images()];
    if (images.length <= MOST) return binarizerFor(input, images, FIT_FEWEST);
    const reason = `The codes of ${features.name} are not fitted yet, and there are too many images to do it here; extract-features does.`;
    throw new ServiceError('NOTHING_TO_DO', { reason });
  }

  /** Pictures that nobody looked at, and those that the active net has not seen while another one served. */
  private async waiting(): Promise<ImageToRead[]> {
    const { catalog, looks } = this.parts;
    const fresh = await this.fresh();
    if (!looks.net || looks.net.digest === this.completeFor || fresh.length > MOST) return fresh;
    this.completeFor = looks.net.digest;
    const seen = looks.store.imageVersions(looks.store.netIdOf(looks.net), 'image');
    return [...catalog.pins.images()].filter(({ pinIndex, imageVersion }) => seen.get(pinIndex) !== imageVersion);
  }

  /** The first look goes through the whole catalogue, a page a turn; later ones through what has changed since. */
  private async fresh(): Promise<ImageToRead[]> {
    const { pins, sequence } = this.parts.catalog;
    const since = this.lookedThrough;
    this.lookedThrough = sequence.current();
    if (since >= 0) return pins.imagesNeededSince(since, MOST + 1);
    const found: ImageToRead[] = [];
    const count = pins.count();
    for (let from = 0; from < count && found.length <= MOST && !this.stop.signal.aborted; from += LOOK_PAGE) {
      await setImmediate();
      found.push(...pins.imagesNeeded(MOST + 1, from, from + LOOK_PAGE));
    }
    return found;
  }

  private async takeIn(rows: readonly FeatureRow[]): Promise<void> {
    const { catalog, pins, looks, sources } = this.parts;
    const noted = rows.map(outcomeOf);
    await whenWritable(catalog.database, () => catalog.pins.noteImages(noted), IMPORT_PATIENCE_MS, this.stop.signal);
    pins.refresh(rows.map((row) => row.pinIndex));
    looks.refresh();
    sources.refresh([], looks.visual, Date.now());
    const groups = rows.flatMap((row) => this.groupOf(row));
    if (groups.length === 0) return;
    await whenWritable(catalog.database, () => catalog.groups.set(groups), IMPORT_PATIENCE_MS, this.stop.signal);
    pins.refresh(groups.map(([pinIndex]) => pinIndex));
  }

  /** The group of the nearest picture that is a near-duplicate, if any. */
  private groupOf(row: FeatureRow): [pinIndex: number, group: number][] {
    const { catalog, looks, sources, pins } = this.parts;
    const print = fingerprintOf(row);
    if (!print || !looks.net || !sources.visual || !looks.visual) return [];
    const { pinIndex } = row;
    const netId = looks.store.netIdOf(looks.net);
    const rules: DuplicateRules = looks.store.duplicateRules(netId) ?? DUPLICATE_RULES;
    const near = sources.visual.scan(print.code, COMPARED, pinIndex);
    for (let n = 0; n < near.pinIndexes.length; n++) {
      const stored = looks.store.get(netId, 'image', near.pinIndexes[n]);
      const other = stored && fingerprintOf(stored);
      if (!other || catalog.pairs.areDifferent(pinIndex, near.pinIndexes[n])) continue;
      if (areNearDuplicates(print, other, looks.visual.image.bits, rules)) {
        const group = pins.group[near.pinIndexes[n]];
        return group < pinIndex ? [[pinIndex, group]] : [[near.pinIndexes[n], pinIndex]];
      }
    }
    return [];
  }
}
