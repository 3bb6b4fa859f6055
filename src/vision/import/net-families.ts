/** How stock nets want their pixels: named families, and which one an ONNX file most likely belongs to. */
import type { NetInput } from '../net-manifest.ts';
import type { OnnxGraph } from './onnx-graph.ts';

type Preprocessing = Pick<NetInput, 'channels' | 'mean' | 'scale'>;

export const PREPROCESSING = {
  'zero-to-one': { channels: 'RGB', mean: [0, 0, 0], scale: 1 / 255 },
  'minus-one-to-one': { channels: 'RGB', mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
  'imagenet-mean-std': { channels: 'RGB', mean: [123.675, 116.28, 103.53], scale: [1 / 58.395, 1 / 57.12, 1 / 57.375] },
  'clip-mean-std': {
    channels: 'RGB',
    mean: [122.7709383, 116.7460125, 104.09373615],
    scale: [1 / 68.5005327, 1 / 66.6322125, 1 / 70.32316305],
  },
  /** Blue, green, red; means 103.939, 116.779, 123.68; no scaling. */
  'caffe-bgr-mean': { channels: 'BGR', mean: [103.939, 116.779, 123.68], scale: 1 },
  /** The graph normalizes by itself. */
  'zero-to-255': { channels: 'RGB', mean: [0, 0, 0], scale: 1 },
} as const satisfies Record<string, Preprocessing>;

export type PreprocessingFamily = keyof typeof PREPROCESSING;

/** The graph normalizes by itself, whatever its names say: bytes hold 0..255, a mean or a scale would wrap them around or turn them black. */
export const OF_BYTES: PreprocessingFamily = 'zero-to-255';

interface FamilyGuess {
  readonly family: PreprocessingFamily;
  readonly because: string;
  /** Read off the graph itself rather than from names. */
  readonly certain: boolean;
}

/** Names (of file, graph, input, weights, lower case) -> family; the first that matches. */
const BY_NAME: readonly (readonly [RegExp, PreprocessingFamily, string])[] = [
  [/efficientnet-?lite/, 'minus-one-to-one', 'EfficientNet-Lite takes (pixel - 127) / 128'],
  [/caffe|rcnn_ilsvrc|bvlc/, 'caffe-bgr-mean', 'it comes from Caffe'],
  [
    /keras.*(efficientnet|mobilenet_?v3|convnext)|(efficientnet|mobilenet_?v3).*keras/,
    'zero-to-255',
    'Keras puts the normalization of this net inside the graph',
  ],
  [/keras.*(densenet)/, 'imagenet-mean-std', 'Keras prepares DenseNet so'],
  [/keras.*(resnet(50|101|152)_?v2|inception|xception|nasnet|mobilenet)/, 'minus-one-to-one', 'Keras prepares this net so'],
  [/keras.*(resnet|vgg)/, 'caffe-bgr-mean', 'Keras prepares ResNet (version 1) and VGG so'],
  [/keras/, 'minus-one-to-one', 'most Keras nets are prepared so'],
  [/mobilenet_?v?1(?!\d)|mobilenet_1\.0/, 'minus-one-to-one', 'MobileNet v1 comes from TensorFlow'],
  [/(vit|resnet)\w*_clip|attnpool/, 'clip-mean-std', 'CLIP was trained so'],
  [/dinov[23]/, 'imagenet-mean-std', 'DINO was trained so'],
  [/blocks\.0\.attn\.qkv/, 'minus-one-to-one', 'timm trained most of its vision transformers so'],
  [/inception_?v[34]|xception|(?<!m)nasnet/, 'minus-one-to-one', 'Inception nets are prepared so'],
  [/_conv0_fwd|_fwd\b|mxnet/, 'imagenet-mean-std', 'it comes from MXNet'],
  [/ultralytics/, 'zero-to-one', 'Ultralytics prepares its classifiers so'],
  [/pytorch/, 'imagenet-mean-std', 'torchvision and most of timm are prepared so'],
];

/** What the graph and its names say about preprocessing. `fileName` helps: names of nets are in it. */
export function guessFamily(graph: OnnxGraph, fileName: string): FamilyGuess {
  const inside = normalizationInside(graph);
  if (inside) return inside;
  const producer = /tf2onnx|keras/i.test(graph.producer) ? `keras ${graph.producer}` : graph.producer;
  const weights = [...graph.constants.keys()].slice(0, 400).join(' ');
  const nodes = graph.nodes
    .slice(0, 200)
    .map(({ name }) => name)
    .join(' ');
  const author = graph.metadata.author ?? '';
  const inputs = graph.inputs.map(({ name }) => name).join(' ');
  const names = [producer, author, fileName, graph.name, inputs, weights, nodes].join(' ').toLowerCase();
  const [, family, because] = BY_NAME.find(([pattern]) => pattern.test(names)) ?? [
    null,
    'imagenet-mean-std' as const,
    'it is the most common and nothing in the file says otherwise',
  ];
  return { family, because, certain: false };
}

/** torchvision's GoogLeNet and Inception take the usual normalization and turn it into their own, a channel at a time. */
const CHANNEL_BY_CHANNEL: FamilyGuess = {
  family: 'imagenet-mean-std',
  because: 'the graph takes the channels apart to normalize each anew, as those of torchvision do',
  certain: true,
};

/** Constant arithmetic on the pixels before the first convolution implies their range. */
function normalizationInside(graph: OnnxGraph): FamilyGuess | null {
  const [input] = graph.inputs;
  let tensor = input?.name;
  for (let steps = 0; tensor !== undefined && steps < 8; steps++) {
    const users = graph.nodes.filter((node) => node.inputs.includes(tensor as string));
    if (users.length === 3 && users.every(({ op }) => op === 'Gather' || op === 'Slice')) return CHANNEL_BY_CHANNEL;
    if (users.length !== 1) return null;
    const [node] = users;
    if (['Transpose', 'Cast', 'Identity', 'Reshape', 'Resize'].includes(node.op)) {
      tensor = node.outputs[0];
      continue;
    }
    if (!['Sub', 'Add', 'Mul', 'Div'].includes(node.op)) return null;
    const values = node.inputs.flatMap((name) => graph.constants.get(name)?.values ?? []).map(Math.abs);
    if (values.length === 0) return null;
    const largest = Math.max(...values);
    const raw = node.op === 'Mul' ? largest < 0.05 : largest > 20;
    const unit = node.op === 'Sub' || node.op === 'Add' ? largest <= 1.01 : !raw && largest < 20;
    if (raw)
      return {
        family: 'zero-to-255',
        because: `the graph begins with ${node.op} by ${largest}: it takes pixels as they are`,
        certain: true,
      };
    return unit
      ? {
          family: 'zero-to-one',
          because: `the graph begins with ${node.op} by ${largest}: it takes pixels from 0 to 1`,
          certain: true,
        }
      : null;
  }
  return null;
}
