/**
 * Loads a network once and runs it. The only importer of onnxruntime-node. A run blocks its thread while the net works,
 * so servers and jobs run nets in worker threads.
 */
import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { reasonOf, ServiceError } from '../errors.ts';
import { fromFloat16, toFloat16 } from './float16.ts';

/** `auto`: CUDA when the runtime has it, else CPU. */
export type ProviderChoice = 'auto' | 'cuda' | 'cpu';

export interface SessionOptions {
  readonly provider?: ProviderChoice;
  /** Threads inside one run. */
  readonly threads?: number;
}

/** One input or output as the graph declares it; a free dimension is a name or -1. */
export interface ValueInfo {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly (number | string)[];
}

/** A tensor that came out, float16 widened to float32. */
export interface NamedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array | Uint8Array | Float64Array;
}

export interface OnnxSession {
  readonly provider: 'cuda' | 'cpu';
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Runs on the values of the graph's first input, given the type it takes; `outputs` names those wanted (absent: all). */
  run(values: Float32Array, dims: readonly number[], outputs?: readonly string[]): Promise<readonly NamedTensor[]>;
  close(): Promise<void>;
}

/** @throws NET_REFUSED naming the file when it is not a graph that the runtime can run. */
export async function openSession(file: string, options: SessionOptions = {}): Promise<OnnxSession> {
  const provider = chosenProvider(options.provider ?? 'auto');
  const session = await InferenceSession.create(file, {
    executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
    intraOpNumThreads: options.threads ?? 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  }).catch((error: unknown) => {
    throw new ServiceError('NET_REFUSED', { net: file, reason: reasonOf(error) }, error);
  });
  const inputs = session.inputMetadata.map(valueInfo);
  return {
    provider,
    inputs,
    outputs: session.outputMetadata.map(valueInfo),
    async run(values, dims, outputs) {
      const feeds = { [inputs[0].name]: tensorOf(values, dims, inputs[0].type) };
      const results = await (outputs ? session.run(feeds, [...outputs]) : session.run(feeds));
      return Object.entries(results).map(([name, tensor]) => namedTensor(name, tensor));
    },
    close: () => session.release(),
  };
}

function chosenProvider(choice: ProviderChoice): 'cuda' | 'cpu' {
  return choice === 'cuda' || (choice === 'auto' && hasCuda()) ? 'cuda' : 'cpu';
}

function hasCuda(): boolean {
  return listSupportedBackends().some((backend) => backend.name === 'cuda' && backend.bundled);
}

function valueInfo(value: InferenceSession.ValueMetadata): ValueInfo {
  return value.isTensor
    ? { name: value.name, type: value.type, dims: value.shape }
    : { name: value.name, type: 'none', dims: [] };
}

function tensorOf(values: Float32Array, dims: readonly number[], type: string): Tensor {
  if (type === 'float16') return new Tensor('float16', toFloat16(values), dims);
  if (type === 'uint8') return new Tensor('uint8', Uint8Array.from(values, Math.round), dims);
  return new Tensor('float32', values, dims);
}

function namedTensor(name: string, { type, dims, data }: Tensor): NamedTensor {
  const values = type === 'float16' ? fromFloat16(data as unknown as Uint16Array) : data;
  return { name, dims, data: values as NamedTensor['data'] };
}
