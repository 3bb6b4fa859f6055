/**
 * A projection head on frozen visual features, learned with normalized softmax over class proxies, several label sets
 * (tasks) at once:
 *
 *   x' = layer norm of x without affine;  z = W x';  loss = sum over tasks of cross-entropy(cos(z, proxy_c) / 0.05)
 *
 * Given    rows    n x d visual features (fc6 activations), row-major float32
 *          tasks   one class per row and task, -1 where the row has none
 * Returns  W, D x d row-major, and the trace of training and held-out loss.
 * The code of an image is the sign of z: bit = value > 0.
 * Same input, same seed, same bits out.
 * Source   Zhai and Wu, Classification is a Strong Baseline for Deep Metric Learning, BMVC 2019: sections 3.1 (normalized
 *          softmax, temperature), 3.2 (layer norm), 3.3 (class-balanced batches); training as in its section 4.1.
 * Choice   W starts as the identity where D = d (then as a seeded random projection), because a catalogue is small:
 *          early stopping then chooses how far to leave the frozen features, and cannot do much worse than them.
 */
import { type Random, seededRandom } from '../math/random.ts';

export interface HeadTask {
  readonly name: string;
  /** Class of each row, 0..classes-1, or -1. */
  readonly classes: Int32Array;
  readonly classCount: number;
}

export interface HeadSettings {
  /** Length of z; 0 keeps the length of the features. */
  readonly outputLength: number;
  readonly temperature: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Classes in a batch x rows of each, drawn with replacement. */
  readonly classesPerBatch: number;
  readonly rowsPerClass: number;
  readonly epochs: number;
  /** Epochs without a better held-out loss before it stops. */
  readonly patience: number;
  readonly seed: number;
}

export const HEAD_DEFAULTS: HeadSettings = {
  outputLength: 0,
  temperature: 0.05,
  learningRate: 0.01,
  momentum: 0.9,
  weightDecay: 1e-4,
  classesPerBatch: 15,
  rowsPerClass: 5,
  epochs: 20,
  patience: 3,
  seed: 1,
};

export interface Head {
  readonly inputLength: number;
  readonly outputLength: number;
  readonly weights: Float32Array;
}

export interface HeadTraining {
  readonly head: Head;
  readonly trace: readonly { readonly epoch: number; readonly trainLoss: number; readonly heldOutLoss: number }[];
  readonly bestEpoch: number;
}

const LAYER_NORM_EPSILON = 1e-5;

/** Layer norm without affine, in place for row `row` of an n x d block: mean 0, variance 1. */
export function layerNorm(data: Float32Array, row: number, length: number): void {
  const from = row * length;
  let mean = 0;
  for (let i = 0; i < length; i++) mean += data[from + i];
  mean /= length;
  let variance = 0;
  for (let i = 0; i < length; i++) variance += (data[from + i] - mean) ** 2;
  const scale = 1 / Math.sqrt(variance / length + LAYER_NORM_EPSILON);
  for (let i = 0; i < length; i++) data[from + i] = (data[from + i] - mean) * scale;
}

/** z = W x' for `count` rows that are layer-normed already; n x D row-major. */
export function project(head: Head, rows: Float32Array, count: number): Float32Array {
  const { inputLength, outputLength, weights } = head;
  const out = new Float32Array(count * outputLength);
  for (let row = 0; row < count; row++) {
    for (let o = 0; o < outputLength; o++) out[row * outputLength + o] = dotAt(weights, o * inputLength, rows, row * inputLength, inputLength);
  }
  return out;
}

function dotAt(a: Float32Array, aFrom: number, b: Float32Array, bFrom: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[aFrom + i] * b[bFrom + i];
    s1 += a[aFrom + i + 1] * b[bFrom + i + 1];
    s2 += a[aFrom + i + 2] * b[bFrom + i + 2];
    s3 += a[aFrom + i + 3] * b[bFrom + i + 3];
  }
  for (; i < length; i++) s0 += a[aFrom + i] * b[bFrom + i];
  return s0 + s1 + s2 + s3;
}

/** Trains the head; `heldOut` marks rows that only measure (1). `onEpoch` may stop it by returning false. */
export function trainHead(
  features: Float32Array,
  length: number,
  tasks: readonly HeadTask[],
  heldOut: Uint8Array,
  settings: HeadSettings,
  onEpoch: (epoch: number, trainLoss: number, heldOutLoss: number) => boolean = () => true,
): HeadTraining {
  const count = features.length / length;
  if (!Number.isInteger(count)) throw new RangeError(`features: expected a multiple of ${length} values, got ${features.length}`);
  const rows = Float32Array.from(features);
  for (let row = 0; row < count; row++) layerNorm(rows, row, length);
  const random = seededRandom(settings.seed);
  const head = freshHead(length, settings.outputLength || length, random);
  const learners = tasks.map((task) => new TaskLearner(task, head.outputLength, heldOut, random));
  const usable = learners.filter((learner) => learner.trainClasses.length > 1);
  if (usable.length === 0) throw new RangeError('tasks: expected one with at least two classes of two rows or more');
  const velocity = new Float32Array(head.weights.length);
  const trace: { epoch: number; trainLoss: number; heldOutLoss: number }[] = [];
  let best = { weights: Float32Array.from(head.weights), loss: Number.POSITIVE_INFINITY, epoch: 0 };
  const stepsPerEpoch = Math.max(10, Math.ceil(count / (settings.classesPerBatch * settings.rowsPerClass)));
  for (let epoch = 0; epoch <= settings.epochs; epoch++) {
    let trainLoss = 0;
    for (let step = 0; step < stepsPerEpoch; step++) {
      for (const learner of usable) trainLoss += trainStep(rows, head, velocity, learner, settings, random, epoch > 0) / usable.length;
    }
    const heldOutLoss = heldOutLossOf(rows, head, usable, settings.temperature);
    trace.push({ epoch, trainLoss: trainLoss / stepsPerEpoch, heldOutLoss });
    if (heldOutLoss < best.loss - 1e-6) best = { weights: Float32Array.from(head.weights), loss: heldOutLoss, epoch };
    if (!onEpoch(epoch, trainLoss / stepsPerEpoch, heldOutLoss) || epoch - best.epoch >= settings.patience) break;
  }
  return { head: { ...head, weights: best.weights }, trace, bestEpoch: best.epoch };
}

function freshHead(inputLength: number, outputLength: number, random: Random): Head {
  const weights = new Float32Array(outputLength * inputLength);
  if (inputLength === outputLength) for (let i = 0; i < inputLength; i++) weights[i * inputLength + i] = 1;
  else for (let i = 0; i < weights.length; i++) weights[i] = random.normal() / Math.sqrt(inputLength);
  return { inputLength, outputLength, weights };
}

/** One label set: its proxies, and the rows of each class that may be drawn or that only measure. */
class TaskLearner {
  readonly proxies: Float32Array;
  readonly velocity: Float32Array;
  readonly classCount: number;
  readonly rowsOfClass: readonly number[][];
  readonly trainClasses: readonly number[];
  readonly heldOutRows: readonly number[];
  readonly classes: Int32Array;

  constructor(task: HeadTask, length: number, heldOut: Uint8Array, random: Random) {
    this.classes = task.classes;
    this.classCount = task.classCount;
    this.proxies = new Float32Array(task.classCount * length);
    this.velocity = new Float32Array(this.proxies.length);
    for (let i = 0; i < this.proxies.length; i++) this.proxies[i] = random.normal() / Math.sqrt(length);
    const rowsOfClass: number[][] = Array.from({ length: task.classCount }, () => []);
    const measured: number[] = [];
    task.classes.forEach((label, row) => {
      if (label < 0) return;
      if (heldOut[row]) measured.push(row);
      else rowsOfClass[label].push(row);
    });
    this.rowsOfClass = rowsOfClass;
    this.trainClasses = rowsOfClass.flatMap((rows, label) => (rows.length >= 2 ? [label] : []));
    const known = new Set(this.trainClasses);
    this.heldOutRows = measured.filter((row) => known.has(task.classes[row]));
  }

  /** A class-balanced batch: rows drawn with replacement from classes drawn without. */
  draw(settings: HeadSettings, random: Random): number[] {
    const chosen = random.shuffled(this.trainClasses).slice(0, settings.classesPerBatch);
    return chosen.flatMap((label) => Array.from({ length: settings.rowsPerClass }, () => random.pick(this.rowsOfClass[label])));
  }
}

/** Loss and gradients of one batch; updates the proxies, and W when `moveHead`. Returns the mean loss. */
function trainStep(rows: Float32Array, head: Head, velocity: Float32Array, learner: TaskLearner, settings: HeadSettings, random: Random, moveHead: boolean): number {
  const batch = learner.draw(settings, random);
  const length = head.inputLength;
  const x = new Float32Array(batch.length * length);
  batch.forEach((row, at) => {
    x.set(rows.subarray(row * length, (row + 1) * length), at * length);
  });
  const z = project(head, x, batch.length);
  const labels = batch.map((row) => learner.classes[row]);
  const { loss, dz, dProxies } = softmaxGradients(z, head.outputLength, labels, learner, settings.temperature);
  descend(learner.proxies, learner.velocity, dProxies, settings);
  if (moveHead) {
    const dW = new Float32Array(head.weights.length);
    for (let at = 0; at < batch.length; at++) {
      for (let o = 0; o < head.outputLength; o++) {
        const slope = dz[at * head.outputLength + o];
        if (slope === 0) continue;
        const to = o * length;
        const from = at * length;
        for (let i = 0; i < length; i++) dW[to + i] += slope * x[from + i];
      }
    }
    descend(head.weights, velocity, dW, settings);
  }
  return loss;
}

/** SGD with momentum and weight decay, in place. */
function descend(weights: Float32Array, velocity: Float32Array, gradient: Float32Array, settings: HeadSettings): void {
  for (let i = 0; i < weights.length; i++) {
    velocity[i] = settings.momentum * velocity[i] + gradient[i] + settings.weightDecay * weights[i];
    weights[i] -= settings.learningRate * velocity[i];
  }
}

/**
 * Mean cross-entropy of cos(z, proxy) / temperature over a batch, and its gradients with respect to z and the proxies.
 * With u = z / |z|, v = p / |p|, c = u.v: dc/dz = (v - c u) / |z|, dc/dp = (u - c v) / |p|.
 */
export function softmaxGradients(z: Float32Array, length: number, labels: readonly number[], learner: { readonly proxies: Float32Array; readonly classCount: number }, temperature: number) {
  const { proxies, classCount } = learner;
  const proxyNorm = norms(proxies, classCount, length);
  const zNorm = norms(z, labels.length, length);
  const dz = new Float32Array(z.length);
  const dProxies = new Float32Array(proxies.length);
  const cosines = new Float64Array(classCount);
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    const shares = softmaxRow(z, row, length, proxies, proxyNorm, zNorm[row], classCount, temperature, cosines);
    loss -= Math.log(Math.max(shares[labels[row]], 1e-30));
    for (let c = 0; c < classCount; c++) {
      const slope = (shares[c] - (c === labels[row] ? 1 : 0)) / (temperature * labels.length);
      if (Math.abs(slope) < 1e-9) continue;
      const scaleZ = slope / zNorm[row];
      const scaleP = slope / proxyNorm[c];
      for (let i = 0; i < length; i++) {
        const u = z[row * length + i] / zNorm[row];
        const v = proxies[c * length + i] / proxyNorm[c];
        dz[row * length + i] += scaleZ * (v - cosines[c] * u);
        dProxies[c * length + i] += scaleP * (u - cosines[c] * v);
      }
    }
  }
  return { loss: loss / labels.length, dz, dProxies };
}

function softmaxRow(z: Float32Array, row: number, length: number, proxies: Float32Array, proxyNorm: Float64Array, zNorm: number, classCount: number, temperature: number, cosines: Float64Array): Float64Array {
  const shares = new Float64Array(classCount);
  let highest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classCount; c++) {
    cosines[c] = dotAt(z, row * length, proxies, c * length, length) / (zNorm * proxyNorm[c]);
    highest = Math.max(highest, cosines[c]);
  }
  let sum = 0;
  for (let c = 0; c < classCount; c++) {
    shares[c] = Math.exp((cosines[c] - highest) / temperature);
    sum += shares[c];
  }
  for (let c = 0; c < classCount; c++) shares[c] /= sum;
  return shares;
}

function norms(data: Float32Array, count: number, length: number): Float64Array {
  const out = new Float64Array(count);
  for (let row = 0; row < count; row++) out[row] = Math.sqrt(dotAt(data, row * length, data, row * length, length)) || 1e-12;
  return out;
}

/** Mean loss over the held-out rows of every task; the training loss decides when nothing is held out. */
function heldOutLossOf(rows: Float32Array, head: Head, learners: readonly TaskLearner[], temperature: number): number {
  let sum = 0;
  let count = 0;
  for (const learner of learners) {
    if (learner.heldOutRows.length === 0) continue;
    const x = new Float32Array(learner.heldOutRows.length * head.inputLength);
    learner.heldOutRows.forEach((row, at) => {
      x.set(rows.subarray(row * head.inputLength, (row + 1) * head.inputLength), at * head.inputLength);
    });
    const z = project(head, x, learner.heldOutRows.length);
    const labels = learner.heldOutRows.map((row) => learner.classes[row]);
    sum += softmaxGradients(z, head.outputLength, labels, learner, temperature).loss * labels.length;
    count += labels.length;
  }
  return count === 0 ? 0 : sum / count;
}
