/**
 * What the visual search asks of itself before it shows a dot or calls two pictures one product: thresholds fitted on
 * truth, with where they come from. A catalog's own (`DATA/search-thresholds.json`, written by `fit-search`) win over
 * the shipped ones. Dot thresholds hold for one visual net and one detector each, so a detector more leaves those of the others valid.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DetectorSet } from '../detection/detector-set.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { projectRoot } from '../worker-url.ts';
import type { ExactProductRule } from './exact-product.ts';
import { type DotThresholds, UNFITTED_DOTS } from './object-dots.ts';
import { replaceFile } from '../swapped-file.ts';

/** Where dot thresholds come from. */
interface DotProvenance {
  readonly truth: string;
  readonly photos: number;
  readonly dots: number;
  readonly rightDots: number;
  /** Share of right dots that had to stay. */
  readonly recallAsked: number;
  /** On the half of the photos that was not fitted on: share of right dots kept, of false dots removed, of shown dots right. */
  readonly judged: { readonly recall: number; readonly falseRemoved: number; readonly precision: number };
}

/** Thresholds for the dots of one detector. */
export interface FittedDots extends DotProvenance {
  /** Digest of the detector, and the name of its folder at the time. */
  readonly detector: string;
  readonly name: string;
  readonly thresholds: DotThresholds;
}

/** Where the exact-product distance comes from; precision and recall in the rule are of the half not fitted on. */
interface ExactProvenance {
  readonly truth: string;
  /** Copies that were searched by: those of pictures that could not be read are none. */
  readonly queries: number;
  readonly precisionAsked: number;
}

/** The file as it stands. `at`: ISO 8601; `exactProduct` null: not fitted. */
export interface SearchThresholds {
  readonly format: 2;
  readonly at: string;
  readonly seed: number;
  /** Digest of the visual net that the thresholds hold for. */
  readonly net: string;
  readonly dots: readonly FittedDots[];
  readonly exactProduct: (ExactProvenance & ExactProductRule) | null;
}

/** As versions before several detectors wrote it. */
interface FormerThresholds extends Omit<SearchThresholds, 'format' | 'dots'> {
  readonly format: 1;
  readonly detector: string | null;
  readonly dots: Omit<FittedDots, 'detector' | 'name'> | null;
}

export const THRESHOLDS_FILE = 'search-thresholds.json';

/** The thresholds of one detector's dots, and whose they are. */
interface ServingDots {
  readonly thresholds: DotThresholds;
  readonly from: 'catalogue' | 'shipped' | 'unfitted';
  readonly provenance: DotProvenance | null;
}

/** Which thresholds serve. */
export interface ServingThresholds {
  /** By the name of the detector. */
  readonly dots: Readonly<Record<string, ServingDots>>;
  readonly exactProduct: SearchThresholds['exactProduct'];
}

const UNFITTED: ServingDots = { thresholds: UNFITTED_DOTS, from: 'unfitted', provenance: null };

/** Every file of thresholds there is, whatever nets it is for. Throws ARTIFACT_REFUSED. */
export function allThresholds(dataFolder: string): { readonly own: SearchThresholds | null; readonly shipped: SearchThresholds | null } {
  const shipped = readThresholds(fileURLToPath(new URL(`data/${THRESHOLDS_FILE}`, projectRoot())));
  return { own: readThresholds(join(dataFolder, THRESHOLDS_FILE)), shipped };
}

/** The catalog's thresholds, else the shipped ones, each if they hold for these nets. Throws ARTIFACT_REFUSED for a file that is none. */
export function servingThresholds(dataFolder: string, net: string, { detectors }: DetectorSet): ServingThresholds {
  const { own, shipped } = allThresholds(dataFolder);
  const holding = [own, shipped].filter((given): given is SearchThresholds => given?.net === net);
  const dotsOf = (digest: string): ServingDots => {
    for (const given of holding) {
      const fitted = given.dots.find(({ detector }) => detector === digest);
      if (!fitted) continue;
      const { thresholds, detector: _, name: __, ...provenance } = fitted;
      return { thresholds, from: given === own ? 'catalogue' : 'shipped', provenance };
    }
    return UNFITTED;
  };
  return {
    dots: Object.fromEntries(detectors.map(({ name, net: { digest } }) => [name, dotsOf(digest)])),
    exactProduct: holding.find((given) => given.exactProduct !== null)?.exactProduct ?? null,
  };
}

/** What is asked of an object's dot. */
export function thresholdsFor({ detector }: { readonly detector?: string }, { dots }: ServingThresholds): DotThresholds {
  return (detector === undefined ? UNFITTED : (dots[detector] ?? UNFITTED)).thresholds;
}

/** Reads a file of thresholds; null when there is none. */
export function readThresholds(file: string): SearchThresholds | null {
  if (!existsSync(file)) return null;
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as SearchThresholds | FormerThresholds;
    if (found.format === 2) return found;
    if (found.format !== 1) throw new TypeError(`formats 1 and 2 are known, it has ${String((found as { format: unknown }).format)}`);
    const { detector, dots, ...rest } = found;
    return { ...rest, format: 2, dots: dots && detector !== null ? [{ ...dots, detector, name: 'detector' }] : [] };
  } catch (error) {
    throw new ServiceError('ARTIFACT_REFUSED', { file, reason: reasonOf(error) }, error);
  }
}

/** Writes beside, makes durable, swaps: a server that reads meanwhile sees the old file or the new one. */
export function writeThresholds(file: string, thresholds: SearchThresholds): void {
  replaceFile(file, `${JSON.stringify(thresholds, null, 2)}\n`);
}
