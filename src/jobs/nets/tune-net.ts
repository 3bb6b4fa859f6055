/** Learns from the catalogue's own boards, categories and annotations what looks alike, and appends it to the net. */
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { counted } from '../../counted.ts';
import { ServiceError } from '../../errors.ts';
import { featureNetOf } from '../../features/convnet.ts';
import { type HeadWork, sharedFloats, type TrainedHead, trainHeads } from '../../features/tuning/head-training.ts';
import { type LabelSet, type Part, partsOf, protocolOf, taskOf } from '../../features/tuning/label-split.ts';
import { HEAD_DEFAULTS, HEAD_LOSSES, type HeadTask, layerNorm, LOSS_RATES, prepareRows } from '../../features/tuning/projection-head.ts';
import type { Protocol } from '../../features/retrieval-evaluation.ts';
import { type AffineLayer, affineLayer, principalFrame, randomFrame, rotationLayer } from '../../features/tuning/tuned-layer.ts';
import type { MatrixProduct } from '../../math/matrix-product.ts';
import { unitRows } from '../../math/unit-rows.ts';
import { appendLayers } from '../../vision/import/append-layers.ts';
import { openPool, type InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { type Net, type NetManifest, readNet } from '../../vision/net-manifest.ts';
import { openOnnxProduct } from '../../vision/import/onnx-product.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { type TruthFigures, truthFigures, tuningLines } from './tuning-figures.ts';
import { activationsKey, activationsOf, labelSets, type TuningImage, tuningImages } from './tuning-images.ts';

const FLAGS = flags([
  { flag: '--name <name>', meaning: 'what to call the tuned net', required: true },
  { flag: '--net <folder>', meaning: 'the net to start from (default: the active one)' },
  { flag: '--out <folder>', meaning: 'where it goes, a folder without a net (default: nets/NAME in the data folder)' },
  { flag: '--images <folder>', meaning: 'folders of images, a folder a label (absent: the catalogue)' },
  { flag: '--kinds <file>', meaning: 'JSON Lines {pinId, label}: known kinds of pins, one more task and truth' },
  {
    flag: '--tasks <names>',
    meaning: 'of boards, categories, annotations, kinds (default: all together and each alone; the best is kept)',
    kind: 'list',
  },
  {
    flag: '--loss <loss>',
    meaning: 'softmax: normalized, over a proxy a class; triplet: with semi-hard negatives',
    choices: HEAD_LOSSES,
    default: HEAD_DEFAULTS.loss,
  },
  { flag: '--bits <n>', meaning: 'length of the code (default: that of fc6)', kind: 'integer' },
  { flag: '--short <n>', meaning: 'length of the short float embedding', kind: 'integer', default: 128 },
  {
    flag: '--epochs <n>',
    meaning: 'at most; it stops when held-out precision no longer rises',
    kind: 'integer',
    default: HEAD_DEFAULTS.epochs,
  },
  { flag: '--sample <n>', meaning: 'images to learn from and measure on, at most', kind: 'integer', default: 20_000 },
  { flag: '--threads <n>', meaning: 'training threads (default: one a core)', kind: 'integer' },
  { flag: '--seed <n>', meaning: 'of the split, batches and rotation', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'tune-net',
  summary: "learns from the catalogue's boards, categories and annotations, and writes a net whose codes know them",
  examples: [
    'related-pins tune-net --data var --name tuned-1 --json',
    'related-pins tune-net --net nets/resnet50 --name resnet50-tuned --bits 1024 --out nets/resnet50-tuned',
    'related-pins tune-net --name by-triplets --loss triplet',
    'related-pins tune-net --images photos-by-kind --name by-kind --out nets/by-kind',
  ],
  options: FLAGS,
  run: tuneNet,
  describe: (receipt) => [
    `${receipt.name} learned from ${receipt.tasks} by ${receipt.loss} on ${counted(receipt.images, 'image')}, written to ${receipt.out}`,
    ...tuningLines(receipt.figures),
  ],
});

/** It becomes a folder of the data folder. */
const NET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

async function tuneNet(input: Input) {
  const { options, config, dataFolder, progress } = input;
  const name = options.name;
  if (!NET_NAME.test(name))
    throw new ServiceError('JOB_USAGE', {
      reason: '--name has 1 to 100 letters, digits, dots, dashes and underscores, and begins with a letter or digit',
    });
  const startedAt = performance.now();
  const base = readNet(typeof options.net === 'string' ? resolve(options.net) : activeNet(dataFolder, 'visual'));
  const length = featureNetOf(base).fc6Length;
  if (base.manifest.outputs.untuned)
    throw new ServiceError('NET_REFUSED', {
      net: base.manifest.name,
      reason: 'it is tuned already: tune the net that it came from (--net)',
    });
  const out = typeof options.out === 'string' ? resolve(options.out) : join(dataFolder, 'nets', name);
  const work = `${out}.tuning`;
  // Said before hours of training. A run that was stopped has left its work behind, and may have written the very same net.
  if (existsSync(join(out, 'manifest.json')) && !existsSync(work))
    throw new ServiceError('JOB_USAGE', {
      reason: `${out} holds a net already, under whose name features may be kept; choose another --name or --out, or remove it`,
    });
  const threads = options.threads ?? availableParallelism();
  const pool = openPool(config, { workers: threads });
  const { product, close } = openOnnxProduct(threads);
  try {
    await pool.warmUp(base);
    const seen = await readable(base, pool, tuningImages(input), work, input);
    const learned = await learn(seen, length, { work, threads, product }, input);
    progress.note(`kept the head learned from ${learned.head.tasks.join(', ')}`);
    const layers = await finish(learned, length, product, options);
    const manifest = write(base, layers, learned, out, input);
    const agreement = await agreementOf(out, pool, seen, layers.bits, product);
    const figures = await measure(seen, learned, layers, base.manifest, product, options.seed);
    rmSync(work, { recursive: true });
    return {
      name,
      out,
      net: base.manifest.name,
      netDigest: manifest.sha256,
      images: seen.images.length,
      refused: seen.refused,
      tasks: learned.head.tasks,
      loss: options.loss,
      candidates: learned.candidates,
      trace: learned.head.trace,
      figures,
      beatsUntuned: Object.fromEntries(figures.map(({ truth, gain }) => [truth, gain.beatsUntuned])),
      agreement,
      bits: layers.bits.outputLength,
      shortLength: layers.short.outputLength,
      seconds: Math.round(performance.now() - startedAt) / 1000,
    };
  } finally {
    await close();
    await pool.close();
  }
}

interface Seen {
  readonly images: readonly TuningImage[];
  readonly features: Float32Array;
  /** What the activations depend on. */
  readonly key: string;
  readonly parts: readonly Part[];
  readonly training: readonly number[];
  readonly sets: readonly LabelSet[];
  readonly refused: number;
}

/** The images that could be read, their activations, labels and parts. */
async function readable(net: Net, pool: InferencePool, images: readonly TuningImage[], work: string, input: Input): Promise<Seen> {
  const all = await activationsOf(net, pool, images, work, input);
  const length = all.length / images.length;
  const rows = images.flatMap((_, row) => (Number.isNaN(all[row * length]) ? [] : [row]));
  const features = new Float32Array(rows.length * length);
  rows.forEach((row, at) => features.set(all.subarray(row * length, (row + 1) * length), at * length));
  const kept = rows.map((row) => images[row]);
  const seed = input.options.seed;
  const parts = partsOf(
    kept.map(({ key }) => key),
    seed,
  );
  const training = parts.flatMap((part, row) => (part === 'train' ? [row] : []));
  const key = activationsKey(net, images);
  return { images: kept, features, key, parts, training, sets: labelSets(kept, parts, seed), refused: images.length - rows.length };
}

interface Learned {
  readonly rows: Float32Array;
  readonly mean: Float32Array;
  readonly training: readonly number[];
  readonly frame: Float32Array;
  readonly head: TrainedHead;
  readonly candidates: readonly { readonly tasks: readonly string[]; readonly epochs: number; readonly measure: number }[];
}

interface Means {
  readonly work: string;
  readonly threads: number;
  readonly product: MatrixProduct;
}

/** Trains a head on all tasks together and one on each alone, and keeps the best by what may stop it. */
async function learn(seen: Seen, length: number, { work, threads }: Means, { options, progress, signal }: Input): Promise<Learned> {
  const seed = options.seed;
  const { rows, mean } = prepareRows(seen.features, length, seen.training);
  const frame = sharedFloats(randomFrame(options.bits ?? length, length, seed));
  const wanted = options.tasks;
  const tasks = seen.sets.flatMap((set) => taskOf(set, seen.parts, seed) ?? []).filter((task) => wanted?.includes(task.name) ?? true);
  const judges = seen.sets.flatMap((set) => protocolOf(set, seen.parts, 'stop', seed) ?? []);
  if (tasks.length === 0 || judges.length === 0) {
    const reason =
      'No boards, categories or annotations join enough images: a head needs two labels of two images each, and others to judge it.';
    throw new ServiceError('NOTHING_TO_DO', { reason });
  }
  const shared = sharedFloats(rows);
  const { loss } = options;
  const settings = { ...HEAD_DEFAULTS, loss, learningRate: LOSS_RATES[loss], epochs: options.epochs, seed };
  const choices = tasks.length === 1 || wanted ? [tasks] : [tasks, ...tasks.map((task) => [task])];
  const works = choices.map((chosen): HeadWork => {
    const name = chosen.map((task) => task.name).join('+');
    const key = trainingKey([seen.key, settings, frame.length, chosen, judges]);
    return { name, rows: shared, length, frame, tasks: chosen, judges, settings, checkpoint: join(work, `${name}.head`), key };
  });
  const heads = await trainHeads(works, {
    threads,
    signal,
    onEpoch: (name, { epoch, trainLoss, measure }) =>
      progress.note(`${name}: epoch ${epoch}, loss ${trainLoss.toFixed(3)}, held-out P@10 x ${measure.toFixed(4)}`),
  });
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  const head = heads.reduce((best, one) => (one.measure > best.measure ? one : best));
  const candidates = heads.map(({ tasks: names, trace, measure }) => ({ tasks: names, epochs: trace.length - 1, measure }));
  return { rows, mean, training: seen.training, frame, head, candidates };
}

function trainingKey(parts: readonly (string | object | number | readonly HeadTask[] | readonly Protocol[])[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

interface Layers {
  readonly bits: AffineLayer;
  readonly short: AffineLayer;
}

/** The head as layers of the net: the rotated one of the code, and the principal directions. */
async function finish(
  { rows, mean, training, frame, head }: Learned,
  length: number,
  product: MatrixProduct,
  options: Input['options'],
): Promise<Layers> {
  const projected = await product(rows, head.weights, { rows: rows.length / length, columns: length, inner: length, bTransposed: true });
  const units = unitRows(projected, length);
  const sample = new Float32Array(training.length * length);
  training.forEach((row, at) => sample.set(units.subarray(row * length, (row + 1) * length), at * length));
  const short = principalFrame(sample, length, Math.min(options.short, length));
  return {
    bits: await affineLayer(frame, head.weights, mean, product),
    short: await affineLayer(short, head.weights, mean, product),
  };
}

function write(base: Net, { bits, short }: Layers, { head }: Learned, out: string, { options }: Input): NetManifest {
  return appendLayers(
    base,
    [
      { ...bits, role: 'fc6', unit: false },
      { ...short, role: 'embedding', unit: true },
    ],
    out,
    {
      name: options.name,
      binarization: 'activation > 0',
      licence: `${base.manifest.licence}; head learned from the catalogue's own labels`,
      tunedFrom: { name: base.manifest.name, sha256: base.manifest.sha256, tasks: head.tasks, loss: options.loss, seed: options.seed },
    },
  );
}

/** z = weights x' + bias for every row: what the net's new layer must give. */
async function applied(
  { weights, bias, inputLength, outputLength }: AffineLayer,
  features: Float32Array,
  product: MatrixProduct,
): Promise<Float32Array[]> {
  const rows = Float32Array.from(features);
  layerNorm(rows, inputLength);
  const count = rows.length / inputLength;
  const z = await product(rows, weights, { rows: count, columns: outputLength, inner: inputLength, bTransposed: true });
  for (let at = 0; at < z.length; at++) z[at] += bias[at % outputLength];
  return Array.from({ length: count }, (_, row) => z.subarray(row * outputLength, (row + 1) * outputLength));
}

const CHECKED = 32;

/** Runs the written net on a few images: bits that agree with the trained head, of all. */
async function agreementOf(
  folder: string,
  pool: InferencePool,
  { images, features }: Seen,
  bits: AffineLayer,
  product: MatrixProduct,
): Promise<number> {
  const few = images.slice(0, CHECKED);
  const expected = await applied(bits, features.subarray(0, few.length * bits.inputLength), product);
  const found = await pool.embed(folder, await Promise.all(few.map(async (image) => ({ bytes: await image.read() }))));
  let same = 0;
  found.forEach((one, row) => {
    if (one.ok) same += one.fc6.filter((value, bit) => value > 0 === expected[row][bit] > 0).length;
  });
  return same / (few.length * bits.outputLength);
}

async function measure(
  seen: Seen,
  { frame, mean }: Learned,
  { bits, short }: Layers,
  { binarization = 'activation > 0' }: NetManifest,
  product: MatrixProduct,
  seed: number,
): Promise<TruthFigures[]> {
  const { features, training } = seen;
  const length = bits.inputLength;
  const before = seen.images.map((_, row) => features.subarray(row * length, (row + 1) * length));
  const rotated = await applied(await rotationLayer(frame, mean, product), features, product);
  const after = await applied(bits, features, product);
  const embedded = await applied(short, features, product);
  const vectors = { before, rotated, after, short: embedded, rule: binarization, training };
  return seen.sets.flatMap((set) => {
    const protocol = protocolOf(set, seen.parts, 'test', seed);
    return protocol ? [truthFigures(set.name, protocol, vectors)] : [];
  });
}
