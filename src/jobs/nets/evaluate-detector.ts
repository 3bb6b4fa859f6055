/** Measures a detector against true boxes: mAP, precision and recall by group (the paper's Table 3), dominant objects, speed. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ImageDetections } from '../../detection/detection.ts';
import {
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
import { type Detector, openDetector, readingRules } from '../../detection/detector.ts';
import { readLabelGroups } from '../../detection/label-groups.ts';
import { objectsInPixels, readTrueObjects, type TrueImage, type TrueObject } from '../../detection/true-objects.ts';
import { ServiceError } from '../../errors.ts';
import { InferencePool } from '../../vision/inference-pool.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import type { Job, JobInput } from '../job.ts';

export const job: Job = {
  name: 'evaluate-detector',
  summary: 'mAP, precision and recall, dominant objects and speed of a detector on photos with true boxes',
  examples: [
    'related-pins evaluate-detector --net data/nets/detector --truth photos/objects.jsonl',
    'related-pins evaluate-detector --net nets/nanodet --truth coco-val128 --groups groups.json --json',
  ],
  options: [
    { flag: '--net <folder>', meaning: 'the folder with net.onnx and manifest.json', required: true },
    { flag: '--truth <path>', meaning: 'an objects.jsonl, or a folder of photos with YOLO text files', required: true },
    { flag: '--groups <file>', meaning: 'label groups, JSON or YAML: group name -> list of labels' },
    { flag: '--score-threshold <s>', meaning: 'where precision and recall are stated', kind: 'number' },
    { flag: '--nms <iou>', meaning: 'suppression overlap instead of the manifest’s', kind: 'number' },
    { flag: '--proposals <n>', meaning: 'at most this many detections enter suppression', kind: 'integer' },
    { flag: '--limit <n>', meaning: 'the first n photos only', kind: 'integer' },
    { flag: '--no-sweeps', meaning: 'leave out the sweeps of threshold, suppression and proposals' },
  ],
  async run(input) {
    const truth = readTrueObjects(String(input.options.truth)).slice(0, limitOf(input));
    if (truth.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'the truth holds no photos' });
    const provider = input.config.executionProvider;
    const pool = new InferencePool({ workers: availableParallelism(), provider });
    try {
      const detector = openDetector(String(input.options.net), pool);
      const { manifest, digest } = detector.net;
      const known = new Set(manifest.labels);
      const { images, refused, seconds } = await detectAll(detector, pool, truth, known, input);
      const rules = rulesOf(input, manifest);
      return {
        net: manifest.name,
        digest,
        images: images.length,
        ...figures(images, rules, input),
        imagesPerSecond: images.length / seconds,
        unmatched: unmatchedLabels(truth, known),
        refused,
        provider: pool.provider,
      };
    } finally {
      await pool.close();
    }
  },
  describe: (receipt) => describe(receipt as unknown as Receipt),
};

function limitOf({ options }: JobInput): number | undefined {
  return typeof options.limit === 'number' ? options.limit : undefined;
}

function rulesOf({ options, config }: JobInput, manifest: Parameters<typeof readingRules>[0]): EvaluationRules {
  const stated = readingRules(manifest);
  const number = (name: string): number | undefined => (typeof options[name] === 'number' ? (options[name] as number) : undefined);
  return {
    scoreThreshold: number('scoreThreshold') ?? stated.scoreMin,
    nmsIou: number('nms') ?? stated.nmsIou,
    proposals: number('proposals') ?? stated.proposals,
    dominance: {
      scoreMin: config.objectScoreMin,
      areaMin: config.dominantAreaMin,
      ownScoreMin: config.dominantScoreMin,
    },
  };
}

/** Runs the detector over the photos in order; a photo that is refused is counted by reason. */
async function detectAll(
  detector: Detector,
  pool: InferencePool,
  truth: readonly TrueImage[],
  known: ReadonlySet<string>,
  { progress, signal }: JobInput,
): Promise<{ images: EvaluatedImage[]; refused: Record<string, number>; seconds: number }> {
  const images: EvaluatedImage[] = [];
  const refused: Record<string, number> = {};
  await detector.detect([]);
  progress.start('detect', truth.length);
  const startedAt = performance.now();
  const look = (part: readonly TrueImage[]) => detector.detect(part.map((image) => bytesOf(image.file)));
  let done = 0;
  for await (const { part, found } of partsAhead(truth, Math.ceil(pool.appetite / 2), look, signal)) {
    for (const [i, outcome] of found.entries()) {
      if (outcome.ok) images.push(evaluated(outcome.found, part[i], known));
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

/** One photo: what was found, and the true boxes whose labels the detector knows. */
function evaluated(found: ImageDetections, truth: TrueImage, known: ReadonlySet<string>): EvaluatedImage {
  const objects = objectsInPixels(truth, found.width, found.height).filter((object) => known.has(object.label));
  return { ...found, truth: objects };
}

function figures(images: readonly EvaluatedImage[], rules: EvaluationRules, { options }: JobInput) {
  const dominant = dominantAgreement(images, rules);
  const matches = tableMatches(judged(images, rules));
  const present = matches.map((matched) => matched.label);
  const groups = typeof options.groups === 'string' ? readLabelGroups(options.groups) : {};
  const groupRows = Object.entries(groups).map(([group, labels]) => {
    const inside = labels.filter((label) => present.includes(label));
    return { group, labels: inside, ...precisionRecall(matches, rules.scoreThreshold, inside) };
  });
  return {
    ...detectorFigures(images, rules),
    iou: TABLE_IOU,
    scoreThreshold: rules.scoreThreshold,
    nmsIou: rules.nmsIou,
    dominantAgreement: dominant.agreement,
    dominant,
    largestBoxFound: largestBoxFound(images, rules.nmsIou),
    groups: groupRows,
    ...(options.sweeps === false ? {} : { sweeps: detectorSweeps(images, rules) }),
  };
}

/** Labels that only one side knows: of the truth with their boxes counted, and of the detector. */
function unmatchedLabels(truth: readonly TrueImage[], known: ReadonlySet<string>) {
  const inTruth = new Set<string>();
  const boxes: Record<string, number> = {};
  for (const { label } of truth.flatMap((image): readonly TrueObject[] => image.objects)) {
    inTruth.add(label);
    if (!known.has(label)) boxes[label] = (boxes[label] ?? 0) + 1;
  }
  return { truth: boxes, detector: [...known].filter((label) => !inTruth.has(label)) };
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
  readonly groups: readonly { group: string; precision: number; recall: number; boxes: number }[];
  readonly unmatched: { readonly truth: Readonly<Record<string, number>>; readonly detector: readonly string[] };
}

function describe(receipt: Receipt): string[] {
  const row = (name: string, precision: number, recall: number, boxes: string): string =>
    `  ${name.padEnd(20)} ${precision.toFixed(3).padStart(9)} ${recall.toFixed(3).padStart(9)}  ${boxes}`;
  const left = Object.entries(receipt.unmatched.truth).map(([label, count]) => `${label} (${count})`);
  return [
    `${receipt.net} on ${receipt.images} photos, ${receipt.imagesPerSecond.toFixed(1)} a second`,
    `mAP@0.5 ${receipt.map50.toFixed(3)} (as COCO counts it ${receipt.map50Coco.toFixed(3)})   mAP@0.5:0.95 ${receipt.map5095.toFixed(3)}`,
    `dominant object agrees ${receipt.dominantAgreement.toFixed(3)}`,
    `at IoU ${TABLE_IOU} and score ${receipt.scoreThreshold}:  precision    recall`,
    row('all', receipt.precision, receipt.recall, ''),
    ...receipt.groups.map((group) => row(group.group, group.precision, group.recall, `${group.boxes} boxes`)),
    ...(left.length > 0 ? [`labels of the truth that the net does not know, left out: ${left.join(', ')}`] : []),
  ];
}
