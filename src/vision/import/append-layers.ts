/**
 * Further layers at the end of a net that reads fc6: the result is an ordinary net folder, whose fc6 is the new layer. Weights
 * are spliced into the file's bytes; the old layers and their outputs stay as they were.
 *
 *   flat = fc6 as float32, batch x d
 *   norm = (flat - mean(flat)) / sqrt(variance(flat) + 1e-5)      means as products with 1/d, which every opset has
 *   each layer: norm W + b, one with its rows brought to length 1
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { checkManifest, type Net, netDigest, type NetManifest, type NetOutput } from '../net-manifest.ts';
import { extendGraph } from './onnx-graph.ts';
import type { NewConstant, NewNode } from './onnx-writing.ts';

interface AppendedLayer {
  /** Its name in the manifest's outputs. */
  readonly role: string;
  readonly inputLength: number;
  readonly outputLength: number;
  /** outputLength x inputLength, row-major. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  /** Rows of length 1 come out. */
  readonly unit: boolean;
}

const NAMES = 'related_pins_tuned';
const FLOAT = 1;

/**
 * Writes `folder`; `changes` are laid over the manifest. Returns the new manifest.
 *
 * @throws NET_REFUSED where the folder holds another net: features may be kept under its name, and it may be serving.
 */
export function appendLayers(base: Net, layers: readonly AppendedLayer[], folder: string, changes: Partial<NetManifest>): NetManifest {
  const { fc6 } = base.manifest.outputs;
  const norm = layerNormNodes(fc6.tensor, layers[0].inputLength);
  const added = layers.map(layerNodes);
  const nodes = [...norm.nodes, ...added.flatMap((layer) => layer.nodes)];
  const constants = [...norm.constants, ...added.flatMap((layer) => layer.constants)];
  const outputs = layers.map(({ role }) => tensorOf(role));
  const bytes = extendGraph(readFileSync(base.file), nodes, outputs, constants);
  const name = changes.name ?? base.manifest.name;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  refuseOtherNet(folder, name, sha256);
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, 'manifest.json'), { force: true });
  for (const { file } of base.manifest.externalData ?? []) copyFileSync(join(base.folder, file), join(folder, file));
  writeFileSync(join(folder, 'net.onnx'), bytes);
  const tensors = layers.map(({ role, outputLength }): [string, NetOutput] => [
    role,
    { tensor: tensorOf(role), length: outputLength, activation: 'none' },
  ]);
  const manifest = checkManifest(
    {
      ...base.manifest,
      ...changes,
      outputs: { ...base.manifest.outputs, untuned: fc6, ...Object.fromEntries(tensors) },
      sha256,
    },
    name,
  );
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
  return manifest;
}

function refuseOtherNet(folder: string, name: string, sha256: string): void {
  const isNet = ['manifest.json', 'net.onnx'].every((file) => existsSync(join(folder, file)));
  if (!isNet || netDigest(folder) === sha256) return;
  throw new ServiceError('NET_REFUSED', { net: name, reason: `${folder} holds another net; choose another folder, or remove that one` });
}

const tensorOf = (role: string): string => `${NAMES}_${role}`;

interface Addition {
  readonly nodes: readonly NewNode[];
  readonly constants: readonly NewConstant[];
}

function layerNormNodes(fc6: string, length: number): Addition {
  const at = (name: string): string => `${NAMES}_${name}`;
  const node = (op: string, inputs: string[], output: string, more: Partial<NewNode> = {}): NewNode => ({
    op,
    name: at(`${output}_node`),
    inputs: inputs.map((input) => (input === fc6 ? fc6 : at(input))),
    outputs: [at(output)],
    ...more,
  });
  return {
    nodes: [
      node('Flatten', [fc6], 'flat', { int: { axis: 1 } }),
      node('Cast', ['flat'], 'float', { int: { to: FLOAT } }),
      node('MatMul', ['float', 'share'], 'mean'),
      node('Sub', ['float', 'mean'], 'centred'),
      node('Mul', ['centred', 'centred'], 'squares'),
      node('MatMul', ['squares', 'share'], 'variance'),
      node('Add', ['variance', 'epsilon'], 'variance_up'),
      node('Sqrt', ['variance_up'], 'deviation'),
      node('Div', ['centred', 'deviation'], 'norm'),
    ],
    constants: [
      { name: at('share'), dims: [length, 1], values: new Float32Array(length).fill(1 / length) },
      { name: at('epsilon'), dims: [1], values: Float32Array.of(1e-5) },
    ],
  };
}

function layerNodes({ role, inputLength, outputLength, weights, bias, unit }: AppendedLayer): Addition {
  const tensor = tensorOf(role);
  const linear = unit ? `${tensor}_linear` : tensor;
  const product: NewNode = {
    op: 'Gemm',
    name: `${tensor}_gemm`,
    inputs: [`${NAMES}_norm`, `${tensor}_weights`, `${tensor}_bias`],
    outputs: [linear],
    int: { transB: 1 },
  };
  const norm: NewNode = { op: 'LpNormalization', name: `${tensor}_unit`, inputs: [linear], outputs: [tensor], int: { axis: 1, p: 2 } };
  return {
    nodes: unit ? [product, norm] : [product],
    constants: [
      { name: `${tensor}_weights`, dims: [outputLength, inputLength], values: weights },
      { name: `${tensor}_bias`, dims: [outputLength], values: bias },
    ],
  };
}
