/** Near-duplicate thresholds for a drawn world, fitted on half of its known groups; the other half says what they are worth. */
import { openCatalog } from '../../../src/catalog/pins/catalog-store.ts';
import { featureNetOf } from '../../../src/features/convnet.ts';
import { openFeatureStore } from '../../../src/features/feature-store.ts';
import {
  closePairs,
  type DuplicateFit,
  type FingerprintPair,
  fitDuplicateRules,
  groupsOf,
  isWithin,
  type JudgedPair,
  judgedPairs,
  WIDEST_RULES,
} from '../../../src/features/near-duplicates.ts';
import { activeNet } from '../../../src/vision/net-folder.ts';
import { readNet } from '../../../src/vision/net-manifest.ts';
import type { JobInput } from '../../../src/jobs/job.ts';

/** Least precision on the groups fitted on. Drawings of one topic and palette are more alike than photos are. */
const PRECISION_MIN = 0.99;

export interface FittedDuplicates extends DuplicateFit {
  /** On the pairs of the groups that the fit did not see. */
  readonly heldOut: { readonly precision: number; readonly recall: number };
  /** Pins that stand behind another. */
  readonly nearDuplicates: number;
}

/**
 * Fits on the pin ids of each known group, stores the thresholds with the net, and groups the catalogue again. Null in a world
 * without a near-duplicate.
 */
export function fitDuplicates(
  { dataFolder, config }: Pick<JobInput, 'dataFolder' | 'config'>,
  known: readonly (readonly string[])[],
): FittedDuplicates | null {
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    const netId = store.netIdOf(featureNetOf(readNet(activeNet(dataFolder, 'visual'))));
    const bits = store.binarizer(netId)?.bits ?? 0;
    const groupOf = new Map(known.flatMap((ids, group) => ids.map((id) => [catalog.pins.indexOf(id), group] as const)));
    const groupOfPin = (pin: number): number => groupOf.get(pin) ?? -1;
    const prints = store.fingerprints(netId);
    const close = [...closePairs(prints, bits, WIDEST_RULES)];
    const pairs = judgedPairs(prints, bits, groupOfPin, close);
    const partOf = ({ a }: FingerprintPair): number => (groupOf.get(prints[a].pinIndex) ?? a) % 2;
    const seen = pairs.filter((pair) => partOf(pair) === 0);
    if (!seen.some(({ duplicate }) => duplicate)) return null;
    const fit = fitDuplicateRules(seen, PRECISION_MIN);
    store.setDuplicateRules(netId, fit.rules);
    const groups = groupsOf(
      prints,
      catalog.pins.count(),
      close.filter((pair) => isWithin(pair, fit.rules)),
    );
    catalog.groups.set(groups.entries());
    return {
      ...fit,
      heldOut: worth(
        pairs.filter((pair) => partOf(pair) === 1),
        fit,
      ),
      nearDuplicates: groups.filter((group, pin) => group !== pin).length,
    };
  } finally {
    store.close();
    catalog.close();
  }
}

function worth(pairs: readonly JudgedPair[], { rules }: DuplicateFit): { precision: number; recall: number } {
  const found = pairs.filter((pair) => isWithin(pair, rules));
  const hits = found.filter(({ duplicate }) => duplicate).length;
  return { precision: hits / Math.max(1, found.length), recall: hits / Math.max(1, pairs.filter(({ duplicate }) => duplicate).length) };
}
