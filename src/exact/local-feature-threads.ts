/** Worker threads that find local features, each loading OpenCV once. */
import { type ErrorCode, ServiceError } from '../errors.ts';
import { OrderedWorker } from '../ordered-worker.ts';
import type { ImageLimits } from '../vision/image-tensor.ts';
import { sharedTurns } from '../vision/large-pictures.ts';
import { workerUrl } from '../worker-url.ts';
import type { LocalFeatures } from './local-features.ts';

export interface FeatureQuestion {
  readonly bytes: Uint8Array;
  /** Key points at most. */
  readonly most: number;
}

/** Why a picture gave none. */
interface Refusal {
  readonly refused: { readonly code: ErrorCode; readonly fields: Readonly<Record<string, unknown>> };
}

export type FeatureAnswer = LocalFeatures | Refusal;

export class LocalFeatureThreads {
  private readonly threads: readonly { readonly worker: OrderedWorker<FeatureQuestion, FeatureAnswer>; waiting: number }[];

  constructor(count: number, limits: ImageLimits) {
    const url = workerUrl(import.meta.url, './local-feature-worker.ts');
    this.threads = Array.from({ length: count }, () => ({ worker: new OrderedWorker(url, { limits, turns: sharedTurns() }), waiting: 0 }));
  }

  get size(): number {
    return this.threads.length;
  }

  /** @throws IMAGE_..., INDEX_UNAVAILABLE without the package. */
  async find(bytes: Uint8Array, most: number): Promise<LocalFeatures> {
    const thread = this.threads.reduce((freest, one) => (one.waiting < freest.waiting ? one : freest));
    thread.waiting++;
    try {
      const answer = await thread.worker.ask({ bytes, most });
      if ('refused' in answer) throw new ServiceError(answer.refused.code, answer.refused.fields);
      return answer;
    } finally {
      thread.waiting--;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map(({ worker }) => worker.close()));
  }
}
