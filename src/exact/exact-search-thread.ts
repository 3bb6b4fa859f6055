/** Asks the thread that searches for the very same thing; it starts with the first question. */
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type ErrorCode, reasonOf, ServiceError } from '../errors.ts';
import { OrderedWorker } from '../ordered-worker.ts';
import type { Box } from '../vision/box.ts';
import type { ImageLimits } from '../vision/image-tensor.ts';
import { sharedTurns } from '../vision/large-pictures.ts';
import { workerUrl } from '../worker-url.ts';
import type { ExactMatch } from './exact-search.ts';
import { vocabularyArtifacts } from './vocabulary.ts';

/** What a caller asks. */
interface Question {
  readonly bytes: Uint8Array;
  /** In pixels of the upright picture; null: the whole. */
  readonly box: Box | null;
  /** Pins that something else proposes, which may answer. */
  readonly others: readonly number[];
}

/** What the thread is asked. */
export interface ExactQuestion extends Question {
  /** Takes lists of pins and gives back those of them that may answer. */
  readonly asked: MessagePort;
}

export interface SizedMatch extends ExactMatch {
  /** Width and height of the pin's picture, in whose pixels its region is. */
  readonly extent: readonly [number, number];
}

export type ExactAnswer =
  | { readonly matches: readonly SizedMatch[] }
  | { readonly refused: { readonly code: ErrorCode; readonly fields: Readonly<Record<string, unknown>> } };

export class ExactSearchThread {
  private readonly dataFolder: string;
  private readonly limits: ImageLimits;
  private worker: OrderedWorker<ExactQuestion, ExactAnswer> | null = null;

  constructor(dataFolder: string, limits: ImageLimits) {
    this.dataFolder = dataFolder;
    this.limits = limits;
  }

  /** Whether there is a vocabulary: `extract-local-features` and `build-vocabulary` have run. */
  get isReady(): boolean {
    return existsSync(join(vocabularyArtifacts(this.dataFolder).folder, 'CURRENT'));
  }

  /** `accept`: whether a pin may answer; it is asked about pins that are proposed. @throws INDEX_UNAVAILABLE, IMAGE_..., ARTIFACT_REFUSED */
  async search(question: Question, accept: (pinIndex: number) => boolean): Promise<readonly SizedMatch[]> {
    const { dataFolder, limits } = this;
    const url = workerUrl(import.meta.url, './exact-search-worker.ts');
    // A thread that crashed is followed by another one.
    if (this.worker === null || this.worker.crash !== null)
      this.worker = new OrderedWorker(url, { dataFolder, limits, turns: sharedTurns() });
    const { port1: here, port2: asked } = new MessageChannel();
    here.on('message', (pinIndexes: readonly number[]) => here.postMessage(pinIndexes.filter(accept)));
    const answer = await this.worker
      .ask({ ...question, asked }, [asked])
      .catch((error: unknown) => {
        throw new ServiceError('INDEX_UNAVAILABLE', { index: 'local features', reason: reasonOf(error) }, error);
      })
      .finally(() => here.close());
    if ('refused' in answer) throw new ServiceError(answer.refused.code, answer.refused.fields);
    return answer.matches;
  }

  async close(): Promise<void> {
    await this.worker?.close();
  }
}
