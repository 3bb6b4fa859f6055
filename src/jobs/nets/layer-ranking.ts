/** Ranks the layers of nets in threads, each in the thread that has the least to do. */
import { ServiceError } from '../../errors.ts';
import { OrderedWorker } from '../../ordered-worker.ts';
import { workerUrl } from '../../worker-url.ts';
import type { LayerRow, LayerTask } from './layer-rows.ts';

export class LayerRanking {
  private readonly workers: readonly OrderedWorker<LayerTask, LayerRow[]>[];
  /** What each worker was given: products of images, images and dimensions. */
  private readonly given: number[];
  private readonly stopped: Promise<never>;

  constructor(threads: number, signal: AbortSignal) {
    this.workers = Array.from({ length: threads }, () => new OrderedWorker(workerUrl(import.meta.url, './layer-rows-worker.ts'), null));
    this.given = this.workers.map(() => 0);
    this.stopped = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new ServiceError('JOB_STOPPED')), { once: true });
    });
    this.stopped.catch(() => undefined);
  }

  /** Throws JOB_STOPPED when the job is stopped meanwhile. */
  rowsOf(task: LayerTask): Promise<LayerRow[]> {
    const free = this.given.indexOf(Math.min(...this.given));
    this.given[free] += task.vectors.length ** 2 * (task.vectors[0]?.length ?? 0);
    const rows = Promise.race([this.workers[free].ask(task), this.stopped]);
    rows.catch(() => undefined);
    return rows;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }
}
