/** What Lens would blend for the catalogue's own pictures, by kind of query: ratios, and which sources stay silent. */
import { ExactIndex } from '../../candidates/visual/exact-index.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { loadPinColumns } from '../../catalog/pins/pin-columns.ts';
import { ServiceError } from '../../errors.ts';
import { unfitted } from '../../features/binarize.ts';
import { featureNetOf } from '../../features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../../features/feature-store.ts';
import { openFeatures } from '../../features/resident-features.ts';
import { seededRandom } from '../../math/random.ts';
import { annotationIdf } from '../../search/annotation-terms.ts';
import { BLEND_RULES, type LensSource, sourceRatios } from '../../search/blend.ts';
import { familiarAgreement } from '../../search/familiarity.ts';
import { searchAnnotations, visualSearch } from '../../search/flashlight.ts';
import { openObjectStore, type StoredObject } from '../../search/object-store.ts';
import { PictureReader } from '../../search/picture.ts';
import { understand } from '../../search/query-understanding.ts';
import { imageLimitsOf, type InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import type { JobInput } from '../job.ts';
import { readDetectorSet } from '../../detection/detector-set.ts';
import { servingThresholds, thresholdsFor } from '../../search/search-thresholds.ts';

/** Mean ratio of each source over the queries of one kind, and in how many it is silent. */
interface BlendRow {
  readonly queries: number;
  readonly ratio: Readonly<Record<LensSource, number>>;
  readonly silent: Readonly<Record<LensSource, number>>;
}

type Kind = 'one object' | 'several objects' | 'no object';
const SOURCES: readonly LensSource[] = ['visual-search', 'annotation-search', 'object-search'];

/** Asks as a stranger would: each picture as an upload, its own pin and near-duplicates out of the answers. */
export async function blendByKind(
  count: number,
  pool: InferencePool,
  { dataFolder, config, progress, signal }: JobInput,
): Promise<Readonly<Record<string, BlendRow>>> {
  const { synchronous } = config;
  const visualNet = readNet(activeNet(dataFolder, 'visual'));
  const net = featureNetOf(visualNet);
  const detectors = readDetectorSet(dataFolder);
  const catalog = openCatalog(dataFolder, { synchronous });
  const features = openFeatureStore(dataFolder, { synchronous });
  const visual = openFeatures(dataFolder, features, net, 0);
  const store = openObjectStore(dataFolder, netKeyOf(net), detectors.digest, { synchronous });
  try {
    const binarizer = features.binarizer(features.netIdOf(net)) ?? unfitted(net.rule, net.fc6Length);
    if (!binarizer)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'No image was read by the active net; extract-features comes first.' });
    const columns = loadPinColumns(catalog);
    const { image } = visual;
    const sources = { columns, index: new ExactIndex(image), bits: image.bits, idf: annotationIdf(columns) };
    const reader = new PictureReader(pool, () => null, imageLimitsOf(config));
    const queryNet = { folder: activeNet(dataFolder, 'visual'), digest: net.digest, binarizer, input: visualNet.manifest.input };
    const thresholds = servingThresholds(dataFolder, net.digest, detectors);
    const visualMin = (await familiarAgreement(image, sources.index, (pin) => columns.group[pin]))?.least ?? 0;
    const tallies = new Map<Kind, { readonly queries: number; readonly ratio: number[]; readonly silent: number[] }>();
    const chosen = seededRandom(3)
      .shuffled([...catalog.pins.images()].filter(({ pinIndex }) => image.has[pinIndex] === 1))
      .slice(0, count);
    progress.start('blend', chosen.length);
    for (const [at, pin] of chosen.entries()) {
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
      const bytes = await fetchImage(pin.image, imageFetching(config, dataFolder));
      const code = image.codes.slice(pin.pinIndex * image.words, (pin.pinIndex + 1) * image.words);
      const look = await reader.look({ bytes, key: null }, null, queryNet, { code, words: [] });
      const results = await visualSearch({ code, pinIndex: pin.pinIndex }, {}, sources);
      const objects = (store.read(pin.pinIndex)?.objects ?? []).filter((object) => object.score >= thresholdsFor(object, thresholds).score);
      const terms = searchAnnotations(results, sources);
      const understanding = understand({ ...look, results, terms, objects, columns, sameDistance: 0 });
      const nearest = results.reduce((best, row) => Math.min(best, row.distance), sources.bits);
      tally(
        tallies,
        kindOf(objects),
        sourceRatios(understanding, 1 - nearest / sources.bits, { ...BLEND_RULES, visualMin }).map(({ ratio }) => ratio),
      );
      progress.update(at + 1);
    }
    progress.stop();
    return Object.fromEntries(
      [...tallies].map(([kind, { queries, ratio, silent }]) => [
        kind,
        { queries, ratio: bySource(ratio.map((sum) => sum / queries)), silent: bySource(silent.map((sum) => sum / queries)) },
      ]),
    );
  } finally {
    store.close();
    visual.close();
    features.close();
    catalog.close();
  }
}

function kindOf(objects: readonly StoredObject[]): Kind {
  if (objects.length === 0) return 'no object';
  return objects.length === 1 ? 'one object' : 'several objects';
}

function tally(
  tallies: Map<Kind, { queries: number; readonly ratio: number[]; readonly silent: number[] }>,
  kind: Kind,
  ratios: readonly number[],
): void {
  const row = tallies.get(kind) ?? { queries: 0, ratio: [0, 0, 0], silent: [0, 0, 0] };
  row.queries++;
  for (const [source, ratio] of ratios.entries()) {
    row.ratio[source] += ratio;
    if (ratio === 0) row.silent[source]++;
  }
  tallies.set(kind, row);
}

function bySource(values: readonly number[]): Record<LensSource, number> {
  return Object.fromEntries(SOURCES.map((source, i) => [source, values[i]])) as Record<LensSource, number>;
}
