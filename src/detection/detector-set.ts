/**
 * The detectors of a data folder at work together: their labels are united, overlaps are suppressed across them, and each detection
 * names the detector that found it.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { boxIou, shareOfSmaller } from '../vision/box.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import { detectorFolders } from '../vision/net-folder.ts';
import type { Net } from '../vision/net-manifest.ts';
import type { Detection, ImageDetections } from './detection.ts';
import { type DetectionOutcome, openDetector, readDetector, readingRules } from './detector.ts';
import { groupOfLabel, labelWord, PARTICULARS } from './label-words.ts';
import { byScore, readDetections, suppressOverlaps } from './suppression.ts';

/** A detector by the name of its folder. */
interface NamedDetector {
  readonly name: string;
  readonly net: Net;
}

export interface DetectorSet {
  /** In the order of names. */
  readonly detectors: readonly NamedDetector[];
  /** Names the set: of one detector its own digest, so that what was stored under a single one stays valid. */
  readonly digest: string;
}

/** Highest scored detections of a picture that count by each detector, as many as are stored: a floor of 0.01 lets thousands through. */
const MOST_BY_DETECTOR = 300;
/** Boxes on one place: IoU over this. */
const SAME_PLACE_IOU = 0.5;
/** Boxes of one word by different detectors are one object where they share more of the smaller one: a pair of shoes and each of them. */
const SHARED_OF_SMALLER = 0.6;
/**
 * What the score of a word counts that another detector of the set is expert in (`expertIn` of its manifest). Measured on street photos:
 * without this and the rule above, the everyday detector's boxes of two feet cost shoes 13 points of AP@0.5.
 */
const LAYMAN = 0.6;

/**
 * Reads the detectors of a data folder. A refused one is passed to `refused` and left out.
 *
 * @throws NET_REFUSED for a refused one, unless the caller asks for a report.
 */
export function readDetectorSet(
  dataFolder: string,
  refused = (error: unknown): void => {
    throw error;
  },
): DetectorSet {
  return detectorSetOf(
    detectorFolders(dataFolder).flatMap((folder) => {
      try {
        return [readDetectorFolder(folder)];
      } catch (error) {
        refused(error);
        return [];
      }
    }),
  );
}

/** A set of these detectors, in the order of their names. Of two with the same net the later one counts: a copy with rules of its own. */
export function detectorSetOf(detectors: readonly NamedDetector[]): DetectorSet {
  const byDigest = new Map(detectors.map((one) => [one.net.digest, one]));
  const ordered = [...byDigest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const digests = ordered.map(({ net }) => net.digest).sort();
  const digest = digests.length === 1 ? digests[0] : createHash('sha256').update(digests.join('\n')).digest('hex');
  return { detectors: ordered, digest };
}

/** Throws NET_REFUSED for a net that is no detector, or one of an unknown form. */
export function readDetectorFolder(folder: string): NamedDetector {
  return { name: basename(folder), net: readDetector(folder) };
}

/** What each detector said about one image -> one record in united words, each detection with its detector; highest score first. */
export function uniteDetections(parts: readonly { readonly name: string; readonly found: ImageDetections }[]): ImageDetections | null {
  if (parts.length === 0) return null;
  const { width, height } = parts[0].found;
  const all = parts.flatMap(({ name, found }) =>
    found.detections.slice(0, MOST_BY_DETECTOR).map((detection) => ({ ...detection, label: labelWord(detection.label), detector: name })),
  );
  return { width, height, detections: byScore(all) };
}

/**
 * The objects among united detections: each detector's own rules first, then suppression across detectors, word by word, the highest score
 * first; then a general word (vehicle) gives way to a particular one (car) on the same place that has at least half its score. A word
 * counts less by a detector that is not its expert.
 *
 * `scoreMin`: the least score in place of each detector's own.
 */
export function readUnited(detections: readonly Detection[], set: DetectorSet, scoreMin?: (own: number) => number): readonly Detection[] {
  const read = set.detectors.flatMap(({ name, net }) => {
    const rules = readingRules(net.manifest);
    const own = detections.filter(({ detector }) => detector === name);
    const least = scoreMin?.(rules.scoreMin) ?? rules.scoreMin;
    const judged = own.map((found) => (isLayman(set, name, found.label) ? { ...found, score: LAYMAN * found.score } : found));
    return readDetections(judged, { ...rules, scoreMin: least });
  });
  const kept = suppressAcross(suppressOverlaps(read, SAME_PLACE_IOU));
  return kept.filter(({ label, score, box }) => {
    const particulars = PARTICULARS[label] ?? [];
    const nearby = kept.filter((other) => particulars.includes(other.label) && other.score >= score / 2);
    return !nearby.some((other) => boxIou(other.box, box) > SAME_PLACE_IOU);
  });
}

/** From the highest score down: a detection goes that shares most of the smaller box with a kept one of its word by another detector. */
function suppressAcross(detections: readonly Detection[]): readonly Detection[] {
  const kept: Detection[] = [];
  for (const one of detections) {
    const rivals = kept.filter(({ label, detector }) => label === one.label && detector !== one.detector);
    if (!rivals.some(({ box }) => shareOfSmaller(box, one.box) > SHARED_OF_SMALLER)) kept.push(one);
  }
  return kept;
}

/** Whether another detector of the set, and not this one, is expert in the group of a word that it knows. */
function isLayman({ detectors }: DetectorSet, name: string, word: string): boolean {
  const group = groupOfLabel(word);
  const experts = detectors.filter(
    ({ net: { manifest } }) =>
      group !== null && manifest.expertIn?.includes(group) && manifest.labels?.some((label) => labelWord(label) === word),
  );
  return experts.length > 0 && experts.every((one) => one.name !== name);
}

/** The score from which a detector's findings count as objects, by the rules that it states. */
export function scoreMinOf({ detector }: Detection, set: DetectorSet): number {
  const own = set.detectors.find(({ name }) => name === detector);
  return own ? readingRules(own.net.manifest).scoreMin : Number.POSITIVE_INFINITY;
}

/** A set of detectors in use: image files -> united detections of all of them. */
export interface OpenDetectors {
  readonly set: DetectorSet;
  /** Everything over the floor in united words, before suppression. An image is refused when every detector refuses it. */
  detect(images: readonly Uint8Array[]): Promise<DetectionOutcome[]>;
}

/** Opens all detectors of a set. Throws NET_REFUSED, also for a form that is not known. */
export function openDetectors(set: DetectorSet, pool: InferencePool): OpenDetectors {
  const opened = set.detectors.map(({ name, net }) => ({ name, detector: openDetector(net.folder, pool) }));
  return {
    set,
    async detect(images) {
      const outcomes = await Promise.all(opened.map(({ detector }) => detector.detect(images)));
      return images.map((_, i): DetectionOutcome => {
        const parts = opened.flatMap(({ name }, at) => {
          const outcome = outcomes[at][i];
          return outcome.ok ? [{ name, found: outcome.found }] : [];
        });
        const found = uniteDetections(parts);
        return found ? { ok: true, found } : outcomes[0][i];
      });
    },
  };
}
