/** Which visual net a data folder sees with, what keeps a folder of an earlier version whole, and what to do for a better one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseOptions } from '../catalog/database.ts';
import { featureNetOf } from '../features/convnet.ts';
import { type FeatureStore, netKeyOf, openFeatureStore } from '../features/feature-store.ts';
import { ModelRegistry } from '../ranker/registry/model-registry.ts';
import { activeNet, BUNDLED, FORMER_NETS, namedNet, netSwitches, writeNetSwitches } from '../vision/net-folder.ts';
import { readNet } from '../vision/net-manifest.ts';

/**
 * Codes of two nets cannot be compared. A folder that names no net, and whose features began with a net that shipped before,
 * gets a pointer to that net, so that it serves as it did until `switch-net`. Writes nothing in any other folder.
 */
export function keepFormerNet(dataFolder: string, options: DatabaseOptions = {}): void {
  const named = netSwitches(dataFolder).length > 0 || existsSync(join(dataFolder, 'nets', 'visual', 'manifest.json'));
  if (named || !existsSync(join(dataFolder, 'features.sqlite'))) return;
  const store = openFeatureStore(dataFolder, options);
  try {
    const net = firstShipped(dataFolder, store);
    if (net === null || net === BUNDLED) return;
    const { digest } = readNet(namedNet(dataFolder, net));
    const model = new ModelRegistry(join(dataFolder, 'models')).roles().serving;
    const why = 'the features of this folder were made with it';
    writeNetSwitches(dataFolder, [{ net, digest, model, at: new Date(0).toISOString(), why }]);
  } finally {
    store.close();
  }
}

/** Of the nets that ship or shipped, the one whose features came first; null where there are none. */
function firstShipped(dataFolder: string, store: FeatureStore): string | null {
  const keyOf = (name: string): string => netKeyOf(featureNetOf(readNet(namedNet(dataFolder, name))));
  const shipped = new Map([BUNDLED, ...FORMER_NETS].map((name) => [keyOf(name), name]));
  const first = store.nets().find(({ netKey, rows }) => rows > 0 && shipped.has(netKey));
  return first ? (shipped.get(first.netKey) as string) : null;
}

/** One sentence: the net in use, and how to get a better one. Throws NET_REFUSED where it cannot be read. */
export function eyesLine(dataFolder: string): string {
  const { manifest, digest } = readNet(activeNet(dataFolder, 'visual'));
  const bundled = readNet(namedNet(dataFolder, BUNDLED));
  const started = `Pictures are compared by ${manifest.name}`;
  if (digest === bundled.digest) return `${started}, the net that ships; import-net --list names better ones.`;
  if (!isFormerNet(digest)) return `${started}; import-net --list names others.`;
  const steps = `extract-features --net ${BUNDLED}, build-candidates --only visual --net ${BUNDLED}, switch-net ${BUNDLED}`;
  return `${started}, the net of an earlier version; to move to ${bundled.manifest.name}: ${steps}.`;
}

/** Whether a digest is that of a visual net that shipped with an earlier version. */
export function isFormerNet(digest: string): boolean {
  return FORMER_NETS.some((name) => readNet(namedNet('', name)).digest === digest);
}
