/** Worker thread of a detector: runs its net on the tensors that are sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf } from '../errors.ts';
import { type NamedTensor, openSession, type ProviderChoice } from '../vision/onnx-session.ts';

export interface DetectorWorkerData {
  readonly file: string;
  readonly provider: ProviderChoice;
  readonly dims: readonly number[];
}

export interface DetectorAsk {
  readonly id: number;
  readonly values: Float32Array;
}

export type DetectorAnswer =
  | { readonly kind: 'ready'; readonly provider: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'outputs'; readonly id: number; readonly outputs: readonly NamedTensor[] }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };

const { file, provider, dims } = workerData as DetectorWorkerData;
const answer = (message: DetectorAnswer): void => parentPort?.postMessage(message);

try {
  const session = await openSession(file, { provider, threads: 1 });
  parentPort?.on('message', async ({ id, values }: DetectorAsk) => {
    try {
      answer({ kind: 'outputs', id, outputs: await session.run(values, dims) });
    } catch (error) {
      answer({ kind: 'failed', id, reason: reasonOf(error) });
    }
  });
  answer({ kind: 'ready', provider: session.provider });
} catch (error) {
  answer({ kind: 'refused', reason: reasonOf(error) });
}
