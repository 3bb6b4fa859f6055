/**
 * What each loss of `tune-net` gains on classes that nobody learned from. Photos in class folders; by seed some classes teach, some
 * stop the training and some judge. Each photo of a judging class asks all other photos. Beside the tuned codes: chance, and the
 * untuned net by cosine, by its code, and by a code rotated as the tuned one is, because a rotation gains by itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ServiceError } from '../../src/errors.ts';
import { codeOf, fitBinarizer } from '../../src/features/binarize.ts';
import {
  evaluateChance,
  evaluateCodes,
  evaluateRows,
  type Precision,
  type Protocol,
  signCodes,
} from '../../src/features/retrieval-evaluation.ts';
import { sharedFloats, trainHeads } from '../../src/features/tuning/head-training.ts';
import { type LabelSet, type Part, protocolOf, taskOf } from '../../src/features/tuning/label-split.ts';
import { HEAD_DEFAULTS, HEAD_LOSSES, type HeadSettings, LOSS_RATES, prepareRows } from '../../src/features/tuning/projection-head.ts';
import { randomFrame } from '../../src/features/tuning/tuned-layer.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { activationsOf, tuningImages } from '../../src/jobs/nets/tuning-images.ts';
import { bootstrapDifference, bootstrapMean, type Interval, intervalText } from '../../src/math/bootstrap.ts';
import type { MatrixProduct } from '../../src/math/matrix-product.ts';
import { openOnnxProduct } from '../../src/vision/import/onnx-product.ts';
import { openPool } from '../../src/vision/inference-pool.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';

const FLAGS = flags([
  { flag: '--images <folder>', meaning: 'photos, a folder a class', required: true },
  { flag: '--net <folder>', meaning: 'the net to start from (default: the active one)' },
  { flag: '--splits <n>', meaning: 'number of random splits of the classes', kind: 'integer', range: [1, 100], default: 3 },
  { flag: '--epochs <n>', meaning: 'at most', kind: 'integer', default: HEAD_DEFAULTS.epochs },
  { flag: '--triplet-rate <n>', meaning: 'learning rate of triplets', kind: 'number', above: 0, default: LOSS_RATES.triplet },
  { flag: '--sample <n>', meaning: 'photos at most', kind: 'integer', default: 20_000 },
  { flag: '--threads <n>', meaning: 'training threads (default: one a core)', kind: 'integer' },
  { flag: '--seed <n>', meaning: 'of the first split; the next ones count on', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

const CHANCE = 'chance';
const ROTATED = 'untuned, rotated code';

interface Row {
  readonly what: string;
  readonly p1: number;
  readonly p5: number;
  readonly p10: Interval;
  /** P@10 over the untuned net's rotated code, photo by photo; null: it is that, or no code. */
  readonly overRotated: Interval | null;
}

export const job = defineJob({
  name: 'compare-losses',
  summary: 'What each loss of tune-net gains on classes that nobody learned from, beside chance and the untuned net.',
  examples: [
    'npm run lab -- compare-losses --images kinds/ikea-rooms',
    'npm run lab -- compare-losses --images kinds/ikea-rooms --splits 5 --json',
  ],
  options: FLAGS,
  run: compare,
  describe: ({ rows, queries, splits, classes, seconds }) => [
    `${queries} photos of classes nobody learned from ask all others; ${splits} splits of ${classes} classes; intervals over classes`,
    '| what | P@1 | P@5 | P@10 | 95 % interval | over the rotated code |',
    '|---|---|---|---|---|---|',
    ...rows.map(rowLine),
    `${seconds} s`,
  ],
});

function rowLine({ what, p1, p5, p10, overRotated }: Row): string {
  const gain = overRotated ? `${overRotated.mean.toFixed(4)} ${intervalText(overRotated, 3)}` : '';
  return `| ${what} | ${p1.toFixed(3)} | ${p5.toFixed(3)} | ${p10.mean.toFixed(3)} | ${intervalText(p10, 3)} | ${gain} |`;
}

async function compare(input: Input) {
  const { options, config, dataFolder } = input;
  const startedAt = performance.now();
  const threads = options.threads ?? availableParallelism();
  const work = mkdtempSync(join(tmpdir(), 'related-pins-losses-'));
  const pool = openPool(config, { workers: threads });
  const { product, close } = openOnnxProduct(threads);
  try {
    const net = readNet(options.net === undefined ? activeNet(dataFolder, 'visual') : resolve(options.net));
    const images = tuningImages({ ...input, options: { images: options.images, sample: options.sample, seed: options.seed } });
    const features = await activationsOf(net, pool, images, work, input);
    const set = classesOf(images.map(({ labels }) => labels.label[0]));
    const splits = [];
    for (let n = 0; n < options.splits; n++) {
      const found = await judgeSplit(
        { features, set, rule: net.manifest.binarization ?? 'activation > 0' },
        options.seed + n,
        { work, threads, product },
        input,
      );
      if (found) splits.push(found);
    }
    if (splits.length === 0)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'There are too few classes: some must teach, some stop and some judge.' });
    return {
      net: net.manifest.name,
      images: images.length,
      classes: set.labelCount,
      splits: splits.length,
      ...pooled(splits),
      seconds: Math.round((performance.now() - startedAt) / 1000),
    };
  } finally {
    await close();
    await pool.close();
    rmSync(work, { recursive: true, force: true });
  }
}

function classesOf(names: readonly string[]): LabelSet {
  const ordinals = new Map([...new Set(names)].map((name, at) => [name, at]));
  return { name: 'label', labels: names.map((name) => [ordinals.get(name) as number]), labelCount: ordinals.size, heldOut: 'labels' };
}

interface Measured {
  readonly what: string;
  readonly found: Precision;
}

interface Means {
  readonly work: string;
  readonly threads: number;
  readonly product: MatrixProduct;
}

/** One deal of the classes; null where none is left to stop or to judge. */
async function judgeSplit(
  { features, set, rule }: { readonly features: Float32Array; readonly set: LabelSet; readonly rule: Parameters<typeof fitBinarizer>[0] },
  seed: number,
  { work, threads, product }: Means,
  { options, progress, signal }: Input,
) {
  const count = set.labels.length;
  const length = features.length / count;
  const all = (part: Part): Part[] => set.labels.map(() => part);
  const task = taskOf(set, all('train'), seed);
  const [stop, test] = (['stop', 'test'] as const).map((part) => protocolOf(set, all(part), part, seed));
  if (!task || !stop || !test?.queries) return null;
  const training = task.classes.flat();
  const { rows } = prepareRows(features, length, training);
  const [shared, frame] = [sharedFloats(rows), sharedFloats(randomFrame(length, length, seed))];
  const works = HEAD_LOSSES.map((loss) => {
    const learningRate = loss === 'triplet' ? options.tripletRate : LOSS_RATES[loss];
    const settings: HeadSettings = { ...HEAD_DEFAULTS, loss, learningRate, epochs: options.epochs, seed };
    const place = { name: `${seed} ${loss}`, checkpoint: join(work, `${seed}-${loss}.head`), key: `${seed} ${loss}` };
    return { ...place, rows: shared, length, frame, tasks: [task], judges: [stop], settings };
  });
  const heads = await trainHeads(works, {
    threads,
    signal,
    onEpoch: (name, { epoch, trainLoss, measure }) =>
      progress.note(`${name}: epoch ${epoch}, loss ${trainLoss.toFixed(4)}, stop ${measure.toFixed(4)}`),
  });
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  const projected = (data: Float32Array, weights: Float32Array) =>
    product(data, weights, { rows: count, columns: length, inner: length, bTransposed: true });
  const coded = async (data: Float32Array): Promise<Precision> =>
    evaluateCodes(signCodes(split(await projected(data, frame), length)), test);
  const measured: Measured[] = [
    { what: CHANCE, found: evaluateChance(count, test) },
    ...(await untuned({ features, length, rule, training }, test)),
    { what: ROTATED, found: await coded(rows) },
  ];
  for (const [at, loss] of HEAD_LOSSES.entries()) {
    const z = await projected(rows, heads[at].weights);
    measured.push(
      { what: `${loss}, cosine`, found: evaluateRows(split(z, length), 'cosine', test) },
      { what: `${loss}, code`, found: await coded(z) },
    );
  }
  return { measured, clusters: test.queries.map((query) => `${seed} ${set.labels[query][0]}`) };
}

function untuned(
  {
    features,
    length,
    rule,
    training,
  }: { features: Float32Array; length: number; rule: Parameters<typeof fitBinarizer>[0]; training: readonly number[] },
  test: Protocol,
): Measured[] {
  const rows = split(features, length);
  const data = new Float32Array(training.length * length);
  training.forEach((row, at) => data.set(rows[row], at * length));
  const binarizer = fitBinarizer(rule, length, { rows: training.length, length, data });
  return [
    { what: 'untuned, cosine', found: evaluateRows(rows, 'cosine', test) },
    {
      what: 'untuned, code',
      found: evaluateCodes(
        rows.map((row) => codeOf(binarizer, row)),
        test,
      ),
    },
  ];
}

function split(data: Float32Array, length: number): Float32Array[] {
  return Array.from({ length: data.length / length }, (_, row) => data.subarray(row * length, (row + 1) * length));
}

/** All splits together; a class of a split is redrawn as a whole. */
function pooled(splits: readonly { readonly measured: readonly Measured[]; readonly clusters: readonly string[] }[]) {
  const clusters = splits.flatMap((one) => one.clusters);
  const byQuery = (at: number): number[] => splits.flatMap(({ measured }) => [...measured[at].found.p10ByQuery]);
  const weighed = (at: number, of: 'p1' | 'p5'): number =>
    splits.reduce((sum, { measured }) => sum + measured[at].found[of] * measured[at].found.queries, 0) / clusters.length;
  const names = splits[0].measured.map(({ what }) => what);
  const rotated = byQuery(names.indexOf(ROTATED));
  const rows = names.map((what, at): Row => {
    const overRotated = what === ROTATED || what === CHANCE ? null : bootstrapDifference(byQuery(at), rotated, 1, clusters);
    return { what, p1: weighed(at, 'p1'), p5: weighed(at, 'p5'), p10: bootstrapMean(byQuery(at), 1, clusters), overRotated };
  });
  return { queries: clusters.length, rows };
}
