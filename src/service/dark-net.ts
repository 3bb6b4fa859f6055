/**
 * A net beside the serving one, before it is switched to: closeups are made again with its features, its neighbour lists and its
 * model, from the same catalogue and the same sources otherwise, and compared with what was served. Nothing of it is shown.
 */
import { VisualNeighbors } from '../candidates/visual/visual-neighbors.ts';
import { type CandidateSource, kindOfSource } from '../candidates/candidate.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { featureNetOf } from '../features/convnet.ts';
import type { FeatureStore } from '../features/feature-store.ts';
import { openFeatures, type ResidentFeatures } from '../features/resident-features.ts';
import { NET_MARK } from '../ranker/registry/dark-read-store.ts';
import { type DarkRead, tauOfOrders, topItems } from '../ranker/registry/dark-reads.ts';
import type { Ranker } from '../ranker/scoring/ranker.ts';
import type { ServingModels } from '../ranker/registry/serving-models.ts';
import { type DarkNet as Pointer, darkNetOf, darkStamp, namedNet } from '../vision/net-folder.ts';
import { readNet } from '../vision/net-manifest.ts';
import type { DarkReader } from './dark-reading.ts';
import type { RankedList } from '../lists/ranked-list.ts';
import { inOrder, type ServingParts } from '../lists/serving-parts.ts';
import { relatedPins } from '../related-pins.ts';
import type { VectorSets } from './vector-sets.ts';

interface DarkNetParts {
  readonly dataFolder: string;
  /** Where candidate lists lie. */
  readonly artifacts: string;
  readonly classScoreBytes: number;
  readonly store: FeatureStore;
  readonly models: ServingModels;
  readonly vectors: VectorSets;
  /** What serving reads now. */
  parts(): ServingParts;
}

interface Loaded {
  readonly pointer: Pointer;
  readonly netId: number;
  readonly digest: string;
  readonly features: ResidentFeatures;
  readonly looks: VisualNeighbors;
  readonly ranker: Ranker;
}

export class DarkNet {
  private readonly parts: DarkNetParts;
  private loaded: Loaded | null = null;
  private stamp = '';
  /** Why the net that should read in the dark cannot; null when it can, or there is none. */
  problem: string | null = null;

  constructor(parts: DarkNetParts) {
    this.parts = parts;
  }

  /** The net that reads, or would; null without one. */
  get pointer(): Pointer | null {
    return this.loaded?.pointer ?? null;
  }

  /** Of the net that reads; null without one. */
  get digest(): string | null {
    return this.loaded?.digest ?? null;
  }

  /** Reads a changed pointer, and rows that were computed since the last refresh. */
  async refresh(): Promise<void> {
    const { dataFolder, store } = this.parts;
    const stamp = darkStamp(dataFolder);
    if (stamp === this.stamp) {
      if (this.loaded) this.loaded.features.refresh(store, this.loaded.netId);
      this.loaded?.looks.useTable(this.loaded.features.image);
      return;
    }
    this.stamp = stamp;
    this.problem = null;
    this.close();
    try {
      const pointer = darkNetOf(dataFolder);
      this.loaded = pointer && (await this.load(pointer));
    } catch (error) {
      this.problem = reasonOf(error);
    }
  }

  private async load(pointer: Pointer): Promise<Loaded> {
    const { dataFolder, artifacts, store, models, classScoreBytes } = this.parts;
    const net = featureNetOf(readNet(namedNet(dataFolder, pointer.net)));
    const netId = store.netIdOf(net);
    if (store.sequence(netId) === 0)
      throw new ServiceError('NET_REFUSED', {
        net: pointer.net,
        reason: 'no image has features of it: extract-features --net comes first',
      });
    const ranker = await models.forNet(pointer.model, net.digest);
    const features = openFeatures(dataFolder, store, net, classScoreBytes);
    return { pointer, netId, digest: net.digest, features, looks: new VisualNeighbors(artifacts, features.image, net.digest), ranker };
  }

  /** Reads closeups; null while there is no net in the dark. */
  reader(): DarkReader | null {
    const { loaded } = this;
    if (loaded === null) return null;
    const { pointer, ranker } = loaded;
    return {
      name: `${NET_MARK}${pointer.net} ${ranker.name}`,
      share: pointer.share,
      read: (list) => (list.surface === 'closeup' ? this.read(loaded, list) : null),
    };
  }

  private async read(loaded: Loaded, list: RankedList): Promise<DarkRead> {
    const { options, queryPinIndex, timings } = list;
    const startedAt = performance.now();
    let dark: RankedList | null = null;
    let problem: string | null = null;
    try {
      dark = await relatedPins(this.partsWith(loaded), queryPinIndex, {
        ...options,
        explain: false,
        keepInputs: false,
        treatment: { ...options.treatment, model: null },
      });
    } catch (error) {
      problem = reasonOf(error);
    }
    const { recommendationId, now: at } = options;
    return {
      recommendationId,
      at,
      surface: list.surface,
      queryPinIndex,
      servingModel: list.ranker.name,
      darkModel: `${NET_MARK}${loaded.pointer.net} ${loaded.ranker.name}`,
      candidates: list.candidates.count,
      servingMs: timings.candidatesMs + timings.rowsMs + timings.scoresMs,
      darkMs: performance.now() - startedAt,
      problem,
      kendallTau: dark && tauOfCommon(list, dark),
      serving: orderOf(list),
      dark: dark ? orderOf(dark) : { pinIndexes: new Int32Array(0), scores: new Float64Array(0) },
    };
  }

  /** What serving reads, with the other net's features, neighbours and model in place of its own; nothing is shuffled. */
  private partsWith({ features, looks, ranker, digest }: Loaded): ServingParts {
    const parts = this.parts.parts();
    const byVectors = this.parts.vectors.sourcesOf(digest);
    const others = parts.sources.filter(({ name }) => kindOfSource(name) !== 'vectors');
    const sources = others.flatMap((source): readonly CandidateSource[] => (source.name === looks.name ? [looks, ...byVectors] : [source]));
    return { ...inOrder(parts), visual: features, vectors: byVectors.map(({ set }) => set), sources, degraded: [], ranker: () => ranker };
  }

  close(): void {
    this.loaded?.looks.close();
    this.loaded?.features.close();
    this.loaded = null;
  }
}

function orderOf({ scores, candidates }: RankedList): DarkRead['serving'] {
  return topItems(scores.subarray(0, candidates.count), candidates.pinIndexes);
}

/** Of the candidates that both lists were made from; null where there are fewer than two. */
function tauOfCommon(a: RankedList, b: RankedList): number | null {
  const scores = new Map(Array.from(b.candidates.pinIndexes.subarray(0, b.candidates.count), (pin, row) => [pin, b.scores[row]]));
  const common = Array.from(
    a.candidates.pinIndexes.subarray(0, a.candidates.count),
    (pin, row) => [a.scores[row], scores.get(pin)] as const,
  );
  const both = common.filter((pair): pair is readonly [number, number] => pair[1] !== undefined);
  return both.length < 2
    ? null
    : tauOfOrders(
        both.map(([score]) => score),
        both.map(([, score]) => score),
      );
}
