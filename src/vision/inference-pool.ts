/**
 * Worker threads that decode images and run nets, so that the caller's event loop stays free. Work is dealt in tasks of a
 * few images, two in flight per worker (one is computed while the next is decoded). A worker that dies is replaced and its
 * images are tried again one by one; one that kills a worker a second time is refused, and only that one.
 */
import { Worker } from 'node:worker_threads';
import { ServiceError } from '../errors.ts';
import { workerUrl } from '../worker-url.ts';
import { DEFAULT_IMAGE_LIMITS, type ImageLimits } from './image-tensor.ts';
import type {
  Embedding,
  ImageFailure,
  ImageInput,
  RawOutputs,
  Task,
  TaskKind,
  TaskReply,
  TaskResult,
  WorkerSettings,
} from './inference-task.ts';
import type { Provider, ProviderChoice } from './onnx-session.ts';

export interface PoolOptions {
  /** Worker threads; 1 by default. */
  readonly workers?: number;
  readonly provider?: ProviderChoice;
  /** Intra-op threads of each worker; 1 by default. */
  readonly threads?: number;
  /** Images a net sees at once; 8 by default. */
  readonly batch?: number;
  readonly limits?: ImageLimits;
}

interface Waiting {
  readonly task: Task;
  /** Times a worker died on it. */
  readonly deaths: number;
  readonly done: (results: readonly TaskResult[]) => void;
  readonly failed: (error: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  readonly inFlight: Map<number, Waiting>;
}

const IN_FLIGHT = 2;

export class InferencePool {
  /** Where nets run, once the first has run. */
  provider: Provider | null = null;
  /** Workers that died and were replaced. */
  replaced = 0;
  private readonly settings: WorkerSettings;
  private readonly members: Member[] = [];
  private readonly queue: Waiting[] = [];
  private nextId = 0;
  private closed = false;

  constructor(options: PoolOptions = {}) {
    this.settings = {
      provider: options.provider ?? 'auto',
      threads: options.threads ?? 1,
      batch: options.batch ?? 8,
      limits: options.limits ?? DEFAULT_IMAGE_LIMITS,
    };
    for (let i = 0; i < (options.workers ?? 1); i++) this.members.push(this.startMember());
  }

  get size(): number {
    return this.members.length;
  }

  /** Images a caller should have under way to keep all workers busy. */
  get appetite(): number {
    return this.size * this.settings.batch * (IN_FLIGHT + 1);
  }

  /** The worker threads, for those who measure or test them. */
  get threads(): readonly Worker[] {
    return this.members.map((member) => member.worker);
  }

  /** fc6, fc8 and fingerprints of each image, in order; a bad image gives its failure. Throws NET_REFUSED for a bad net. */
  async embed(netFolder: string, images: readonly ImageInput[]): Promise<(Embedding | ImageFailure)[]> {
    return (await this.deal('embed', netFolder, images)) as (Embedding | ImageFailure)[];
  }

  /** As `embed`, with every layer the manifest names and the colour histogram, for those who compare layers. */
  async layers(netFolder: string, images: readonly ImageInput[]): Promise<(Embedding | ImageFailure)[]> {
    return (await this.deal('layers', netFolder, images)) as (Embedding | ImageFailure)[];
  }

  /** All outputs of a net for each image, each image run alone. */
  async outputs(netFolder: string, images: readonly ImageInput[]): Promise<(RawOutputs | ImageFailure)[]> {
    return (await this.deal('outputs', netFolder, images)) as (RawOutputs | ImageFailure)[];
  }

  /** Loads a net in every worker, so that the first request does not wait. Throws NET_REFUSED. */
  async warmUp(netFolder: string): Promise<void> {
    await Promise.all(this.members.map((member) => this.submit('embed', netFolder, [], 0, member)));
  }

  /** Waits for what is under way, then ends the workers. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(
      this.members.map(({ worker }) => {
        const exited = new Promise((resolve) => worker.once('exit', resolve));
        worker.postMessage('close');
        return exited;
      }),
    );
  }

  private async deal(kind: TaskKind, netFolder: string, images: readonly ImageInput[]): Promise<TaskResult[]> {
    if (this.closed) throw new TypeError('inference pool: expected to be open, it was closed');
    const size = kind === 'outputs' ? 4 : this.settings.batch;
    const parts: Promise<readonly TaskResult[]>[] = [];
    for (let from = 0; from < images.length; from += size) {
      parts.push(this.submit(kind, netFolder, images.slice(from, from + size), 0));
    }
    return (await Promise.all(parts)).flat();
  }

  private submit(
    kind: TaskKind,
    netFolder: string,
    images: readonly ImageInput[],
    deaths: number,
    to?: Member,
  ): Promise<readonly TaskResult[]> {
    return new Promise((done, failed) => {
      const waiting: Waiting = { task: { id: this.nextId++, kind, netFolder, images }, deaths, done, failed };
      if (to) this.send(to, waiting);
      else this.queue.push(waiting);
      this.dispatch();
    });
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const [freest] = [...this.members].sort((a, b) => a.inFlight.size - b.inFlight.size);
      if (!freest || freest.inFlight.size >= IN_FLIGHT) return;
      this.send(freest, this.queue.shift() as Waiting);
    }
  }

  private send(member: Member, waiting: Waiting): void {
    member.inFlight.set(waiting.task.id, waiting);
    member.worker.postMessage(waiting.task);
  }

  private startMember(): Member {
    const worker = new Worker(workerUrl(import.meta.url, './inference-worker.ts'), { workerData: this.settings });
    const member: Member = { worker, inFlight: new Map() };
    worker.on('message', (reply: TaskReply) => this.settle(member, reply));
    worker.on('error', () => undefined);
    worker.on('exit', () => this.replace(member));
    return member;
  }

  private settle(member: Member, reply: TaskReply): void {
    const waiting = member.inFlight.get(reply.id);
    if (!waiting) return;
    member.inFlight.delete(reply.id);
    if (reply.provider) this.provider = reply.provider;
    if (reply.error) waiting.failed(new ServiceError(reply.error.code, reply.error.fields));
    else waiting.done(reply.results ?? []);
    this.dispatch();
  }

  private replace(member: Member): void {
    const orphans = [...member.inFlight.values()];
    member.inFlight.clear();
    const at = this.members.indexOf(member);
    if (this.closed && orphans.length === 0) return;
    this.replaced++;
    if (this.closed) this.members.splice(at, 1);
    else this.members[at] = this.startMember();
    for (const waiting of orphans) this.retry(waiting);
    this.dispatch();
  }

  /** Images of a worker that died: again, one by one; one on which two workers died alone is refused. */
  private retry({ task, deaths, done, failed }: Waiting): void {
    if (this.members.length === 0) return failed(new ServiceError('IMAGE_REFUSED', { reason: 'the inference pool was closed' }));
    if (task.images.length <= 1 && deaths >= 2) {
      return done(task.images.map(() => ({ ok: false, code: 'IMAGE_REFUSED', reason: 'inference workers died on it' })));
    }
    const again = task.images.length === 0 ? [[]] : task.images.map((image) => [image]);
    Promise.all(again.map((images) => this.submit(task.kind, task.netFolder, images, deaths + 1)))
      .then((parts) => done(parts.flat()))
      .catch(failed);
  }
}
