/**
 * What the visual search asks of itself before it shows a dot or calls two pictures one product: thresholds fitted on
 * truth, with where they come from. A catalogue's own (`DATA/search-thresholds.json`, written by `fit-search`) win over
 * the shipped ones; both hold for one net and one detector only.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf, ServiceError } from '../errors.ts';
import { projectRoot } from '../worker-url.ts';
import type { ExactProductRule } from './exact-product.ts';
import { type DotThresholds, UNFITTED_DOTS } from './object-dots.ts';
import { replaceFile } from '../swapped-file.ts';

/** Where dot thresholds come from. */
export interface DotProvenance {
  readonly truth: string;
  readonly photos: number;
  readonly dots: number;
  readonly rightDots: number;
  /** Share of right dots that had to stay. */
  readonly recallAsked: number;
  /** On the half of the photos that was not fitted on: share of right dots kept, of false dots removed, of shown dots right. */
  readonly judged: { readonly recall: number; readonly falseRemoved: number; readonly precision: number };
}

/** Where the exact-product distance comes from; precision and recall in the rule are of the half not fitted on. */
export interface ExactProvenance {
  readonly truth: string;
  /** Copies that were searched by: those of pictures that could not be read are none. */
  readonly queries: number;
  readonly precisionAsked: number;
}

/** The file as it stands. `at`: ISO 8601; `dots` or `exactProduct` null: not fitted. */
export interface SearchThresholds {
  readonly format: 1;
  readonly at: string;
  readonly seed: number;
  /** Digests of what the thresholds hold for. */
  readonly net: string;
  readonly detector: string | null;
  readonly dots: (DotProvenance & { readonly thresholds: DotThresholds }) | null;
  readonly exactProduct: (ExactProvenance & ExactProductRule) | null;
}

export const THRESHOLDS_FILE = 'search-thresholds.json';

/** Which thresholds serve, and whose they are. */
export interface ServingThresholds {
  readonly dots: DotThresholds;
  readonly dotsFrom: 'catalogue' | 'shipped' | 'unfitted';
  readonly provenance: DotProvenance | null;
  readonly exactProduct: SearchThresholds['exactProduct'];
}

/** The catalogue's thresholds, else the shipped ones, each if they hold for these nets. Throws ARTIFACT_REFUSED for a file that is none. */
export function servingThresholds(dataFolder: string, net: string, detector: string | null): ServingThresholds {
  const own = readThresholds(join(dataFolder, THRESHOLDS_FILE));
  const shipped = readThresholds(fileURLToPath(new URL(`data/${THRESHOLDS_FILE}`, projectRoot())));
  const holding = [own, shipped].filter((given): given is SearchThresholds => given?.net === net);
  const fitted = holding.find(({ dots, detector: of }) => dots !== null && of === detector);
  const exactProduct = holding.find((given) => given.exactProduct !== null)?.exactProduct ?? null;
  if (!fitted?.dots) return { dots: UNFITTED_DOTS, dotsFrom: 'unfitted', provenance: null, exactProduct };
  const { thresholds, ...provenance } = fitted.dots;
  return { dots: thresholds, dotsFrom: fitted === own ? 'catalogue' : 'shipped', provenance, exactProduct };
}

/** Reads a file of thresholds; null when there is none. */
export function readThresholds(file: string): SearchThresholds | null {
  if (!existsSync(file)) return null;
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as SearchThresholds;
    if (found.format !== 1) throw new TypeError(`format 1 is known, it has ${String(found.format)}`);
    return found;
  } catch (error) {
    throw new ServiceError('ARTIFACT_REFUSED', { file, reason: reasonOf(error) }, error);
  }
}

/** Writes beside, makes durable, swaps: a server that reads meanwhile sees the old file or the new one. */
export function writeThresholds(file: string, thresholds: SearchThresholds): void {
  replaceFile(file, `${JSON.stringify(thresholds, null, 2)}\n`);
}
