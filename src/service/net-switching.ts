/**
 * Switches of the visual net: what must be there before one, the pointer that makes it, and the way back. The index, the features
 * and the model that goes with them follow the pointer together (service/context.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { featureNetOf } from '../features/convnet.ts';
import type { FeatureStore } from '../features/feature-store.ts';
import { AS_RETRIEVED } from '../ranker/measures/baselines.ts';
import { type Decision, promoteModel } from '../ranker/registry/model-promotion.ts';
import type { ModelRegistry } from '../ranker/registry/model-registry.ts';
import { STARTER } from '../ranker/registry/starter-model.ts';
import { BUNDLED, darkNetOf, namedNet, type NetSwitch, netSwitches, writeDarkNet, writeNetSwitches } from '../vision/net-folder.ts';
import { type Net, readNet } from '../vision/net-manifest.ts';

/** Images of the catalogue that may lack features of the net that is switched to: they get them right after. */
const MISSING_MAX = 1000;

/** A net of the data folder that could serve. Throws NET_UNKNOWN, or NET_REFUSED with the reason. */
export function netNamed(dataFolder: string, name: string): Net {
  const folder = namedNet(dataFolder, name);
  if (existsSync(join(folder, 'manifest.json'))) return readNet(folder);
  throw new ServiceError('NET_UNKNOWN', { net: name, known: `${BUNDLED}, and the folders of ${join(dataFolder, 'nets')}` });
}

/** How many images have features of a net, and how many still lack them. */
export function coverageOf(catalog: CatalogStore, store: FeatureStore, net: Net): { readonly images: number; readonly missing: number } {
  const seen = store.imageVersions(store.netIdOf(featureNetOf(net)), 'image');
  let [images, missing] = [0, 0];
  for (const { pinIndex, imageVersion } of catalog.pins.images()) {
    images++;
    if (seen.get(pinIndex) !== imageVersion) missing++;
  }
  return { images, missing };
}

/** Throws NET_REFUSED unless nearly all images have features of the net. */
export function expectCoverage(net: Net, { images, missing }: { readonly images: number; readonly missing: number }): void {
  if (missing === 0 || (missing <= MISSING_MAX && missing <= images / 100)) return;
  const reason = `${missing} of ${images} images have no features of it yet: extract-features --net comes first`;
  throw new ServiceError('NET_REFUSED', { net: net.manifest.name, reason });
}

/**
 * The model to promote with a net: the one asked for, or the newest that was trained on it; null where the serving one knows
 * no net and stays. Throws RANKER_MODEL_REFUSED where none fits, saying what to do.
 */
export function modelFor(registry: ModelRegistry, net: Net, asked: string | null): string | null {
  if (asked !== null) return checkedModel(registry, net, asked);
  const { serving } = registry.roles();
  if (digestOf(registry, serving) === null || digestOf(registry, serving) === net.digest) return null;
  const fitting = registry.names().filter((name) => usableDigestOf(registry, name) === net.digest);
  const newest = fitting.at(-1);
  if (newest !== undefined) return newest;
  const reason = `it was trained on features of another net, and no model on those of ${net.manifest.name}: name one with --model, or ${STARTER}`;
  throw new ServiceError('RANKER_MODEL_REFUSED', { model: serving, reason });
}

function checkedModel(registry: ModelRegistry, net: Net, name: string): string {
  const digest = digestOf(registry, name);
  if (digest === null || digest === net.digest) return name;
  throw new ServiceError('RANKER_MODEL_REFUSED', {
    model: name,
    reason: `it was trained on features of another net than ${net.manifest.name}`,
  });
}

function digestOf(registry: ModelRegistry, name: string): string | null {
  return name === AS_RETRIEVED ? null : registry.read(name).lineage.netDigest;
}

function usableDigestOf(registry: ModelRegistry, name: string): string | null {
  try {
    return digestOf(registry, name);
  } catch {
    return null;
  }
}

/** Adds a switch; the first one is preceded by what served until then, so that there is a way back. */
function switchTo(
  dataFolder: string,
  name: string,
  net: Net,
  { model, why, before }: { readonly model: string | null; readonly why: string; readonly before: string },
): NetSwitch {
  const at = new Date().toISOString();
  const switches = netSwitches(dataFolder);
  const first = switches.length === 0 ? [firstOf(dataFolder, before)] : [];
  const made: NetSwitch = { net: name, digest: net.digest, model, at, why };
  writeNetSwitches(dataFolder, [...switches, ...first, made]);
  return made;
}

/** What served before the first switch: `nets/visual` of the data folder, or the bundled net; since ever. */
function firstOf(dataFolder: string, model: string): NetSwitch {
  const net = existsSync(join(dataFolder, 'nets', 'visual', 'manifest.json')) ? 'visual' : BUNDLED;
  return { net, digest: digestOrEmpty(namedNet(dataFolder, net)), model, at: new Date(0).toISOString(), why: 'before the first switch' };
}

function digestOrEmpty(folder: string): string {
  try {
    return readNet(folder).digest;
  } catch (error) {
    return `refused: ${reasonOf(error)}`;
  }
}

interface Served {
  readonly catalog: CatalogStore;
  readonly store: FeatureStore;
  readonly registry: ModelRegistry;
  readonly dataFolder: string;
}

/**
 * Makes a net of the data folder serve, with the model that goes with it (`asked`, or the newest that fits). Throws NET_UNKNOWN,
 * NET_REFUSED where images lack its features and nothing is forced, RANKER_MODEL_REFUSED where no model fits.
 */
export function switchServing({ catalog, store, registry, dataFolder }: Served, name: string, decision: Decision, asked: string | null) {
  const net = netNamed(dataFolder, name);
  const coverage = coverageOf(catalog, store, net);
  if (decision.force !== true) expectCoverage(net, coverage);
  const model = modelFor(registry, net, asked);
  const before = registry.roles().serving;
  const { why } = decision;
  // The model first: until the pointer of the net moves, servers refuse it and go on with the one they have.
  if (model !== null && model !== before) promoteModel(registry, model, { ...decision, why: `with the net ${name}: ${why}` });
  const made = switchTo(dataFolder, name, net, { model: model ?? before, why, before });
  if (darkNetOf(dataFolder)?.net === name) writeDarkNet(dataFolder, null);
  return { ...made, previousModel: before, ...coverage };
}

/** Takes the last switch back, with the model that served before it. Throws NOTHING_TO_DO at the first, NET_UNKNOWN. */
export function rollBackServing({ registry, dataFolder }: Pick<Served, 'registry' | 'dataFolder'>, { who, why }: Decision): NetSwitch {
  const { kept, previous } = previousSwitch(dataFolder);
  netNamed(dataFolder, previous.net);
  if (previous.model !== null && previous.model !== registry.roles().serving)
    promoteModel(registry, previous.model, { who, why: `back to the net ${previous.net}: ${why}`, force: true });
  const back = { ...previous, at: new Date().toISOString() };
  writeNetSwitches(dataFolder, [...kept.slice(0, -1), back]);
  return back;
}

/** The switch to go back to: the one before the last, as often as wanted. Throws NOTHING_TO_DO at the first. */
function previousSwitch(dataFolder: string): { readonly kept: readonly NetSwitch[]; readonly previous: NetSwitch } {
  const switches = netSwitches(dataFolder);
  const previous = switches.at(-2);
  if (previous) return { kept: switches.slice(0, -1), previous };
  throw new ServiceError('NOTHING_TO_DO', { reason: 'There was no switch of nets to take back.' });
}
