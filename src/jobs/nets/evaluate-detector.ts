/** Measures a detector against true boxes: mAP, precision and recall by group (the paper's Table 3), dominant objects, speed. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { counted } from '../../counted.ts';
import { meanAveragePrecision } from '../../detection/average-precision.ts';
import type { ImageDetections } from '../../detection/detection.ts';
import {
  type DetectionReader,
  detectorFigures,
  detectorSweeps,
  dominantAgreement,
  type EvaluatedImage,
  type EvaluationRules,
  judged,
  largestBoxFound,
  precisionRecall,
  TABLE_IOU,
  tableMatches,
} from '../../detection/detector-evaluation.ts';
import { type DetectionOutcome, openDetector, readingRules } from '../../detection/detector.ts';
import { detectorSetOf, openDetectors, readDetectorFolder, readDetectorSet, readUnited } from '../../detection/detector-set.ts';
import { type LabelGroups, readLabelGroups } from '../../detection/label-groups.ts';
import { LABEL_WORD_GROUPS, labelWord } from '../../detection/label-words.ts';
import { type ReadingRules, readDetections } from '../../detection/suppression.ts';
import { objectsInPixels, readTrueObjects, type TrueImage, type TrueObject } from '../../detection/true-objects.ts';
import { ServiceError } from '../../errors.ts';
import { type InferencePool, openPool } from '../../vision/inference-pool.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  {
    flag: '--net <folder>',
    meaning: 'a folder with net.onnx and manifest.json; several, or none for those of the data folder, are judged together in united words',
    repeatable: true,
  },
  { flag: '--truth <path>', meaning: 'an objects.jsonl, or a folder of photos with YOLO text files', required: true },
  { flag: '--groups <file>', meaning: 'label groups, JSON or YAML: group name -> list of labels (default: fashion, home, vehicles)' },
  { flag: '--score-threshold <s>', meaning: 'where precision and recall are stated', kind: 'number' },
  { flag: '--nms <iou>', meaning: 'of one detector: suppression overlap instead of the manifest’s', kind: 'number' },
  { flag: '--proposals <n>', meaning: 'of one detector: at most this many detections enter suppression', kind: 'integer' },
  { flag: '--limit <n>', meaning: 'the first n photos only', kind: 'integer' },
  { flag: '--no-sweeps', meaning: 'leave out the sweeps of threshold, suppression and proposals' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'evaluate-detector',
  summary: 'mAP, precision and recall, dominant objects and speed of detectors on photos with true boxes',
  examples: [
    'related-pins evaluate-detector --net data/nets/detectors/fashion --truth photos/objects.jsonl',
    'related-pins evaluate-detector --truth photos/objects.jsonl   # all detectors of the data folder, as they serve',
    'related-pins evaluate-detector --net nets/nanodet --truth coco-val128 --groups groups.json --json',
  ],
  options: FLAGS,
  async run(input) {
    const truth = readTrueObjects(input.options.truth).slice(0, input.options.limit);
    if (truth.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'the truth holds no photos' });
    const pool = openPool(input.config, { workers: availableParallelism() });
    try {
      const subject = subjectOf(input, pool);
      const { images, refused, seconds } = await detectAll(subject, pool, truth, input);
      return {
        net: subject.name,
        digest: subject.digest,
        images: images.length,
        ...figures(images, subject, input),
        imagesPerSecond: images.length / seconds,
        latencyMs: await latencyMs(subject, truth),
        unmatched: unmatchedLabels(truth, subject),
        refused,
        provider: pool.provider,
      };
    } finally {
      await pool.close();
    }
  },
  describe: (receipt) => describe(receipt),
});

/** What is judged: one detector in its own labels, or several together in united words. */
interface Subject {
  readonly name: string;
  readonly digest: string;
  readonly detect: (images: readonly Uint8Array[]) => Promise<DetectionOutcome[]>;
  /** The subject's name for a label of the truth. */
  readonly labelOf: (label: string) => string;
  readonly labels: ReadonlySet<string>;
  readonly rules: EvaluationRules;
  /** Of one detector: how it is read, for the sweeps. */
  readonly reading: ReadingRules | null;
}

function subjectOf(input: Input, pool: InferencePool): Subject {
  const { options, config, dataFolder } = input;
  const folders = (options.net ?? []) as readonly string[];
  const dominance = { scoreMin: config.objectScoreMin, areaMin: config.dominantAreaMin, ownScoreMin: config.dominantScoreMin };
  if (folders.length === 1) {
    const { net, detect } = openDetector(folders[0], pool);
    const stated = readingRules(net.manifest);
    const reading = { ...stated, nmsIou: options.nms ?? stated.nmsIou, proposals: options.proposals ?? stated.proposals };
    const read: DetectionReader = (detections, scoreMin) => readDetections(detections, { ...reading, scoreMin });
    const rules = { read, dominance, scoreThreshold: options.scoreThreshold ?? stated.scoreMin };
    const labels = new Set(net.manifest.labels);
    return { name: net.manifest.name, digest: net.digest, detect, labelOf: (label) => label, labels, rules, reading };
  }
  const set = folders.length === 0 ? readDetectorSet(dataFolder) : detectorSetOf(folders.map(readDetectorFolder));
  const read: DetectionReader = (detections, scoreMin) => readUnited(detections, set, () => scoreMin);
  const lowest = Math.min(...set.detectors.map(({ net }) => readingRules(net.manifest).scoreMin));
  return {
    name: set.detectors.map(({ name }) => name).join(' + '),
    digest: set.digest,
    detect: openDetectors(set, pool).detect,
    labelOf: labelWord,
    labels: new Set(set.detectors.flatMap(({ net }) => (net.manifest.labels ?? []).map(labelWord))),
    rules: { read, dominance, scoreThreshold: options.scoreThreshold ?? lowest },
    reading: null,
  };
}

/** Photos whose time is taken, one after the other, after one that warms the net. */
const TIMED = 16;

/** Median milliseconds from a file's bytes to its detections, one photo at a time. */
async function latencyMs({ detect }: Subject, truth: readonly TrueImage[]): Promise<number> {
  const times: number[] = [];
  for (const { file } of truth.slice(0, TIMED + 1)) {
    const bytes = bytesOf(file);
    const startedAt = performance.now();
    await detect([bytes]);
    times.push(performance.now() - startedAt);
  }
  const sorted = times.slice(Math.min(1, times.length - 1)).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Runs the detectors over the photos in order; a photo that is refused is counted by reason. */
async function detectAll(
  subject: Subject,
  pool: InferencePool,
  truth: readonly TrueImage[],
  { progress, signal }: Input,
): Promise<{ images: EvaluatedImage[]; refused: Record<string, number>; seconds: number }> {
  const images: EvaluatedImage[] = [];
  const refused: Record<string, number> = {};
  await subject.detect([]);
  progress.start('detect', truth.length);
  const startedAt = performance.now();
  const look = (part: readonly TrueImage[]) => subject.detect(part.map((image) => bytesOf(image.file)));
  let done = 0;
  for await (const { part, found } of partsAhead(truth, Math.ceil(pool.appetite / 2), look, signal)) {
    for (const [i, outcome] of found.entries()) {
      if (outcome.ok) images.push(evaluated(outcome.found, part[i], subject));
      else refused[outcome.code] = (refused[outcome.code] ?? 0) + 1;
    }
    done += part.length;
    progress.update(done);
  }
  progress.stop();
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  return { images, refused, seconds: (performance.now() - startedAt) / 1000 };
}

/** A file's bytes; a missing file has none, and is refused like any other broken image. */
function bytesOf(file: string): Uint8Array {
  return existsSync(file) ? readFileSync(file) : new Uint8Array(0);
}

/** One photo: what was found, and the true boxes whose labels the detectors know. */
function evaluated(found: ImageDetections, truth: TrueImage, { labels, labelOf }: Subject): EvaluatedImage {
  const objects = objectsInPixels(truth, found.width, found.height).map((object) => ({ ...object, label: labelOf(object.label) }));
  return { ...found, truth: objects.filter((object) => labels.has(object.label)) };
}

function figures(images: readonly EvaluatedImage[], { rules, reading, labelOf }: Subject, { options }: Input) {
  const dominant = dominantAgreement(images, rules);
  const all = judged(images, rules.read);
  const matches = tableMatches(all);
  const { byLabel } = meanAveragePrecision(all, 0.5);
  const groups: LabelGroups = typeof options.groups === 'string' ? readLabelGroups(options.groups) : LABEL_WORD_GROUPS;
  const inGroup = (label: string, words: readonly string[]): boolean =>
    typeof options.groups === 'string' ? words.map(labelOf).includes(label) : words.includes(labelWord(label));
  const groupRows = Object.entries(groups).map(([group, words]) => {
    const labels = Object.keys(byLabel).filter((label) => inGroup(label, words));
    const map50 = labels.length === 0 ? null : labels.reduce((sum, label) => sum + byLabel[label], 0) / labels.length;
    return { group, labels, map50, ...precisionRecall(matches, rules.scoreThreshold, labels) };
  });
  return {
    ...detectorFigures(images, rules),
    iou: TABLE_IOU,
    scoreThreshold: rules.scoreThreshold,
    ...(reading && { nmsIou: reading.nmsIou }),
    dominantAgreement: dominant.agreement,
    dominant,
    largestBoxFound: largestBoxFound(images, rules.read),
    groups: groupRows,
    ...(options.sweeps === false || !reading ? {} : { sweeps: detectorSweeps(images, rules.scoreThreshold, reading) }),
  };
}

/** Labels that only one side knows: of the truth with their boxes counted, and of the detectors. */
function unmatchedLabels(truth: readonly TrueImage[], { labels, labelOf }: Subject) {
  const inTruth = new Set<string>();
  const boxes: Record<string, number> = {};
  for (const { label } of truth.flatMap((image): readonly TrueObject[] => image.objects)) {
    inTruth.add(labelOf(label));
    if (!labels.has(labelOf(label))) boxes[label] = (boxes[label] ?? 0) + 1;
  }
  return { truth: boxes, detector: [...labels].filter((label) => !inTruth.has(label)) };
}

interface Receipt {
  readonly net: string;
  readonly images: number;
  readonly map50: number;
  readonly map50Coco: number;
  readonly map5095: number;
  readonly precision: number;
  readonly recall: number;
  readonly scoreThreshold: number;
  readonly dominantAgreement: number;
  readonly imagesPerSecond: number;
  readonly latencyMs: number;
  readonly groups: readonly { group: string; map50: number | null; precision: number; recall: number; boxes: number }[];
  readonly unmatched: { readonly truth: Readonly<Record<string, number>>; readonly detector: readonly string[] };
}

function describe(receipt: Receipt): string[] {
  const row = (name: string, precision: number, recall: number, boxes: string): string =>
    `  ${name.padEnd(20)} ${precision.toFixed(3).padStart(9)} ${recall.toFixed(3).padStart(9)}  ${boxes}`;
  const left = Object.entries(receipt.unmatched.truth).map(([label, count]) => `${label} (${count})`);
  return [
    `${receipt.net} on ${counted(receipt.images, 'photo')}, ${receipt.imagesPerSecond.toFixed(1)} a second; ${receipt.latencyMs.toFixed(0)} ms for one alone`,
    `mAP@0.5 ${receipt.map50.toFixed(3)} (as COCO counts it ${receipt.map50Coco.toFixed(3)})   mAP@0.5:0.95 ${receipt.map5095.toFixed(3)}`,
    `dominant object agrees ${receipt.dominantAgreement.toFixed(3)}`,
    `at IoU ${TABLE_IOU} and score ${receipt.scoreThreshold}:  precision    recall`,
    row('all', receipt.precision, receipt.recall, ''),
    ...receipt.groups
      .filter(({ boxes }) => boxes > 0)
      .map(({ group, precision, recall, boxes, map50 }) =>
        row(group, precision, recall, `${counted(boxes, 'box', 'boxes')}, mAP@0.5 ${map50?.toFixed(3)}`),
      ),
    ...(left.length > 0 ? [`labels of the truth that the detectors do not know, left out: ${left.join(', ')}`] : []),
  ];
}
