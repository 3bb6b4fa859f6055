/**
 * What was made for other nets than those that serve, and the job that makes it again. Told by whether there is any row
 * of the serving ones, so that a health check may ask; `refresh` looks at every row and does it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { neighborListFolder } from '../candidates/neighbor-list-file.ts';
import { visualKindOf } from '../candidates/visual/visual-neighbors.ts';
import { readDetectorSet } from '../detection/detector-set.ts';
import { openSetDetections } from '../detection/set-detections.ts';
import { reasonOf } from '../errors.ts';
import { type FeatureNet, featureNetOf } from '../features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../features/feature-store.ts';
import { openObjectStore } from '../search/object-store.ts';
import { allThresholds, servingThresholds } from '../search/search-thresholds.ts';
import { activeNet } from '../vision/net-folder.ts';
import { readNet } from '../vision/net-manifest.ts';

export interface StalePart {
  readonly job: string;
  readonly reason: string;
}

/** In the order in which the jobs are to run; empty while all is of the serving nets, or nothing was made yet. */
export function staleParts(dataFolder: string): readonly StalePart[] {
  if (!existsSync(join(dataFolder, 'features.sqlite'))) return [];
  try {
    const net = featureNetOf(readNet(activeNet(dataFolder, 'visual')));
    const features = openFeatureStore(dataFolder, { readonly: true });
    try {
      const netId = features.knownNetId(net);
      if (netId === null || !features.has(netId, 'image')) return [];
      const describes = features.has(netId, 'object');
      const othersDescribe = features.othersHave(netId, 'object');
      return [
        ...staleObjects(dataFolder, net, !describes && othersDescribe),
        ...staleLists(dataFolder, net),
        ...staleThresholds(dataFolder, net),
      ];
    } finally {
      features.close();
    }
  } catch (error) {
    // A net or a file that cannot be read is reported by other checks, with the way out.
    return [{ job: 'doctor', reason: `what is stale is unknown: ${reasonOf(error)}` }];
  }
}

function staleObjects(dataFolder: string, net: FeatureNet, cropsAreOfOthers: boolean): StalePart[] {
  const set = readDetectorSet(dataFolder, () => undefined);
  const stale: StalePart[] = [];
  if (set.detectors.length > 0 && existsSync(join(dataFolder, 'detections.sqlite'))) {
    const detections = openSetDetections(dataFolder, set, { readonly: true });
    for (const { name } of set.detectors)
      if (detections.of(name).isEmpty && detections.of(name).othersHave)
        stale.push({ job: 'detect-objects', reason: `the detector ${name} has looked at no image yet` });
    detections.close();
  }
  if (cropsAreOfOthers) stale.push({ job: 'detect-objects', reason: `no dominant object is described by ${net.name}` });
  if (existsSync(join(dataFolder, 'objects.sqlite'))) {
    const objects = openObjectStore(dataFolder, netKeyOf(net), set.digest, { readonly: true });
    if (objects.isEmpty && objects.othersHave)
      stale.push({ job: 'index-objects', reason: `the object index holds nothing of ${net.name} and the detectors at work` });
    objects.close();
  }
  return stale;
}

/** Without lists of its own every closeup compares with all codes. */
function staleLists(dataFolder: string, net: FeatureNet): StalePart[] {
  const artifacts = join(dataFolder, 'artifacts');
  if (!existsSync(artifacts) || neighborListFolder(artifacts, visualKindOf(net.digest)).current() !== null) return [];
  return [{ job: 'build-candidates', reason: `there are no lists of pins that look alike to ${net.name}` }];
}

/** Thresholds that were fitted, but for another net than the one that serves. */
function staleThresholds(dataFolder: string, net: FeatureNet): StalePart[] {
  const set = readDetectorSet(dataFolder, () => undefined);
  const serving = servingThresholds(dataFolder, net.digest, set);
  const others = Object.values(allThresholds(dataFolder)).filter((given) => given !== null && given.net !== net.digest);
  const isFittedElsewhere = (digest: string): boolean => others.some((given) => given?.dots.some(({ detector }) => detector === digest));
  const unfitted = set.detectors.filter(
    ({ name, net: { digest } }) => serving.dots[name]?.from === 'unfitted' && isFittedElsewhere(digest),
  );
  const isOff = serving.exactProduct === null && others.some((given) => given?.exactProduct);
  const parts = [
    unfitted.length > 0 ? `dots of ${unfitted.map(({ name }) => name).join(', ')} are shown by thresholds that were not fitted` : '',
    isOff ? 'exact-product search is off' : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? [{ job: 'fit-search', reason: `for ${net.name}: ${parts.join('; ')}` }] : [];
}
