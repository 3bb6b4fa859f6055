/** Finds the local features of pictures on a thread of its own: OpenCV stays out of the process's other threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { reasonOf, ServiceError } from '../errors.ts';
import type { ImageLimits } from '../vision/image-tensor.ts';
import { takeTurnsAmong } from '../vision/large-pictures.ts';
import { localFeatures } from './key-points.ts';
import type { FeatureAnswer, FeatureQuestion } from './local-feature-threads.ts';

const { limits, turns } = workerData as { readonly limits: ImageLimits; readonly turns?: SharedArrayBuffer };
if (turns) takeTurnsAmong(turns);
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (question: FeatureQuestion) => {
  const found = answer(question);
  last = last.then(async () => parentPort?.postMessage(await found));
});

async function answer({ bytes, most }: FeatureQuestion): Promise<FeatureAnswer> {
  try {
    return await localFeatures(bytes, limits, most);
  } catch (error) {
    const { code, fields } = error instanceof ServiceError ? error : new ServiceError('IMAGE_REFUSED', { reason: reasonOf(error) });
    return { refused: { code, fields } };
  }
}
