/**
 * A network, loaded once: what goes in, what comes out, by name. The only importer of onnxruntime-node.
 * `run` blocks its thread (onnxruntime computes on it): serving and jobs call it in worker threads only.
 */
import * as ort from 'onnxruntime-node';
import { reasonOf, ServiceError } from '../errors.ts';
import { fromFloat16, toFloat16 } from './float16.ts';
import type { Net } from './net-manifest.ts';

/** auto: CUDA when the runtime has it, else CPU. */
export type ProviderChoice = 'auto' | 'cuda' | 'cpu';
export type Provider = 'cuda' | 'cpu';

interface SessionOptions {
  readonly provider?: ProviderChoice;
  /** Intra-op threads; 1 by default, because parallelism is a worker per core. */
  readonly threads?: number;
  /** The runtime prints no errors beside those it throws: for those who try what may fail. */
  readonly quiet?: boolean;
}

/** A graph's input or output as declared; a text or -1 in `dims` is free. */
interface TensorDeclaration {
  readonly name: string;
  readonly dims: readonly (number | string)[];
  readonly type: string;
}

/** One output: float16 is widened to float32. */
export interface OutputValues {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array | Float64Array;
}

export interface OnnxSession {
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  readonly provider: Provider;
  /** Values for the first input, in `dims`; float16 and uint8 inputs are converted here. `wanted`: only these outputs. */
  run(values: Float32Array, dims: readonly number[], wanted?: readonly string[]): Promise<OutputValues[]>;
  /** Values for every input of a graph of float32 matrices; all outputs. */
  runNamed(feeds: Readonly<Record<string, NamedValues>>): Promise<OutputValues[]>;
  close(): Promise<void>;
}

interface NamedValues {
  readonly values: Float32Array;
  readonly dims: readonly number[];
}

/** True when onnxruntime was installed with CUDA libraries (that a GPU answers shows when a session is made). */
export function cudaAvailable(): boolean {
  return ort.listSupportedBackends().some((backend) => backend.name === 'cuda' && backend.bundled);
}

/** Opens an ONNX file, or its bytes. Throws NET_REFUSED with the reason the runtime gives. */
export async function openSession(model: string | Uint8Array, name: string, options: SessionOptions = {}): Promise<OnnxSession> {
  const choice = options.provider ?? 'auto';
  const wanted: Provider[] = choice === 'cpu' ? ['cpu'] : choice === 'cuda' ? ['cuda'] : ['cuda', 'cpu'];
  const failures: string[] = [];
  for (const provider of wanted) {
    if (provider === 'cuda' && choice === 'auto' && !cudaAvailable()) continue;
    try {
      return sessionOver(await create(model, provider, options), provider, name);
    } catch (error) {
      failures.push(`${provider}: ${reasonOf(error)}`);
    }
  }
  throw new ServiceError('NET_REFUSED', { net: name, reason: failures.join('; ') });
}

/** Opens a checked net: its input and every output its manifest names must be there, and lengths must agree. */
export async function openNetSession(net: Net, options: SessionOptions = {}): Promise<OnnxSession> {
  const session = await openSession(net.file, net.manifest.name, options);
  const problems = disagreements(net, session);
  if (problems.length === 0) return session;
  await session.close();
  throw new ServiceError('NET_REFUSED', { net: net.manifest.name, reason: problems.join('; ') });
}

function disagreements(net: Net, session: OnnxSession): string[] {
  const { input, outputs } = net.manifest;
  const problems: string[] = [];
  const declared = session.inputs.find(({ name }) => name === input.name);
  if (!declared || session.inputs.length !== 1) {
    problems.push(`the manifest's input is ${input.name}, the graph takes ${session.inputs.map(({ name }) => name).join(', ')}`);
  } else {
    const wanted = shapeOf(input, 1).slice(1);
    const given = declared.dims.slice(-3);
    const differs = given.some((size, i) => typeof size === 'number' && size > 0 && size !== wanted[i]);
    if (differs) problems.push(`input ${input.name} is ${declared.dims.join(' x ')}, the manifest says ${wanted.join(' x ')}`);
    if (declared.type !== (input.type ?? 'float32'))
      problems.push(`input ${input.name} is ${declared.type}, the manifest says ${input.type ?? 'float32'}`);
  }
  for (const [role, { tensor }] of Object.entries(outputs)) {
    if (session.outputs.some(({ name }) => name === tensor)) continue;
    problems.push(`${role} should be tensor ${tensor}, the graph gives ${session.outputs.map(({ name }) => name).join(', ')}`);
  }
  return problems;
}

/** Dimensions of a batch of images for an input. */
export function shapeOf(input: { layout: string; width: number; height: number }, batch: number): number[] {
  return input.layout === 'NCHW' ? [batch, 3, input.height, input.width] : [batch, input.height, input.width, 3];
}

function create(
  model: string | Uint8Array,
  provider: Provider,
  { threads = 1, quiet = false }: SessionOptions,
): Promise<ort.InferenceSession> {
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: quiet ? 4 : 3,
  };
  return typeof model === 'string' ? ort.InferenceSession.create(model, options) : ort.InferenceSession.create(model, options);
}

function sessionOver(session: ort.InferenceSession, provider: Provider, net: string): OnnxSession {
  const inputs = session.inputMetadata.map(declarationOf);
  const outputs = session.outputMetadata.map(declarationOf);
  return {
    inputs,
    outputs,
    provider,
    async run(values, dims, wanted) {
      const [input] = inputs;
      const feeds = { [input.name]: tensorFor(values, dims, input.type) };
      const results = await session.run(feeds, wanted ?? outputs.map(({ name }) => name));
      return Object.entries(results).map(([name, tensor]) => outputOf(name, tensor as ort.Tensor, net));
    },
    async runNamed(feeds) {
      const tensors = Object.entries(feeds).map(([name, { values, dims }]) => [name, new ort.Tensor('float32', values, dims)]);
      const results = await session.run(Object.fromEntries(tensors) as Record<string, ort.Tensor>);
      return Object.entries(results).map(([name, tensor]) => outputOf(name, tensor as ort.Tensor, net));
    },
    close: () => session.release(),
  };
}

function declarationOf(value: ort.InferenceSession.ValueMetadata): TensorDeclaration {
  return {
    name: value.name,
    dims: value.isTensor ? value.shape : [],
    type: value.isTensor ? value.type : 'not a tensor',
  };
}

function tensorFor(values: Float32Array, dims: readonly number[], type: string): ort.Tensor {
  if (type === 'float16') return float16Tensor(toFloat16(values), dims);
  if (type === 'uint8') return new ort.Tensor('uint8', Uint8Array.from(values), dims);
  return new ort.Tensor('float32', values, dims);
}

/**
 * From Node 24 on ort.Tensor makes a Float16Array of the patterns, and onnxruntime-node 1.30 takes that for 0 bytes
 * ("not enough space: expected 6144, got 0"; microsoft/onnxruntime, pull request 32323). It reads patterns as they are.
 */
function float16Tensor(patterns: Uint16Array, dims: readonly number[]): ort.Tensor {
  return Object.defineProperty(new ort.Tensor('float16', patterns, dims), 'data', { value: patterns });
}

function outputOf(name: string, tensor: ort.Tensor, net: string): OutputValues {
  const data: unknown = tensor.data;
  if (Array.isArray(data)) throw new ServiceError('NET_REFUSED', { net, reason: `output ${name} holds texts` });
  if (tensor.type !== 'float16') return { name, dims: tensor.dims, data: data as OutputValues['data'] };
  const half = data as { buffer: ArrayBuffer; byteOffset: number; length: number };
  return { name, dims: tensor.dims, data: fromFloat16(new Uint16Array(half.buffer, half.byteOffset, half.length)) };
}
