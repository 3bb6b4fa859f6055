/** The visual side of a running service: features of the active net and the detections of the detectors, kept up with. */
import type { DatabaseOptions } from '../catalog/database.ts';
import type { Config } from '../config.ts';
import type { ImageDetections } from '../detection/detection.ts';
import { type DetectorSet, readDetectorSet } from '../detection/detector-set.ts';
import { pinObjects, type PinObjects } from '../detection/pin-objects.ts';
import { openSetDetections, type SetDetections } from '../detection/set-detections.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { type FeatureNet, featureNetOf } from '../features/convnet.ts';
import { type FeatureStore, openFeatureStore } from '../features/feature-store.ts';
import { openFeatures, type ResidentFeatures } from '../features/resident-features.ts';
import { NO_TABLES, type SharedTables } from '../features/shared-tables.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { Degradation } from '../lists/serving-parts.ts';
import { activeNet, detectorStamp, netStamp } from '../vision/net-folder.ts';
import { readNet } from '../vision/net-manifest.ts';

/** Milliseconds after which no list is being made from features that were replaced. */
const RETIRE_MS = 60_000;

/** A net that is to serve: its features are loaded, nothing is served from them yet. */
interface NextLooks {
  readonly netFolder: string;
  readonly net: FeatureNet;
  readonly features: ResidentFeatures;
}

export class VisualState {
  netFolder: string;
  readonly store: FeatureStore;
  net: FeatureNet | null;
  private readonly config: Config;
  private readonly dataFolder: string;
  private readonly options: DatabaseOptions;
  private set: DetectorSet = { detectors: [], digest: '' };
  private detections: SetDetections | null = null;
  private readonly problems: Degradation[] = [];
  private detectorProblems: Degradation[] = [];
  private features: ResidentFeatures | null = null;
  private featureProblem: Degradation | null = null;
  private switchProblem: Degradation | null = null;
  /** Of the thread that was there before this one; let go when they are taken. */
  private tables: SharedTables;
  private stamp: string;
  private setStamp = '';

  constructor(config: Config, dataFolder: string, options: DatabaseOptions, tables: SharedTables = NO_TABLES) {
    this.config = config;
    this.dataFolder = dataFolder;
    this.options = options;
    this.tables = tables;
    this.stamp = netStamp(dataFolder);
    this.netFolder = activeNet(dataFolder, 'visual');
    this.store = openFeatureStore(dataFolder, options);
    this.net = this.attempt(() => featureNetOf(readNet(this.netFolder)));
    this.refreshDetectors();
  }

  /** Null before the first features of the active net were computed. */
  get visual(): VisualFeatures | null {
    return this.features;
  }

  /** Grows with every picture that is looked at while these features serve. */
  get version(): number {
    return this.features?.version ?? 0;
  }

  /** What other threads of this process need not load again. */
  sharedTables(): SharedTables {
    const shared = this.features?.shared();
    return shared ? [shared] : NO_TABLES;
  }

  get degraded(): readonly Degradation[] {
    return [...this.problems, ...this.detectorProblems, ...[this.featureProblem, this.switchProblem].filter((problem) => problem !== null)];
  }

  /**
   * The net that was switched to since the last look, loaded and ready; null when nothing changed. A net that is refused, or has
   * no features, is reported in `degraded`, and the present one keeps serving.
   */
  prepareSwitch(): NextLooks | null {
    const { dataFolder, store } = this;
    const stamp = netStamp(dataFolder);
    if (stamp === this.stamp) return null;
    this.stamp = stamp;
    this.switchProblem = null;
    try {
      const netFolder = activeNet(dataFolder, 'visual');
      const net = featureNetOf(readNet(netFolder));
      if (net.digest === this.net?.digest) return null;
      if (store.sequence(store.netIdOf(net)) === 0)
        throw new ServiceError('NET_REFUSED', { net: net.name, reason: 'no image has features of it: extract-features --net comes first' });
      return { netFolder, net, features: openFeatures(dataFolder, store, net, this.config.classScoreBytes) };
    } catch (error) {
      this.switchProblem = problemOf(error, 'NET_REFUSED');
      return null;
    }
  }

  /** From now on the other net's features are served; lists that are being made keep those they began with. */
  take({ netFolder, net, features }: NextLooks): void {
    const old = this.features;
    Object.assign(this, { netFolder, net, features, featureProblem: null });
    setTimeout(() => old?.close(), RETIRE_MS).unref();
  }

  /** The detectors at work. */
  get detectors(): DetectorSet {
    return this.set;
  }

  /** Reads the set of detectors again when one was added, replaced or taken away. A refused one is left out and reported in `degraded`. */
  private refreshDetectors(): void {
    const stamp = detectorStamp(this.dataFolder);
    if (stamp === this.setStamp) return;
    this.setStamp = stamp;
    this.detectorProblems = [];
    const refused = (error: unknown): void => void this.detectorProblems.push(problemOf(error, 'NET_REFUSED'));
    const set = readDetectorSet(this.dataFolder, refused);
    try {
      const detections = openSetDetections(this.dataFolder, set, this.options);
      this.detections?.close();
      Object.assign(this, { set, detections });
    } catch (error) {
      refused(error);
    }
  }

  /** Takes in rows that were computed since the last look, here or by a job, and detectors that came or went. */
  refresh(): void {
    this.refreshDetectors();
    const { net, store } = this;
    if (!net) return;
    const netId = store.netIdOf(net);
    if (this.features) return this.features.refresh(store, netId);
    if (store.sequence(netId) === 0) return;
    try {
      this.features = openFeatures(this.dataFolder, store, net, this.config.classScoreBytes, this.tables);
      this.tables = NO_TABLES;
      this.featureProblem = null;
    } catch (error) {
      this.featureProblem = problemOf(error, 'ARTIFACT_REFUSED');
    }
  }

  /** The objects of a pin's picture; null when the detector has not seen it. */
  objectsOf(pinIndex: number): PinObjects | null {
    const found = this.detections?.read(pinIndex) ?? null;
    return found && this.objectsIn(found);
  }

  /** What was detected, read by the detectors' rules and the settings. */
  objectsIn(found: ImageDetections): PinObjects | null {
    if (this.set.detectors.length === 0) return null;
    const { objectScoreMin, dominantAreaMin, dominantScoreMin } = this.config;
    const dominance = { scoreMin: objectScoreMin, areaMin: dominantAreaMin, ownScoreMin: dominantScoreMin };
    return { width: found.width, height: found.height, objects: pinObjects(found, this.set, dominance) };
  }

  private attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      this.problems.push(problemOf(error, 'NET_REFUSED'));
      return null;
    }
  }

  close(): void {
    this.features?.close();
    this.detections?.close();
    this.store.close();
  }
}

function problemOf(error: unknown, otherwise: string): Degradation {
  return { code: error instanceof ServiceError ? error.code : otherwise, reason: reasonOf(error) };
}
