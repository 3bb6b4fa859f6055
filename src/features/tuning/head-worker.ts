/** A thread that trains one head: epochs go out as they end, the best weights at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../../errors.ts';
import { packBits } from '../../math/bits.ts';
import type { MatrixProduct } from '../../math/matrix-product.ts';
import { openOnnxProduct } from '../../vision/import/onnx-product.ts';
import { readCheckpoint, writeCheckpoint } from './head-checkpoint.ts';
import type { HeadMessage, HeadWork } from './head-training.ts';
import { trainHead } from './projection-head.ts';
import { evaluateCodes } from '../retrieval-evaluation.ts';

if (!parentPort) throw new TypeError('head-worker: expected to be started as a worker thread');
const port = parentPort;
const work = workerData as HeadWork;
const send = (message: HeadMessage): void => port.postMessage(message);
let stopped = false;
port.on('message', () => {
  stopped = true;
});

/** Precision at 10 of the sign codes, mean over the judges, each as a multiple of what it was with `first`. */
function measureBy(product: MatrixProduct): (weights: Float32Array) => Promise<number> {
  let first: readonly number[] | null = null;
  return async (weights) => {
    const { rows, length, frame, judges } = work;
    const [count, bits] = [rows.length / length, frame.length / length];
    const z = await product(rows, weights, { rows: count, columns: length, inner: length, bTransposed: true });
    const spread = await product(z, frame, { rows: count, columns: bits, inner: length, bTransposed: true });
    const codes = Array.from({ length: count }, (_, row) => packBits(spread.subarray(row * bits, (row + 1) * bits)));
    const found = judges.map((judge) => evaluateCodes(codes, judge).p10);
    first ??= found;
    return found.reduce((sum, value, at) => sum + value / Math.max(1e-6, (first as readonly number[])[at]), 0) / found.length;
  };
}

async function train(): Promise<void> {
  const { product, close } = openOnnxProduct(1);
  const { rows, length, tasks, settings, checkpoint, key } = work;
  const measure = measureBy(product);
  const resume = readCheckpoint(checkpoint, key) ?? undefined;
  if (resume) await measure(identity(length));
  const state = await trainHead({
    rows,
    length,
    tasks,
    settings,
    product,
    measure,
    resume,
    onEpoch(after) {
      writeCheckpoint(checkpoint, key, after);
      send({ kind: 'epoch', epoch: after.trace[after.trace.length - 1] });
      return !stopped;
    },
  });
  await close();
  send({ kind: 'done', weights: state.best, trace: state.trace });
}

function identity(length: number): Float32Array {
  const weights = new Float32Array(length * length);
  for (let i = 0; i < length; i++) weights[i * length + i] = 1;
  return weights;
}

train().catch((error: unknown) => send({ kind: 'failed', reason: reasonOf(error) }));
