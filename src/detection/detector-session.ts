import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ServiceError } from '../errors.ts';
import type { Net, NetManifest } from '../vision/net-manifest.ts';
import { openSession, type ProviderChoice } from '../vision/onnx-session.ts';
import { workerUrl } from '../worker-url.ts';
import { Detector } from './detector.ts';
import type { DetectorAnswer, DetectorAsk, DetectorWorkerData } from './detector-worker.ts';
import type { OutputTensor } from './forms/output-form.ts';
import type { ProbeSession } from './import-detector.ts';

export interface DetectorOptions {
  /** `auto`, `cuda` or `cpu`. */
  readonly executionProvider: string;
  /** Inference threads; absent: one a core, as jobs want. */
  readonly workers?: number;
}

/** A detector whose net runs in worker threads. Close it when done. */
export class OpenDetector extends Detector {
  readonly workers: number;
  /** `cuda` or `cpu`, as the runtime found it. */
  readonly provider: string;
  private readonly lanes: readonly Lane[];

  constructor(net: Net, lanes: readonly Lane[]) {
    super(net, (values) => leastBusy(lanes).run(values));
    this.workers = lanes.length;
    this.provider = lanes[0].provider;
    this.lanes = lanes;
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }
}

/** Loads a net in worker threads. Throws NET_REFUSED when the runtime cannot run its file. */
export async function openDetector(net: Net, options: DetectorOptions): Promise<OpenDetector> {
  const data = { file: net.file, provider: options.executionProvider as ProviderChoice, dims: inputDims(net.manifest) };
  const count = options.workers ?? availableParallelism();
  return new OpenDetector(net, await Promise.all(Array.from({ length: count }, () => openLane(net, data))));
}

function inputDims({ input }: NetManifest): readonly number[] {
  const plane = input.layout === 'NCHW' ? [3, input.height, input.width] : [input.height, input.width, 3];
  return (input as { rank?: number }).rank === 3 ? plane : [1, ...plane];
}

interface Waiting {
  resolve(outputs: readonly OutputTensor[]): void;
  reject(error: Error): void;
}

/** One worker and what was asked of it. */
class Lane {
  readonly provider: string;
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 0;

  constructor(worker: Worker, provider: string, net: string) {
    this.worker = worker;
    this.provider = provider;
    worker.on('message', (answer: DetectorAnswer) => this.settle(answer, net));
    worker.on('error', (error: Error) => this.failAll(error));
    worker.on('exit', () => this.failAll(new Error(`the inference thread of ${net} has ended`)));
  }

  get pending(): number {
    return this.waiting.size;
  }

  run(values: Float32Array): Promise<readonly OutputTensor[]> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, values } satisfies DetectorAsk, [values.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private settle(answer: DetectorAnswer, net: string): void {
    if (answer.kind !== 'outputs' && answer.kind !== 'failed') return;
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (answer.kind === 'outputs') waiting?.resolve(answer.outputs);
    else waiting?.reject(new ServiceError('IMAGE_REFUSED', { reason: `the net ${net} fails on it: ${answer.reason}` }));
  }

  private failAll(error: Error): void {
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
  }
}

function openLane(net: Net, data: DetectorWorkerData): Promise<Lane> {
  const worker = new Worker(workerUrl(import.meta.url, './detector-worker.ts'), { workerData: data });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer: DetectorAnswer) => {
      worker.off('error', reject);
      if (answer.kind === 'ready') return resolve(new Lane(worker, answer.provider, net.manifest.name));
      void worker.terminate();
      const reason = answer.kind === 'refused' ? answer.reason : `it answered ${answer.kind} first`;
      reject(new ServiceError('NET_REFUSED', { net: net.manifest.name, reason }));
    });
  });
}

function leastBusy(lanes: readonly Lane[]): Lane {
  return lanes.reduce((best, lane) => (lane.pending < best.pending ? lane : best));
}

/** Opens a file for import: one session, on the calling thread. */
export async function openProbe(file: string): Promise<ProbeSession> {
  const session = await openSession(file, { provider: 'cpu', threads: 1 });
  return { inputs: session.inputs, run: (values, dims) => session.run(values, dims), close: () => session.close() };
}
