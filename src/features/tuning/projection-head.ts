/**
 * A projection head on frozen visual features, learned with normalized softmax over class proxies (or with triplets, see
 * triplet-loss.ts), several label sets (tasks) at once:
 *
 *   x' = layer norm of x without affine, less its mean over the training rows
 *   z = W x';  loss = sum over tasks of cross-entropy(cos(z, proxy_c) / temperature)
 *
 * Given    rows    n x d, prepared by `prepareRows`
 *          tasks   for each class the training rows it may draw from
 * Returns  W, d x d row-major, of the epoch that `measure` liked best; epoch 0 is W = identity.
 * Same input, same seed, same bits out, on one kind of processor.
 * Source   Zhai and Wu, Classification is a Strong Baseline for Deep Metric Learning, BMVC 2019: sections 3.1 (normalized
 *          softmax, temperature), 3.2 (layer norm), 3.3 (class-balanced batches); training as in its section 4.1.
 * Choice   W starts as the identity, proxies as the mean direction of their class (so no epoch for them alone is needed), and
 *          a share of each row is dropped: a catalogue is small, and early stopping then chooses how far to leave the frozen
 *          features. W has no bias; the mean is taken off before it, because sign codes need their origin amid the data.
 */
import type { MatrixProduct } from '../../math/matrix-product.ts';
import { mixedSeed, type Random, seededRandom } from '../../math/random.ts';
import { lengthOf, throughNorm, unitRows } from '../../math/unit-rows.ts';
import { tripletGradients } from './triplet-loss.ts';

export interface HeadTask {
  readonly name: string;
  /** Training rows of each class; classes of fewer than two rows teach nothing and must be left out. */
  readonly classes: readonly (readonly number[])[];
}

export const HEAD_LOSSES = ['softmax', 'triplet'] as const;
export type HeadLoss = (typeof HEAD_LOSSES)[number];

export interface HeadSettings {
  readonly loss: HeadLoss;
  /** Of triplets: by how much squared distances must differ. */
  readonly margin: number;
  readonly temperature: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Classes in a batch x rows of each, drawn with replacement. */
  readonly classesPerBatch: number;
  readonly rowsPerClass: number;
  /** Share of each drawn row that is set to zero, the rest scaled up. */
  readonly dropout: number;
  readonly epochs: number;
  /** Epochs without a better measure before it stops. */
  readonly patience: number;
  readonly seed: number;
}

/** Temperature, margin, batch, momentum and decay as published; rate and dropout chosen on `ikea-rooms` (docs/DECISIONS.md). */
export const HEAD_DEFAULTS: HeadSettings = {
  loss: 'softmax',
  margin: 0.2,
  temperature: 0.05,
  learningRate: 0.03,
  momentum: 0.9,
  weightDecay: 1e-4,
  classesPerBatch: 15,
  rowsPerClass: 5,
  dropout: 0.3,
  epochs: 20,
  patience: 4,
  seed: 1,
};

/** The rate at which each loss learns: their slopes differ by the temperature. */
export const LOSS_RATES: Readonly<Record<HeadLoss, number>> = { softmax: HEAD_DEFAULTS.learningRate, triplet: 0.01 };

/** Everything that training goes on from; `best` is the head to keep. */
export interface HeadState {
  readonly epoch: number;
  readonly weights: Float32Array;
  readonly velocity: Float32Array;
  readonly proxies: readonly Float32Array[];
  readonly proxyVelocities: readonly Float32Array[];
  readonly best: Float32Array;
  readonly trace: readonly HeadEpoch[];
}

export interface HeadEpoch {
  readonly epoch: number;
  /** NaN at epoch 0, before the first step. */
  readonly trainLoss: number;
  /** What `measure` said; higher is better. */
  readonly measure: number;
}

export interface HeadTraining {
  readonly rows: Float32Array;
  readonly length: number;
  readonly tasks: readonly HeadTask[];
  readonly settings: HeadSettings;
  readonly product: MatrixProduct;
  /** How good a head is on what it may not learn from. */
  readonly measure: (weights: Float32Array) => Promise<number>;
  /** Told after every epoch; false stops. */
  readonly onEpoch?: (state: HeadState) => boolean;
  readonly resume?: HeadState;
}

const LAYER_NORM_EPSILON = 1e-5;

/** Layer norm without affine of each row, in place: mean 0, variance 1. */
export function layerNorm(rows: Float32Array, length: number): void {
  for (let from = 0; from < rows.length; from += length) {
    let mean = 0;
    for (let i = 0; i < length; i++) mean += rows[from + i];
    mean /= length;
    let variance = 0;
    for (let i = 0; i < length; i++) variance += (rows[from + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / length + LAYER_NORM_EPSILON);
    for (let i = 0; i < length; i++) rows[from + i] = (rows[from + i] - mean) * scale;
  }
}

/** Layer-normed rows less their mean over `training`, and that mean. */
export function prepareRows(features: Float32Array, length: number, training: readonly number[]) {
  const rows = Float32Array.from(features);
  layerNorm(rows, length);
  const mean = new Float32Array(length);
  for (const row of training) for (let i = 0; i < length; i++) mean[i] += rows[row * length + i] / training.length;
  for (let at = 0; at < rows.length; at++) rows[at] -= mean[at % length];
  return { rows, mean };
}

/** Trains until the measure no longer rises. Throws RangeError without a task of at least two classes. */
export async function trainHead(training: HeadTraining): Promise<HeadState> {
  const { tasks, settings, measure, onEpoch = () => true } = training;
  if (tasks.length === 0 || tasks.some(({ classes }) => classes.length < 2))
    throw new RangeError('tasks: expected each to have at least two classes');
  let state = training.resume ?? (await freshState(training));
  const steps = stepsPerEpoch(training);
  while (state.epoch < settings.epochs && state.epoch - bestEpoch(state.trace) < settings.patience) {
    const epoch = state.epoch + 1;
    const random = seededRandom(mixedSeed(settings.seed, `epoch ${epoch}`));
    let loss = 0;
    for (let step = 0; step < steps; step++) for (const task of tasks.keys()) loss += await trainStep(training, state, task, random);
    const measured = await measure(state.weights);
    const trace = [...state.trace, { epoch, trainLoss: loss / (steps * tasks.length), measure: measured }];
    state = { ...state, epoch, trace, best: bestEpoch(trace) === epoch ? Float32Array.from(state.weights) : state.best };
    if (!onEpoch(state)) break;
  }
  return state;
}

/** The epoch whose measure was highest, the first of equals. */
function bestEpoch(trace: readonly HeadEpoch[]): number {
  return trace.reduce((best, one) => (one.measure > best.measure ? one : best)).epoch;
}

function stepsPerEpoch({ rows, length, settings }: HeadTraining): number {
  return Math.max(10, Math.ceil(rows.length / length / (settings.classesPerBatch * settings.rowsPerClass)));
}

async function freshState({ rows, length, tasks, measure }: HeadTraining): Promise<HeadState> {
  const weights = new Float32Array(length * length);
  for (let i = 0; i < length; i++) weights[i * length + i] = 1;
  const proxies = tasks.map(({ classes }) => meanDirections(rows, length, classes));
  return {
    epoch: 0,
    weights,
    velocity: new Float32Array(weights.length),
    proxies,
    proxyVelocities: proxies.map((proxy) => new Float32Array(proxy.length)),
    best: Float32Array.from(weights),
    trace: [{ epoch: 0, trainLoss: Number.NaN, measure: await measure(weights) }],
  };
}

/** The mean of each class's rows, each of length 1. */
function meanDirections(rows: Float32Array, length: number, classes: HeadTask['classes']): Float32Array {
  const out = new Float32Array(classes.length * length);
  classes.forEach((members, label) => {
    for (const row of members) {
      const from = row * length;
      const scale = 1 / (lengthOf(rows, from, length) * members.length);
      for (let i = 0; i < length; i++) out[label * length + i] += rows[from + i] * scale;
    }
  });
  return out;
}

/** One batch of one task: moves the task's proxies and W. Returns the mean loss. */
async function trainStep(training: HeadTraining, state: HeadState, at: number, random: Random): Promise<number> {
  const { length, settings, product } = training;
  const { x, labels } = drawBatch(training, training.tasks[at], random);
  const shape = { rows: labels.length, columns: length, inner: length };
  const z = await product(x, state.weights, { ...shape, bTransposed: true });
  const { loss, dz, dProxies } = await gradients(settings, z, state.proxies[at], labels, length, product);
  const dW = await product(dz, x, { rows: length, columns: length, inner: labels.length, aTransposed: true });
  if (dProxies) descend(state.proxies[at], state.proxyVelocities[at], dProxies, { ...settings, weightDecay: 0 });
  descend(state.weights, state.velocity, dW, settings);
  return loss;
}

/** The loss of a batch and its gradients; triplets have no proxies. */
async function gradients(
  { loss, margin, temperature }: HeadSettings,
  z: Float32Array,
  proxies: Float32Array,
  labels: readonly number[],
  length: number,
  product: MatrixProduct,
): Promise<{ loss: number; dz: Float32Array; dProxies: Float32Array | null }> {
  if (loss === 'softmax') return softmaxGradients(z, proxies, labels, length, temperature, product);
  return { ...(await tripletGradients(z, labels, length, margin, product)), dProxies: null };
}

/** A class-balanced batch: classes drawn without, rows with replacement. */
function drawBatch({ rows, length, settings }: HeadTraining, { classes }: HeadTask, random: Random) {
  const labels = random
    .shuffled(classes.map((_, label) => label))
    .slice(0, settings.classesPerBatch)
    .flatMap((label) => Array.from({ length: settings.rowsPerClass }, () => label));
  const x = new Float32Array(labels.length * length);
  const kept = 1 - settings.dropout;
  labels.forEach((label, at) => {
    const from = random.pick(classes[label]) * length;
    for (let i = 0; i < length; i++) if (settings.dropout === 0 || random.next() < kept) x[at * length + i] = rows[from + i] / kept;
  });
  return { x, labels };
}

/** SGD with momentum and weight decay, in place. */
function descend(
  weights: Float32Array,
  velocity: Float32Array,
  gradient: Float32Array,
  { momentum, weightDecay, learningRate }: HeadSettings,
): void {
  for (let i = 0; i < weights.length; i++) {
    velocity[i] = momentum * velocity[i] + gradient[i] + weightDecay * weights[i];
    weights[i] -= learningRate * velocity[i];
  }
}

/**
 * Mean cross-entropy of cos(z, proxy) / temperature over a batch, and its gradients with respect to z and the proxies.
 * With u = z / |z|, v = p / |p|, g = d loss / d cos: d loss / du = g v, and through the norm dz = (du - (du.u) u) / |z|.
 */
export async function softmaxGradients(
  z: Float32Array,
  proxies: Float32Array,
  labels: readonly number[],
  length: number,
  temperature: number,
  product: MatrixProduct,
): Promise<{ loss: number; dz: Float32Array; dProxies: Float32Array }> {
  const [batch, classes] = [labels.length, proxies.length / length];
  const u = unitRows(z, length);
  const v = unitRows(proxies, length);
  const g = await product(u, v, { rows: batch, columns: classes, inner: length, bTransposed: true });
  let loss = 0;
  labels.forEach((label, row) => {
    loss += crossEntropy(g.subarray(row * classes, (row + 1) * classes), label, temperature, batch);
  });
  const du = await product(g, v, { rows: batch, columns: length, inner: classes });
  const dv = await product(g, u, { rows: classes, columns: length, inner: batch, aTransposed: true });
  return { loss: loss / batch, dz: throughNorm(du, u, z, length), dProxies: throughNorm(dv, v, proxies, length) };
}

/** Turns a row of cosines into the gradient of the mean loss, in place; returns the row's loss. */
function crossEntropy(cosines: Float32Array, label: number, temperature: number, batch: number): number {
  const highest = cosines.reduce((a, b) => Math.max(a, b));
  const own = (cosines[label] - highest) / temperature;
  let sum = 0;
  for (let c = 0; c < cosines.length; c++) {
    cosines[c] = Math.exp((cosines[c] - highest) / temperature);
    sum += cosines[c];
  }
  for (let c = 0; c < cosines.length; c++) cosines[c] = (cosines[c] / sum - (c === label ? 1 : 0)) / (temperature * batch);
  return Math.log(sum) - own;
}
