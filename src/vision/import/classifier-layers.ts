/**
 * Which tensors of a classifier play fc6, fc7, fc8 and pool5, found from the graph's structure: from its output back over
 * softmax, reshapes and biases to the last linear layer, and on to the layers that feed it.
 *
 *   pool - fc - fc - fc      VGG, AlexNet: fc6 and fc7 are the activations of the hidden layers, pool5 what feeds the first
 *   pool - fc - fc           MobileNet v3: fc6 is the activation of the one hidden layer
 *   pool - fc, token - fc    ResNet, GoogLeNet, EfficientNet, MobileNet, ViT: fc6 is what feeds the last layer; pooled, it is pool5 too
 *   conv - pool              SqueezeNet: fc6 is the mean over positions of what feeds the last convolution, a node we add
 *   pool, token              image towers without classes (CLIP, SigLIP, DINOv2): what they give out is fc6 and fc8 alike
 *
 * fc8 is taken before the softmax. What was assumed is said in `doubts`.
 */
import type { OnnxGraph, OnnxNode, OnnxValue } from './onnx-graph.ts';
import type { NewNode } from './onnx-writing.ts';

export interface ClassifierLayers {
  /** Tensor of each role. */
  readonly fc6: string;
  readonly fc8: string;
  readonly fc7: string | null;
  readonly pool5: string | null;
  /** fc6 is what feeds the last layer, not a hidden layer's activation. */
  readonly pooled: boolean;
  /** The graph's own output that was followed. */
  readonly output: string;
  /** Whether that output stands behind a softmax (then fc8 is what goes into it). */
  readonly softmax: 'folded' | 'none' | 'kept';
  readonly added: readonly NewNode[];
  readonly doubts: readonly string[];
}

/** What leaves numbers and their order alone. */
const PASSING: ReadonlySet<string> = new Set(['Identity', 'Dropout', 'Cast']);
const RESHAPES: ReadonlySet<string> = new Set([...PASSING, 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose']);
/** Around every step of a quantized graph; the number that leaves the second is the one that went in, rounded. */
const QUANTIZERS = ['QuantizeLinear', 'DequantizeLinear'];
const ACTIVATIONS = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Elu',
  'Selu',
  'Celu',
  'Clip',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
  'Erf',
  'Gelu',
  'Mish',
  'Softplus',
  'ThresholdedRelu',
  'BatchNormalization',
  'LayerNormalization',
  'QuickGelu',
  'Min',
  'Max',
  ...QUANTIZERS,
]);
const POOLS = new Set(['GlobalAveragePool', 'AveragePool', 'GlobalMaxPool', 'MaxPool', 'ReduceMean', 'ReduceMax']);
/** Take one token of several. */
const PICKS = new Set(['Gather', 'Slice']);
const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sum']);
const BEHIND_OUTPUT: ReadonlySet<string> = new Set([...RESHAPES, ...QUANTIZERS]);
const PROBABILITIES = new Set(['Softmax', 'LogSoftmax', 'Sigmoid']);
/** Name of the node added where no tensor holds pooled features. */
const ADDED = 'related_pins_fc6';

interface Linear {
  readonly node: OnnxNode;
  readonly data: string;
}

class Walker {
  private readonly graph: OnnxGraph;
  private readonly producers = new Map<string, OnnxNode>();

  constructor(graph: OnnxGraph) {
    this.graph = graph;
    for (const node of graph.nodes) for (const output of node.outputs) this.producers.set(output, node);
  }

  producer(tensor: string): OnnxNode | undefined {
    return this.producers.get(tensor);
  }

  /** Constants, and what is cast or reshaped from constants only. */
  isConstant(tensor: string): boolean {
    if (tensor === '' || this.graph.constants.has(tensor)) return true;
    const node = this.producer(tensor);
    return (
      node !== undefined &&
      (node.op === 'Constant' ||
        (node.inputs.length > 0 &&
          (RESHAPES.has(node.op) || node.op === 'DequantizeLinear') &&
          node.inputs.every((input) => this.isConstant(input))))
    );
  }

  /** The input that carries the data, when the others are constants; null when several do. */
  dataInput(node: OnnxNode): string | null {
    const data = node.inputs.filter((input) => !this.isConstant(input));
    return data.length === 1 ? data[0] : null;
  }

  /** Back over reshapes and the like, or only over `passed`. */
  behindReshapes(tensor: string, passed = RESHAPES): string {
    for (let at = tensor; ;) {
      const node = this.producer(at);
      if (!node || !passed.has(node.op)) return at;
      at = node.inputs[0];
    }
  }

  /** How many dimensions a tensor has, as the file says; null when it does not. */
  rank(tensor: string): number | null {
    return this.graph.values.get(tensor)?.dims.length || null;
  }

  /** How many dimensions the input of a transposition or of a mean over positions has; null when the node does not say. */
  rankInto(node: OnnxNode): number | null {
    const ints = (name: string): readonly number[] => node.attributes.find((attribute) => attribute.name === name)?.ints ?? [];
    if (node.op === 'Transpose') return ints('perm').length || null;
    const axes = ints('axes').length || this.graph.constants.get(node.inputs[1])?.values.length;
    return node.op.startsWith('Reduce') && axes ? axes + 2 : null;
  }

  /** Back over one elementwise step (activation, constant arithmetic, a gate such as x * sigmoid(x)); null when it is none. */
  behindElementwise(tensor: string): string | null {
    const node = this.producer(tensor);
    if (!node) return null;
    if (RESHAPES.has(node.op) || ACTIVATIONS.has(node.op)) return node.inputs[0];
    if (!ARITHMETIC.has(node.op)) return null;
    const single = this.dataInput(node);
    return single ?? (node.inputs.length === 2 ? this.gateRoot(node.inputs[0], node.inputs[1]) : null);
  }

  /** Where two elementwise branches meet again within a few steps. */
  private gateRoot(a: string, b: string): string | null {
    const trail = (from: string): string[] => {
      const met = [from];
      for (let at = from; met.length < 8;) {
        const node = this.producer(at);
        const next =
          node &&
          (ACTIVATIONS.has(node.op) || RESHAPES.has(node.op) ? node.inputs[0] : ARITHMETIC.has(node.op) ? this.dataInput(node) : null);
        if (!next) break;
        met.push(next);
        at = next;
      }
      return met;
    };
    const first = trail(a);
    return trail(b).find((tensor) => first.includes(tensor)) ?? null;
  }

  /** A linear layer that makes this tensor (its bias may follow): fully connected, or a convolution with a 1 x 1 kernel. */
  linear(tensor: string): Linear | null {
    const node = this.producer(tensor);
    if (!node) return null;
    const pointwise = node.op === 'Conv' && this.isPointwise(node);
    if (node.op !== 'Gemm' && node.op !== 'MatMul' && !pointwise) return null;
    const data = this.dataInput(node);
    return data === null ? null : { node, data };
  }

  private isPointwise(node: OnnxNode): boolean {
    const kernel = node.attributes.find(({ name }) => name === 'kernel_shape')?.ints;
    const dims = kernel && kernel.length > 0 ? kernel : (this.graph.constants.get(node.inputs[1])?.dims.slice(2) ?? []);
    const group = node.attributes.find(({ name }) => name === 'group')?.int ?? 1;
    return dims.length > 0 && dims.every((side) => side === 1) && group <= 1;
  }

  ancestors(tensor: string): number {
    const met = new Set<OnnxNode>();
    const queue = [tensor];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const node = this.producer(next);
      if (!node || met.has(node)) continue;
      met.add(node);
      queue.push(...node.inputs);
    }
    return met.size;
  }
}

/** Finds the layers. Throws RangeError with the reason when the graph does not end like a classifier. */
export function findLayers(graph: OnnxGraph): ClassifierLayers {
  const walker = new Walker(graph);
  const doubts: string[] = [];
  const output = classOutput(graph, walker, doubts);
  const { fc8, softmax } = beforeSoftmax(walker, output.name, doubts);
  const last = lastLinear(walker, fc8, doubts);
  if (!last && graph.outputs.length === 1 && softmax === 'none' && endsAsTower(walker, fc8)) {
    doubts.push(`it has no classes: what it gives out, ${output.name}, is taken for fc6 and for fc8`);
    return { fc6: fc8, fc8, fc7: null, pool5: null, pooled: true, output: output.name, softmax, added: [], doubts };
  }
  if (!last) {
    const way = 'if it is one, say --fc6 and --fc8';
    throw new RangeError(`output ${output.name} does not come from a linear layer, so it is no classifier's (${way})`);
  }
  if (last.pooledAfter) {
    const data = walker.behindReshapes(last.linear.data, PASSING);
    doubts.push(`fc6 is the mean over positions of ${data}, which feeds the last layer: no tensor of the graph holds it`);
    const added = meanOverPositions(last.linear.node, data, last.rank ?? walker.rank(data));
    const roles = { fc6: ADDED, fc7: null, pool5: ADDED, pooled: true };
    return { ...roles, fc8, output: output.name, softmax, added, doubts };
  }
  const roles = hiddenLayers(walker, last.linear, doubts);
  return { ...roles, fc8, output: output.name, softmax, added: [], doubts };
}

/** The output that classifies: not consumed inside, of a class vector's shape, with most of the graph behind it. */
function classOutput(graph: OnnxGraph, walker: Walker, doubts: string[]): OnnxValue {
  const consumed = new Set(graph.nodes.flatMap((node) => node.inputs));
  const shaped = graph.outputs.filter((output) => !consumed.has(output.name) && looksLikeClasses(output));
  const list = shaped.length > 0 ? shaped : graph.outputs.filter(looksLikeClasses);
  if (list.length === 0) {
    throw new RangeError(
      `none of its outputs is a class vector: ${graph.outputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ')}`,
    );
  }
  const [best] = [...list].sort((a, b) => walker.ancestors(b.name) - walker.ancestors(a.name));
  if (list.length > 1)
    doubts.push(`of the outputs ${list.map(({ name }) => name).join(', ')} ${best.name} was taken: most of the graph leads to it`);
  return best;
}

function looksLikeClasses({ dims }: OnnxValue): boolean {
  if (dims.length === 0) return true;
  if (dims.length !== 2 && dims.length !== 4) return false;
  const sides = dims.slice(2);
  const rest = dims.length === 4 && dims[1] === 1 && dims[2] === 1 ? [] : sides;
  return (rest.every((side) => typeof side !== 'number' || side <= 1) && dims[1] !== 1) || (dims.length === 4 && rest.length === 0);
}

function beforeSoftmax(walker: Walker, output: string, doubts: string[]): { fc8: string; softmax: ClassifierLayers['softmax'] } {
  const node = walker.producer(walker.behindReshapes(output, BEHIND_OUTPUT));
  if (node && PROBABILITIES.has(node.op)) {
    if (node.op === 'Sigmoid') doubts.push('the classes are not exclusive: a sigmoid, not a softmax, ends the graph');
    return { fc8: node.inputs[0], softmax: 'folded' };
  }
  const plain = node?.op === 'Div' ? spelledSoftmax(walker, node) : null;
  if (plain) return { fc8: plain, softmax: 'folded' };
  return { fc8: output, softmax: 'none' };
}

/** exp(x - max) / sum(exp(x - max)) written out as single nodes: x, else null. */
function spelledSoftmax(walker: Walker, division: OnnxNode): string | null {
  const exp = walker.producer(division.inputs[0]);
  const sum = walker.producer(walker.behindReshapes(division.inputs[1]));
  if (exp?.op !== 'Exp' || !sum?.op.startsWith('ReduceSum') || sum.inputs[0] !== division.inputs[0]) return null;
  const shift = walker.producer(exp.inputs[0]);
  return shift?.op === 'Sub' ? shift.inputs[0] : exp.inputs[0];
}

/** From the class scores back to the linear layer; whether positions were averaged after it, and how many dimensions it then has. */
function lastLinear(walker: Walker, fc8: string, doubts: string[]): { linear: Linear; pooledAfter: boolean; rank: number | null } | null {
  let pooledAfter = false;
  let rank: number | null = null;
  for (let at: string | null = fc8, steps = 0; at !== null && steps < 40; steps++) {
    const linear = walker.linear(at);
    if (linear) return { linear, pooledAfter, rank };
    const node = walker.producer(at);
    if (!node) return null;
    rank = walker.rankInto(node) ?? rank;
    if (POOLS.has(node.op)) {
      pooledAfter = true;
      at = node.inputs[0];
    } else at = walker.behindElementwise(at) ?? firstHead(walker, node, doubts);
  }
  return null;
}

/** Whether the output is one token, or a pooling, normalized or not: no linear layer stands behind those. */
function endsAsTower(walker: Walker, output: string): boolean {
  for (let at: string | null = output, steps = 0; at !== null && steps < 40; steps++) {
    const node = walker.producer(at);
    if (!node) return false;
    if (PICKS.has(node.op) || POOLS.has(node.op)) return true;
    at = walker.behindElementwise(at);
  }
  return false;
}

/** Scores of several heads added up (DeiT, LeViT and EfficientFormer, distilled): those of the first; null when it is no such sum. */
function firstHead(walker: Walker, sum: OnnxNode, doubts: string[]): string | null {
  if (sum.op !== 'Add' || !sum.inputs.every((head) => lastLinear(walker, head, []))) return null;
  doubts.push(`its classes are the scores of two heads together: fc6 is what feeds the first of them, ${sum.inputs[0]}`);
  return sum.inputs[0];
}

/** What a convolution takes has its channels in front of the positions; in front of a matrix product they stand last. */
function meanOverPositions(linear: OnnxNode, data: string, rank: number | null): readonly NewNode[] {
  const pool = (from: string): NewNode => ({ op: 'GlobalAveragePool', name: ADDED, inputs: [from], outputs: [ADDED] });
  if (linear.op === 'Conv') return [pool(data)];
  if (rank !== 3 && rank !== 4) {
    throw new RangeError(`its classes are averaged over positions, and the shape of ${data} is not known: say --fc6 and --fc8`);
  }
  const perm = rank === 4 ? [0, 3, 1, 2] : [0, 2, 1];
  const front = `${ADDED}_channels_first`;
  return [{ op: 'Transpose', name: front, inputs: [data], outputs: [front], ints: { perm } }, pool(front)];
}

/** Hidden fully connected layers in front of the last one, and what was pooled. */
function hiddenLayers(walker: Walker, last: Linear, doubts: string[]): Pick<ClassifierLayers, 'fc6' | 'fc7' | 'pool5' | 'pooled'> {
  const hidden: { readonly activation: string; readonly linear: Linear }[] = [];
  let data = last.data;
  let pooled = false;
  for (;;) {
    const activation = walker.behindReshapes(data);
    let at: string | null = activation;
    let linear: Linear | null = null;
    while (at !== null && !linear) {
      linear = walker.linear(at);
      if (linear) break;
      const node = walker.producer(at);
      pooled = node !== undefined && POOLS.has(node.op);
      at = pooled ? null : walker.behindElementwise(at);
    }
    if (!linear || hidden.length > 8) break;
    hidden.unshift({ activation, linear });
    data = linear.data;
  }
  while (hidden.length > 0 && !pooled && hidden[0].linear.node.op === 'Conv') hidden.shift();
  if (hidden.length === 0) {
    if (!pooled) doubts.push(`fc6 is ${last.data}, which feeds the last layer; it is not behind a pooling`);
    return { fc6: last.data, fc7: null, pool5: pooled ? last.data : null, pooled: true };
  }
  const pool5 = pooled ? hidden[0].linear.data : null;
  const [first, second] = hidden;
  if (hidden.length !== 2) {
    const other = pool5 === null ? '' : `; the pooled features before it are ${pool5}`;
    doubts.push(`${hidden.length} hidden layer(s) stand before the classes: fc6 is the first, ${first.activation}${other}`);
  }
  return { fc6: first.activation, fc7: second?.activation ?? null, pool5, pooled: false };
}
