/**
 * Worker threads that decode images and run nets, so that the caller's event loop stays free. Work is dealt in tasks of a
 * few images, two in flight per worker (one is computed while the next is decoded). A crashed worker is replaced and its
 * images are retried one per worker. An image that crashes two workers is refused.
 */
import { Worker } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { sharedTurns } from './large-pictures.ts';
import { workerUrl } from '../worker-url.ts';
import { DEFAULT_IMAGE_LIMITS, type ImageLimits } from './image-tensor.ts';
import type { Net } from './net-manifest.ts';
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

interface PoolOptions {
  /** Worker threads; 1 by default. */
  readonly workers?: number;
  readonly provider?: ProviderChoice;
  /** Intra-op threads of each worker; 1 by default. */
  readonly threads?: number;
  /** Images a net sees at once; 8 by default. */
  readonly batch?: number;
  readonly limits?: ImageLimits;
}

/**
 * A net by its folder; given with its digest it is refused once the folder holds another one, so that nothing is kept under the
 * name of a net that did not compute it.
 */
type NetPlace = string | Pick<Net, 'folder' | 'digest'>;

interface Waiting {
  readonly task: Task;
  /** Workers that died on it while they had nothing else; null: it is no suspect. */
  readonly deathsAlone: number | null;
  readonly done: (results: readonly TaskResult[]) => void;
  readonly failed: (error: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  readonly inFlight: Map<number, Waiting>;
}

const IN_FLIGHT = 2;
const DEATHS_MAX = 2;

/** A pool as the settings say. */
export function openPool(config: Config, options: Pick<PoolOptions, 'workers' | 'threads' | 'batch'> = {}): InferencePool {
  return new InferencePool({ ...options, provider: config.executionProvider, limits: imageLimitsOf(config) });
}

/** What the settings accept of an image. */
export const imageLimitsOf = ({ uploadLimitBytes, imagePixelLimit }: Config): ImageLimits => ({
  bytes: uploadLimitBytes,
  pixels: imagePixelLimit,
});

export class InferencePool {
  /** Where nets run, once the first has run. */
  provider: Provider | null = null;
  /** Workers that died and were replaced. */
  replaced = 0;
  private readonly settings: WorkerSettings;
  private readonly members: Member[] = [];
  private readonly queue: Waiting[] = [];
  /** Images of workers that died: each goes to a worker that has nothing else in flight, before anything more is dealt. */
  private readonly suspects: Waiting[] = [];
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
  async embed(net: NetPlace, images: readonly ImageInput[]): Promise<(Embedding | ImageFailure)[]> {
    return (await this.deal('embed', net, images)) as (Embedding | ImageFailure)[];
  }

  /** As `embed`, with every layer the manifest names and the colour histogram, for those who compare layers. */
  async layers(net: NetPlace, images: readonly ImageInput[]): Promise<(Embedding | ImageFailure)[]> {
    return (await this.deal('layers', net, images)) as (Embedding | ImageFailure)[];
  }

  /** All outputs of a net for each image, each image run alone. */
  async outputs(net: NetPlace, images: readonly ImageInput[]): Promise<(RawOutputs | ImageFailure)[]> {
    return (await this.deal('outputs', net, images)) as (RawOutputs | ImageFailure)[];
  }

  /** Loads a net in every worker, so that the first request does not wait. Throws NET_REFUSED. */
  async warmUp(net: NetPlace): Promise<void> {
    await Promise.all(this.members.map((member) => this.submit('embed', net, [], member)));
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

  private async deal(kind: TaskKind, net: NetPlace, images: readonly ImageInput[]): Promise<TaskResult[]> {
    if (this.closed) throw new TypeError('inference pool: expected to be open, it was closed');
    const size = kind === 'outputs' ? 4 : this.settings.batch;
    const parts: Promise<readonly TaskResult[]>[] = [];
    for (let from = 0; from < images.length; from += size) {
      parts.push(this.submit(kind, net, images.slice(from, from + size)));
    }
    return (await Promise.all(parts)).flat();
  }

  private submit(kind: TaskKind, net: NetPlace, images: readonly ImageInput[], to?: Member): Promise<readonly TaskResult[]> {
    const { folder, digest } = typeof net === 'string' ? { folder: net, digest: null } : net;
    return new Promise((done, failed) => {
      const task: Task = { id: this.nextId++, kind, netFolder: folder, netDigest: digest, images };
      const waiting: Waiting = { task, deathsAlone: null, done, failed };
      if (to) this.send(to, waiting);
      else this.queue.push(waiting);
      this.dispatch();
    });
  }

  private dispatch(): void {
    while (this.suspects.length > 0) {
      const idle = this.members.find(({ inFlight }) => inFlight.size === 0);
      // Nothing else is dealt meanwhile, so that some worker runs dry.
      if (!idle) return;
      this.send(idle, this.suspects.shift() as Waiting);
    }
    while (this.queue.length > 0) {
      const [freest] = this.members.filter(holdsNoSuspect).sort((a, b) => a.inFlight.size - b.inFlight.size);
      if (!freest || freest.inFlight.size >= IN_FLIGHT) return;
      this.send(freest, this.queue.shift() as Waiting);
    }
  }

  private send(member: Member, waiting: Waiting): void {
    member.inFlight.set(waiting.task.id, waiting);
    member.worker.postMessage(waiting.task);
  }

  private startMember(): Member {
    const worker = new Worker(workerUrl(import.meta.url, './inference-worker.ts'), {
      workerData: { ...this.settings, turns: sharedTurns() },
    });
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
    if (this.closed) {
      // The other workers accept nothing more either: they are ending.
      const lost = [...orphans, ...this.suspects.splice(0), ...this.queue.splice(0)];
      for (const { failed } of lost) failed(new ServiceError('IMAGE_REFUSED', { reason: 'the inference pool was closed' }));
      return;
    }
    this.replaced++;
    this.members[this.members.indexOf(member)] = this.startMember();
    const alone = orphans.length === 1;
    this.suspects.unshift(...orphans.flatMap((waiting) => this.suspected(waiting, alone)));
    this.dispatch();
  }

  /** What a worker that died was busy with: its images one by one; none where two workers died on one that was alone. */
  private suspected({ task, deathsAlone, done, failed }: Waiting, alone: boolean): Waiting[] {
    const deaths = deathsAlone === null ? 0 : deathsAlone + (alone ? 1 : 0);
    if (deaths >= DEATHS_MAX) {
      done(task.images.map(() => ({ ok: false, code: 'IMAGE_REFUSED', reason: 'inference workers died on it' })));
      return [];
    }
    const again: Waiting[] = [];
    const answers = (task.images.length === 0 ? [[]] : task.images.map((image) => [image])).map(
      (images) =>
        new Promise<readonly TaskResult[]>((answered, refused) => {
          again.push({ task: { ...task, id: this.nextId++, images }, deathsAlone: deaths, done: answered, failed: refused });
        }),
    );
    Promise.all(answers)
      .then((parts) => done(parts.flat()))
      .catch(failed);
    return again;
  }
}

function holdsNoSuspect({ inFlight }: Member): boolean {
  return [...inFlight.values()].every(({ deathsAlone }) => deathsAlone === null);
}
