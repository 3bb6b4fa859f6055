/**
 * A stock ONNX classifier -> `net.onnx` (with the layers that play fc6 and fc8 among its outputs) and `manifest.json`. The
 * layers come from the graph's structure, pixels' treatment from known families; pictures are run through to learn lengths and to
 * refuse what does not hold. Flags decide over both; whatever was assumed stands in `doubts`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import { type ClassifierLayers, findLayers } from './classifier-layers.ts';
import { copyExternalData, type ExternalData } from './external-data.ts';
import { fillNetFolder } from './filled-folder.ts';
import { guessFamily, OF_BYTES, PREPROCESSING, type PreprocessingFamily } from './net-families.ts';
import {
  type Activation,
  type BinarizationRule,
  checkManifest,
  type NetInput,
  type NetManifest,
  netDigest,
  type NetOutput,
  type ResizeRule,
  SHORT_CODE_ROLE,
} from '../net-manifest.ts';
import { extendGraph, type OnnxGraph, readGraph } from './onnx-graph.ts';
import { openSession, type OnnxSession, type OutputValues, shapeOf } from '../onnx-session.ts';
import { probePicture } from './probe-picture.ts';

interface ClassifierImport {
  readonly file: string;
  readonly name: string;
  readonly out: string;
  /** Tensors that play the roles, when the person knows. */
  readonly fc6?: string;
  readonly fc8?: string;
  readonly preprocess?: PreprocessingFamily;
  readonly resize?: ResizeRule;
  /** Side of the input where the graph leaves it free. */
  readonly side?: number;
  readonly binarization?: BinarizationRule;
  readonly classes?: readonly string[];
  readonly licence?: string;
  /** Whether another net in the folder may be replaced. */
  readonly replace?: boolean;
}

interface ImportedClassifier {
  readonly manifest: NetManifest;
  readonly doubts: readonly string[];
}

/** Share of positive fc6 activations from which the sign says little (the paper's pooled features: 84 %). */
const POSITIVE_SHARE_MAX = 0.7;
const SIDE = 224;
const TYPES: Readonly<Record<number, NetInput['type']>> = { 1: 'float32', 2: 'uint8', 10: 'float16' };

/** @throws NET_REFUSED with the reason, or JOB_USAGE when another net is there; the folder is then left as it was. */
export async function importClassifier(request: ClassifierImport): Promise<ImportedClassifier> {
  const refuse = (reason: string, cause?: unknown): ServiceError => new ServiceError('NET_REFUSED', { net: request.name, reason }, cause);
  if (!existsSync(request.file)) throw refuse(`there is no file ${request.file}`);
  const bytes = readFileSync(request.file);
  const graph = attempt(() => readGraph(bytes), refuse);
  const layers = attempt(() => layersOf(graph, request), refuse);
  const doubts = [...layers.doubts];
  const input = attempt(() => inputOf(graph, request, doubts), refuse);
  const listed = new Set(graph.outputs.map(({ name }) => name));
  const short = listed.has(SHORT_CODE_ROLE) ? SHORT_CODE_ROLE : null;
  const wanted = [layers.fc6, layers.fc7, layers.fc8, layers.pool5, short].filter((tensor): tensor is string => tensor !== null);
  const tensors = [...new Set(wanted)];
  const extended = extendGraph(
    bytes,
    layers.added,
    tensors.filter((tensor) => !listed.has(tensor)),
  );
  const manifest = await fillNetFolder(request.out, request.replace ?? false, async (folder) => {
    const externalData = copyExternalData(graph, request, folder);
    const target = join(folder, 'net.onnx');
    writeFileSync(target, extended);
    const session = await openSession(target, request.name, { provider: 'cpu' });
    try {
      const { lengths, positive, least, ...probed } = await probe(session, input, tensors, doubts, refuse);
      const pooled = layers.pooled && least(layers.fc6) >= 0;
      const sha256 = netDigest(folder);
      return manifestOf(
        request,
        { graph, layers, input: probed.input, lengths, positive: positive(layers.fc6), pooled, externalData, sha256 },
        doubts,
      );
    } finally {
      await session.close();
    }
  });
  return { manifest, doubts };
}

type Refuse = (reason: string, cause?: unknown) => ServiceError;

function attempt<T>(work: () => T, refuse: Refuse): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ServiceError ? error : refuse(reasonOf(error), error);
  }
}

/** Found layers, overridden by the person's. */
function layersOf(graph: OnnxGraph, { fc6, fc8 }: ClassifierImport): ClassifierLayers {
  const produced = new Set([...graph.nodes.flatMap((node) => node.outputs)]);
  for (const tensor of [fc6, fc8]) {
    if (tensor === undefined || produced.has(tensor)) continue;
    const near = [...produced].filter((name) => name.toLowerCase().includes(tensor.toLowerCase())).slice(0, 5);
    throw new RangeError(`there is no tensor ${tensor}${near.length > 0 ? `; there are ${near.join(', ')}` : ''}`);
  }
  if (fc6 !== undefined && fc8 !== undefined) {
    return { fc6, fc8, fc7: null, pool5: null, pooled: false, output: fc8, softmax: 'none', added: [], doubts: [] };
  }
  const found = findLayers(graph);
  if (fc6 === undefined) return fc8 === undefined ? found : { ...found, fc8 };
  return {
    ...found,
    fc6,
    fc7: null,
    pool5: null,
    pooled: false,
    added: [],
    doubts: found.doubts.filter((doubt) => !doubt.includes('fc6')),
  };
}

/** The graph's one image input: name, size, layout, type, batch, and how pixels go in. */
function inputOf(graph: OnnxGraph, request: ClassifierImport, doubts: string[]): NetInput {
  if (graph.inputs.length !== 1)
    throw new RangeError(
      `it must take one image and nothing else, it takes ${graph.inputs.map(({ name }) => name).join(', ') || 'nothing'}`,
    );
  const [{ name, dims, type }] = graph.inputs;
  const element = TYPES[type];
  if (!element) throw new RangeError(`its input ${name} has the element type ${type}; float32, float16 and uint8 are known`);
  if (dims.length !== 4) throw new RangeError(`its input ${name} is [${dims.join(', ')}], not a batch of images`);
  const layout = dims[3] === 3 && dims[1] !== 3 ? 'NHWC' : 'NCHW';
  if (layout === 'NCHW' && typeof dims[1] === 'number' && dims[1] > 0 && dims[1] !== 3)
    throw new RangeError(`its input ${name} has ${dims[1]} channels`);
  const sides = layout === 'NCHW' ? dims.slice(2) : dims.slice(1, 3);
  const [height, width] = sides.map((side) => sideOf(side, request.side));
  const free = sides.some((side) => sideOf(side, 0) === 0);
  if (free && request.side === undefined) {
    doubts.push(`the graph takes any size; ${width} x ${height} was taken: say --side N if it is another`);
  }
  if (!free && request.side !== undefined) doubts.push(`the graph takes ${width} x ${height} only: --side was not used`);
  const batch = typeof dims[0] === 'number' && dims[0] > 0 ? dims[0] : 'free';
  return {
    name,
    width,
    height,
    layout,
    ...preprocessingOf(graph, request, element, doubts),
    resize: request.resize ?? 'stretch-bilinear',
    type: element,
    batch,
  };
}

function sideOf(side: number | string, fallback: number | undefined): number {
  return typeof side === 'number' && side > 0 ? side : (fallback ?? SIDE);
}

function preprocessingOf(graph: OnnxGraph, request: ClassifierImport, element: NetInput['type'], doubts: string[]) {
  if (element === 'uint8') {
    if (request.preprocess === undefined || request.preprocess === OF_BYTES) return PREPROCESSING[OF_BYTES];
    throw new RangeError(`its input is of type uint8, which takes pixels as they are: --preprocess ${OF_BYTES}, not ${request.preprocess}`);
  }
  if (request.preprocess !== undefined) return PREPROCESSING[request.preprocess];
  const { family, because, certain } = guessFamily(graph, basename(request.file));
  if (!certain) doubts.push(`pixels are prepared as ${family}, because ${because}; say --preprocess if it is another`);
  return PREPROCESSING[family];
}

interface Probed {
  readonly input: NetInput;
  readonly lengths: ReadonlyMap<string, number>;
  readonly positive: (tensor: string) => number;
  readonly least: (tensor: string) => number;
}

/** Two pictures alone, and together where the batch is free: lengths must be the same, numbers finite and not all alike. */
async function probe(
  session: OnnxSession,
  declared: NetInput,
  tensors: readonly string[],
  doubts: string[],
  refuse: Refuse,
): Promise<Probed> {
  const batch = declared.batch === 'free' || declared.batch === undefined ? 1 : declared.batch;
  const pictures = [probePicture(declared, 7), probePicture(declared, 8)];
  const filled = (picture: Float32Array, count: number): Float32Array => {
    const out = new Float32Array(picture.length * count);
    for (let i = 0; i < count; i++) out.set(picture, i * picture.length);
    return out;
  };
  const run = async (values: Float32Array, count: number): Promise<OutputValues[]> => {
    try {
      return await session.run(values, shapeOf(declared, count), tensors);
    } catch (error) {
      throw refuse(`it fails on a plain picture of ${declared.width} x ${declared.height}: ${reasonOf(error).split('\n')[0]}`, error);
    }
  };
  const first = await run(filled(pictures[0], batch), batch);
  const second = await run(filled(pictures[1], batch), batch);
  const lengths = new Map<string, number>();
  for (const tensor of tensors) lengths.set(tensor, checkedLength(tensor, [first, second], batch, refuse));
  const input =
    declared.batch === 'free' && !(await batchHolds(session, declared, pictures, first, tensors)) ? { ...declared, batch: 1 } : declared;
  if (input !== declared)
    doubts.push('the graph says its batch is free, but two pictures at once give other numbers than one: it is run image by image');
  const all = (tensor: string): number[] => [first, second].flatMap((outputs) => [...(valuesOf(outputs, tensor).data as Float32Array)]);
  const positive = (tensor: string): number => all(tensor).filter((value) => value > 0).length / all(tensor).length;
  const least = (tensor: string): number => all(tensor).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return { input, lengths, positive, least };
}

function valuesOf(outputs: readonly OutputValues[], tensor: string): OutputValues {
  const found = outputs.find(({ name }) => name === tensor);
  if (!found) throw new RangeError(`output ${tensor}: expected, got ${outputs.map(({ name }) => name).join(', ')}`);
  return found;
}

function checkedLength(tensor: string, runs: readonly (readonly OutputValues[])[], batch: number, refuse: Refuse): number {
  const [a, b] = runs.map((outputs) => valuesOf(outputs, tensor));
  const shape = (values: OutputValues): string => `[${values.dims.join(', ')}]`;
  if (a.data.length !== b.data.length) throw refuse(`tensor ${tensor} changes its shape with the picture: ${shape(a)}, then ${shape(b)}`);
  if (a.dims[0] !== batch || a.data.length % batch !== 0)
    throw refuse(`tensor ${tensor} is ${shape(a)} for ${batch} picture(s): its first dimension is not the batch`);
  const values = [...(a.data as Float32Array), ...(b.data as Float32Array)];
  if (!values.every((value) => Number.isFinite(value))) throw refuse(`tensor ${tensor} holds numbers that are not finite`);
  const length = a.data.length / batch;
  if (length < 2) throw refuse(`tensor ${tensor} holds ${length} number(s) a picture`);
  return length;
}

/** Whether two pictures at once give what each gives alone. */
async function batchHolds(
  session: OnnxSession,
  input: NetInput,
  pictures: readonly Float32Array[],
  alone: readonly OutputValues[],
  tensors: readonly string[],
): Promise<boolean> {
  const both = new Float32Array(pictures[0].length * 2);
  pictures.forEach((picture, i) => both.set(picture, i * picture.length));
  const outputs = await session.run(both, shapeOf(input, 2), tensors).catch(() => null);
  if (!outputs) return false;
  return tensors.every((tensor) => {
    const one = valuesOf(alone, tensor).data as Float32Array;
    const two = valuesOf(outputs, tensor);
    if (two.dims[0] !== 2 || two.data.length !== 2 * one.length) return false;
    // A loop: a flattened layer has more numbers than a call takes arguments.
    const scale = one.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    return one.every((value, i) => Math.abs(value - Number(two.data[i])) <= 0.02 * scale);
  });
}

interface Parts {
  readonly graph: OnnxGraph;
  readonly layers: ClassifierLayers;
  readonly input: NetInput;
  readonly lengths: ReadonlyMap<string, number>;
  readonly positive: number;
  /** fc6 is pooled or otherwise not a hidden layer's activation, and never below zero. */
  readonly pooled: boolean;
  readonly externalData: readonly ExternalData[];
  readonly sha256: string;
}

function manifestOf(request: ClassifierImport, parts: Parts, doubts: string[]): NetManifest {
  const { graph, layers, input, lengths, positive, pooled, externalData, sha256 } = parts;
  const output = (tensor: string | null): NetOutput | undefined =>
    tensor === null ? undefined : { tensor, length: lengths.get(tensor), activation: activationOf(graph, tensor) };
  const binarization = request.binarization ?? (positive > POSITIVE_SHARE_MAX || pooled ? 'activation > median' : 'activation > 0');
  if (request.binarization === undefined && binarization === 'activation > median') {
    const why = pooled ? 'fc6 is pooled and never negative' : `${Math.round(positive * 100)} % of fc6 is positive`;
    doubts.push(`${why}: a bit's threshold is its median, fitted when features are extracted (--binarization positive for > 0)`);
  }
  const classes = request.classes;
  const count = lengths.get(layers.fc8);
  if (classes && classes.length !== count) {
    throw new ServiceError('NET_REFUSED', {
      net: request.name,
      reason: `${classes.length} class names were given, fc8 has ${count}`,
    });
  }
  if (!classes && layers.fc6 !== layers.fc8)
    doubts.push(`the names of its ${count} classes are unknown; give them with --labels FILE, one a line`);
  const licence = request.licence ?? licenceBeside(request.file, graph, doubts);
  const roles = {
    fc6: output(layers.fc6),
    fc7: output(layers.fc7),
    fc8: output(layers.fc8),
    pool5: output(layers.pool5),
    [SHORT_CODE_ROLE]: output(graph.outputs.some(({ name }) => name === SHORT_CODE_ROLE) ? SHORT_CODE_ROLE : null),
  };
  const value = {
    name: request.name,
    kind: 'classifier',
    input,
    outputs: JSON.parse(JSON.stringify(roles)) as Record<string, NetOutput>,
    softmax: layers.softmax,
    binarization,
    classes,
    doubts,
    ...(externalData.length > 0 ? { externalData } : {}),
    sha256,
    licence,
  };
  return checkManifest(value, request.name);
}

function activationOf(graph: OnnxGraph, tensor: string): Activation {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let node = producers.get(tensor);
  while (
    node &&
    ['Reshape', 'Flatten', 'Squeeze', 'Identity', 'Dropout', 'GlobalAveragePool', 'AveragePool', 'MaxPool', 'ReduceMean'].includes(node.op)
  ) {
    node = producers.get(node.inputs[0]);
  }
  if (node?.op === 'Softmax') return 'softmax';
  return node?.op === 'Relu' || node?.op === 'Clip' ? 'relu' : 'none';
}

/** The licence as the file's metadata or a LICENSE beside it names it. */
function licenceBeside(file: string, graph: OnnxGraph, doubts: string[]): string {
  const said = graph.metadata.license ?? graph.metadata.licence;
  if (said) return said;
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt']) {
    const path = join(dirname(file), name);
    const line = existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .find((text) => text.trim() !== '')
      : undefined;
    if (line) return `${line.replace(/^#+\s*/, '').trim()} (${name} beside the original file)`;
  }
  doubts.push('its licence is not known; say it with --licence');
  return 'unknown; see where the file came from';
}
