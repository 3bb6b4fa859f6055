/**
 * Small graphs of each stock family's shape (a few channels, 32 pixels), written as its exporter writes them: the same
 * operators, tail, input layout and names, seeded weights.
 */
import { type Dim, type GraphOptions, GraphWriter } from './onnx-writer.ts';

export interface FamilyGraph {
  readonly bytes: Uint8Array;
  readonly external: ReadonlyMap<string, Uint8Array>;
}

/** What importing must find. */
export interface Expected {
  readonly fc6: string;
  readonly fc6Length: number;
  readonly fc8: string;
  readonly fc7?: string;
  readonly pool5?: string;
  readonly preprocess: string;
  readonly layout?: 'NCHW' | 'NHWC';
  readonly binarization?: string;
}

const SIDE = 32;
const CLASSES = 10;

class Family extends GraphWriter {
  conv(x: string, from: number, to: number, { kernel = 3, stride = 1, group = 1, name = '', file = '' } = {}): string {
    const w = this.weights([to, from / group, kernel, kernel], file ? { file } : {});
    const pad = kernel >> 1;
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], group };
    return this.node('Conv', [x, w, this.weights([to], { scale: 0.1 })], attributes, name || undefined);
  }
  relu(x: string, name?: string): string {
    return this.node('Relu', [x], {}, name);
  }
  gemm(x: string, from: number, to: number, name?: string): string {
    return this.node('Gemm', [x, this.weights([to, from]), this.weights([to], { scale: 0.1 })], { transB: 1 }, name);
  }
  /** A bottleneck: 1 x 1, 3 x 3, 1 x 1, and what came in added. */
  bottleneck(x: string, channels: number): string {
    const narrow = channels >> 1;
    const a = this.relu(this.conv(x, channels, narrow, { kernel: 1 }));
    const b = this.conv(this.relu(this.conv(a, narrow, narrow)), narrow, channels, { kernel: 1 });
    return this.relu(this.node('Add', [b, x]));
  }
  maxPool(x: string): string {
    return this.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  trunk(x: string, channels = 8): string {
    const a = this.maxPool(this.relu(this.conv(x, 3, channels, { stride: 2 })));
    return this.relu(this.conv(a, channels, channels));
  }
  done(): FamilyGraph {
    return { bytes: this.finish(), external: this.external };
  }
}

function image(options: GraphOptions = {}, input = 'input', batch: Dim = 'batch'): { g: Family; x: string } {
  const g = new Family(options);
  return { g, x: g.input(input, [batch, 3, SIDE, SIDE]) };
}

function threeFc(g: Family, pooled: string, length: number): string {
  const flat = g.node('Flatten', [pooled], { axis: 1 }, 'flat');
  const fc6 = g.relu(g.gemm(flat, length, 24, 'classifier.0'), 'classifier.1');
  const fc7 = g.relu(g.gemm(g.node('Dropout', [fc6]), 24, 20), 'classifier.4');
  return g.gemm(g.node('Dropout', [fc7]), 20, CLASSES, 'scores');
}

function decomposedHardSwish(g: Family, x: string): string {
  const shifted = g.node('Add', [x, g.floats([], [3])]);
  const clipped = g.node('Clip', [shifted, g.floats([], [0]), g.floats([], [6])]);
  return g.node('Mul', [x, g.node('Div', [clipped, g.floats([], [6])])], {}, 'head_swish');
}

/** A ResNet as deep as its name says (3 layers a block, and 2), a few channels wide. */
function deepResNet(blocks: number): { readonly make: () => FamilyGraph; readonly expected: Expected } {
  return {
    make: () => {
      const { g, x } = image();
      let a = g.trunk(x);
      for (let block = 0; block < blocks; block++) a = g.bottleneck(a, 8);
      const flat = g.node('Flatten', [g.node('GlobalAveragePool', [a])], { axis: 1 }, 'pooled');
      g.output(g.gemm(flat, 8, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'pooled', fc6Length: 8, fc8: 'output', pool5: 'pooled', preprocess: 'imagenet-mean-std' },
  };
}

/** Builders by family: the graph and what must be found in it. */
export const FAMILIES: Readonly<Record<string, { readonly make: () => FamilyGraph; readonly expected: Expected }>> = {
  'VGG16, torchvision': {
    make: () => {
      const { g, x } = image();
      const pooled = g.maxPool(g.trunk(x));
      g.output(threeFc(g, g.node('AveragePool', [pooled], { kernel_shape: [1, 1] }), 8 * 4 * 4), ['batch', CLASSES]);
      return g.done();
    },
    expected: {
      fc6: 'classifier.1',
      fc6Length: 24,
      fc7: 'classifier.4',
      fc8: 'scores',
      pool5: 'flat',
      preprocess: 'imagenet-mean-std',
      binarization: 'activation > 0',
    },
  },
  'AlexNet, Caffe2 in the zoo': {
    make: () => {
      const { g, x } = image({ producer: 'onnx-caffe2', opset: 9 }, 'data_0', 1);
      const pooled = g.maxPool(g.node('LRN', [g.trunk(x)], { size: 5 }));
      const flat = g.node('Reshape', [pooled, g.integers([1, 128])]);
      const fc6 = g.relu(g.gemm(flat, 128, 24), 'fc6_2');
      const fc7 = g.relu(g.gemm(g.node('Dropout', [fc6]), 24, 20), 'fc7_2');
      const fc8 = g.gemm(g.node('Dropout', [fc7]), 20, CLASSES, 'fc8_1');
      g.output(g.node('Softmax', [fc8], { axis: 1 }, 'prob_1'), [1, CLASSES]);
      return g.done();
    },
    expected: { fc6: 'fc6_2', fc6Length: 24, fc7: 'fc7_2', fc8: 'fc8_1', preprocess: 'caffe-bgr-mean' },
  },
  'GoogLeNet, with an auxiliary head': {
    make: () => {
      const { g, x } = image();
      const a = g.trunk(x);
      const aux = g.gemm(g.node('Flatten', [g.node('GlobalAveragePool', [a])]), 8, CLASSES, 'aux');
      const branches = [g.relu(g.conv(a, 8, 4, { kernel: 1 })), g.relu(g.conv(a, 8, 4))];
      const pooled = g.node('GlobalAveragePool', [g.node('Concat', branches, { axis: 1 })]);
      const flat = g.node('Flatten', [pooled], { axis: 1 }, 'flatten');
      g.output(aux, ['batch', CLASSES]);
      g.output(g.gemm(g.node('Dropout', [flat], {}, 'dropout'), 8, CLASSES, 'logits'), ['batch', CLASSES]);
      return g.done();
    },
    expected: {
      fc6: 'dropout',
      fc6Length: 8,
      fc8: 'logits',
      pool5: 'dropout',
      preprocess: 'imagenet-mean-std',
      binarization: 'activation > median',
    },
  },
  'ResNet-101': deepResNet(33),
  'ResNet-152': deepResNet(50),
  'ResNet, torchvision': {
    make: () => {
      const { g, x } = image();
      const a = g.trunk(x);
      const b = g.relu(g.node('Add', [g.conv(a, 8, 8), a]));
      const flat = g.node('Flatten', [g.node('GlobalAveragePool', [b])], { axis: 1 }, 'pooled');
      g.output(g.gemm(flat, 8, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: {
      fc6: 'pooled',
      fc6Length: 8,
      fc8: 'output',
      preprocess: 'imagenet-mean-std',
      binarization: 'activation > median',
    },
  },
  'ResNeXt, grouped, weights in a file beside': {
    make: () => {
      const { g, x } = image();
      const a = g.relu(g.conv(g.trunk(x), 8, 8, { group: 4, file: 'model.onnx.data' }));
      const mean = g.node('ReduceMean', [a], { axes: [2, 3], keepdims: 0 }, 'mean');
      g.output(g.gemm(mean, 8, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'mean', fc6Length: 8, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'ResNet, Keras': {
    make: () => {
      const g = new Family({ producer: 'tf2onnx', name: 'resnet50' });
      const x = g.input('input_1', ['unk__1', SIDE, SIDE, 3]);
      const a = g.trunk(g.node('Transpose', [x], { perm: [0, 3, 1, 2] }));
      const pooled = g.node('Squeeze', [g.node('GlobalAveragePool', [a]), g.integers([2, 3])], {}, 'avg_pool');
      const scores = g.node('Add', [g.node('MatMul', [pooled, g.weights([8, CLASSES])]), g.weights([CLASSES])], {}, 'scores');
      g.output(g.node('Softmax', [scores], {}, 'predictions'), ['unk__1', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'avg_pool', fc6Length: 8, fc8: 'scores', preprocess: 'caffe-bgr-mean', layout: 'NHWC' },
  },
  'MobileNet v1, Keras': {
    make: () => {
      const g = new Family({ producer: 'tf2onnx', name: 'mobilenet_1.00_224' });
      const x = g.input('input_1', ['unk__1', SIDE, SIDE, 3]);
      const a = g.trunk(g.node('Transpose', [x], { perm: [0, 3, 1, 2] }));
      const six = g.node('Clip', [a, g.floats([], [0]), g.floats([], [6])]);
      const pooled = g.node('GlobalAveragePool', [six], {}, 'pool');
      const scores = g.conv(pooled, 8, CLASSES, { kernel: 1, name: 'conv_preds' });
      const flat = g.node('Reshape', [g.node('Transpose', [scores], { perm: [0, 2, 3, 1] }), g.integers([-1, CLASSES])], {}, 'reshaped');
      g.output(g.node('Softmax', [flat]), ['unk__1', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'pool', fc6Length: 8, fc8: 'reshaped', preprocess: 'minus-one-to-one', layout: 'NHWC' },
  },
  'MobileNet v2, torchvision': {
    make: () => {
      const { g, x } = image();
      const a = g.node('Clip', [g.conv(g.trunk(x), 8, 12, { kernel: 1 }), g.floats([], [0]), g.floats([], [6])]);
      const flat = g.node('Flatten', [g.node('GlobalAveragePool', [a])], {}, 'flat');
      g.output(g.gemm(flat, 12, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'flat', fc6Length: 12, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'MobileNet v3, torchvision': {
    make: () => {
      const { g, x } = image({ opset: 14 });
      const flat = g.node('Flatten', [g.node('GlobalAveragePool', [g.node('HardSwish', [g.trunk(x)])])], {}, 'flat');
      const hidden = g.node('HardSwish', [g.gemm(flat, 8, 16)], {}, 'hidden');
      g.output(g.gemm(hidden, 16, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'hidden', fc6Length: 16, fc8: 'output', pool5: 'flat', preprocess: 'imagenet-mean-std' },
  },
  'MobileNet v3, Keras, activation and softmax written out': {
    make: () => {
      const g = new Family({ producer: 'tf2onnx', name: 'mobilenetv3small' });
      const x = g.input('input_1', ['N', SIDE, SIDE, 3]);
      const ready = g.node('Sub', [g.node('Mul', [x, g.floats([], [1 / 127.5])]), g.floats([], [1])]);
      const pooled = g.node('GlobalAveragePool', [g.trunk(g.node('Transpose', [ready], { perm: [0, 3, 1, 2] }))], {}, 'pool');
      const hidden = decomposedHardSwish(g, g.conv(pooled, 8, 16, { kernel: 1 }));
      const scores = g.node('Flatten', [g.conv(hidden, 16, CLASSES, { kernel: 1 })], {}, 'logits');
      const exp = g.node('Exp', [g.node('Sub', [scores, g.node('ReduceMax', [scores], { axes: [1], keepdims: 1 })])]);
      g.output(g.node('Div', [exp, g.node('ReduceSum', [exp, g.integers([1])], { keepdims: 1 })]), ['N', CLASSES]);
      return g.done();
    },
    expected: {
      fc6: 'head_swish',
      fc6Length: 16,
      fc8: 'logits',
      pool5: 'pool',
      preprocess: 'zero-to-255',
      layout: 'NHWC',
    },
  },
  'EfficientNet, Keras': {
    make: () => {
      const g = new Family({ producer: 'tf2onnx', name: 'efficientnetb0' });
      const x = g.input('input_1', ['N', SIDE, SIDE, 3]);
      const ready = g.node('Mul', [x, g.floats([], [1 / 255])]);
      const a = g.trunk(g.node('Transpose', [ready], { perm: [0, 3, 1, 2] }));
      const squeezed = g.node('Sigmoid', [g.conv(g.node('GlobalAveragePool', [a]), 8, 8, { kernel: 1 })]);
      const top = g.conv(g.node('Mul', [a, squeezed]), 8, 12, { kernel: 1 });
      const swish = g.node('Mul', [top, g.node('Sigmoid', [top])]);
      const pooled = g.node('Squeeze', [g.node('GlobalAveragePool', [swish]), g.integers([2, 3])], {}, 'pooled');
      const scores = g.node('Add', [g.node('MatMul', [pooled, g.weights([12, CLASSES])]), g.weights([CLASSES])], {}, 'scores');
      g.output(g.node('Softmax', [scores]), ['N', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'pooled', fc6Length: 12, fc8: 'scores', preprocess: 'zero-to-255', layout: 'NHWC' },
  },
  'SqueezeNet, float16, fixed batch': {
    make: () => {
      const { g, x } = image({ producer: 'onnx-caffe2', type: 10, opset: 9 }, 'data_0', 1);
      const a = g.trunk(x);
      const fire = g.node('Concat', [g.relu(g.conv(a, 8, 6, { kernel: 1 })), g.relu(g.conv(a, 8, 6))], { axis: 1 }, 'fire9');
      const scores = g.relu(g.conv(g.node('Dropout', [fire]), 12, CLASSES, { kernel: 1 }));
      const pooled = g.node('GlobalAveragePool', [scores], {}, 'pool10');
      g.output(g.node('Softmax', [pooled], { axis: 1 }), [1, CLASSES, 1, 1]);
      return g.done();
    },
    expected: {
      fc6: 'related_pins_fc6',
      fc6Length: 12,
      fc8: 'pool10',
      preprocess: 'caffe-bgr-mean',
      binarization: 'activation > median',
    },
  },
  'ViT, torchvision': {
    make: () => vit('class_token', 'encoder.ln'),
    expected: {
      fc6: 'token',
      fc6Length: 8,
      fc8: 'output',
      preprocess: 'imagenet-mean-std',
      binarization: 'activation > 0',
    },
  },
  'ViT, timm': {
    make: () => vit('cls_token', 'blocks.0.attn.qkv.weight'),
    expected: {
      fc6: 'token',
      fc6Length: 8,
      fc8: 'output',
      preprocess: 'minus-one-to-one',
      binarization: 'activation > 0',
    },
  },
  'DINOv2, no classes: the normalized class token': {
    make: () => {
      const { g, x } = image({ opset: 17 });
      const tokens = layerNorm(g, patches(g, x, 'dinov2.blocks.0.attn.qkv.weight', CLASSES), CLASSES);
      g.output(g.node('Gather', [tokens, g.integers([0], [])], { axis: 1 }, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'output', fc6Length: CLASSES, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'ResNet, CLIP: one token behind the last layer of its attention': {
    make: () => {
      const { g, x } = image({ opset: 17 });
      const rows = patches(g, x, 'attnpool.weight');
      const mixed = g.node('Add', [g.node('MatMul', [rows, g.weights([8, CLASSES])]), g.weights([CLASSES])]);
      g.output(g.node('Gather', [mixed, g.integers([0], [])], { axis: 1 }, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'output', fc6Length: CLASSES, fc8: 'output', preprocess: 'clip-mean-std' },
  },
  'ViT, timm, pooled by attention': {
    make: () => {
      const { g, x } = image({ opset: 17 });
      const rows = patches(g, x, 'blocks.0.attn.qkv.weight');
      const keys = g.node('Transpose', [g.node('MatMul', [rows, g.weights([8, 8])])], { perm: [0, 2, 1] });
      const attention = g.node('Softmax', [g.node('MatMul', [g.weights([1, 1, 8], { name: 'attn_pool.latent' }), keys])], { axis: -1 });
      const pooled = g.node('MatMul', [attention, g.node('MatMul', [rows, g.weights([8, 8])])]);
      const mixed = g.node('Add', [g.node('MatMul', [layerNorm(g, pooled, 8), g.weights([8, 8])]), g.weights([8])]);
      const token = g.node('Squeeze', [g.node('Add', [pooled, mixed]), g.integers([1])], {}, 'token');
      g.output(g.gemm(token, 8, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'token', fc6Length: 8, fc8: 'output', preprocess: 'minus-one-to-one' },
  },
  'DeiT, timm, distilled: two heads': {
    make: () => {
      const { g, x } = image({ opset: 17 });
      const tokens = layerNorm(g, patches(g, x, 'blocks.0.attn.qkv.weight'), 8);
      const token = (at: number, name: string): string => g.node('Gather', [tokens, g.integers([at], [])], { axis: 1 }, name);
      const heads = [g.gemm(token(0, 'token'), 8, CLASSES), g.gemm(token(1, 'distilled'), 8, CLASSES)];
      g.output(g.node('Div', [g.node('Add', heads), g.floats([], [2])], {}, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'token', fc6Length: 8, fc8: 'output', preprocess: 'minus-one-to-one' },
  },
  'ConvNeXt, timm': {
    make: () => {
      const { g, x } = image({ opset: 17 });
      const pooled = g.node('GlobalAveragePool', [g.relu(g.conv(x, 3, 8, { stride: 4 }))]);
      const last = g.node('Transpose', [pooled], { perm: [0, 2, 3, 1] });
      const norm = g.node('Transpose', [layerNorm(g, last, 8)], { perm: [0, 3, 1, 2] });
      g.output(g.gemm(g.node('Flatten', [norm], {}, 'flat'), 8, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'flat', fc6Length: 8, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'ResNet, torchvision, constants as nodes': {
    make: () => {
      const { g, x } = image({ constantNodes: true });
      const flat = g.node('Flatten', [g.node('GlobalAveragePool', [g.trunk(x)])], {}, 'pooled');
      g.output(g.gemm(flat, 8, CLASSES, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'pooled', fc6Length: 8, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'ResNet, quantized step by step': {
    make: () => {
      const { g, x } = image();
      const rounded = (from: string, name?: string): string => {
        const scale = g.floats([], [0.05]);
        return g.node('DequantizeLinear', [g.node('QuantizeLinear', [from, scale]), scale], {}, name);
      };
      const flat = g.node('Flatten', [rounded(g.node('GlobalAveragePool', [rounded(g.trunk(rounded(x)))]))], {}, 'pooled');
      g.output(rounded(g.gemm(flat, 8, CLASSES), 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'pooled', fc6Length: 8, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'SqueezeNet, Keras, channels last between convolutions': {
    make: () => {
      const g = new Family({ producer: 'keras2onnx', name: 'squeezenet' });
      const x = g.input('input_1', ['N', SIDE, SIDE, 3]);
      const last = (from: string): string => g.node('Transpose', [from], { perm: [0, 2, 3, 1] });
      const first = (from: string): string => g.node('Transpose', [from], { perm: [0, 3, 1, 2] });
      const a = g.trunk(first(x), 12);
      const branches = [last(g.relu(g.conv(a, 12, 8, { kernel: 1 }))), last(g.relu(g.conv(a, 12, 4)))];
      const fire = g.node('Dropout', [g.node('Concat', branches, { axis: 3 })]);
      const scores = g.relu(last(g.conv(first(fire), 12, CLASSES, { kernel: 1 })));
      const pooled = g.node('ReduceMean', [scores], { axes: [1, 2], keepdims: 0 }, 'pooled');
      g.output(g.node('Softmax', [pooled]), ['N', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'related_pins_fc6', fc6Length: 12, fc8: 'pooled', preprocess: 'minus-one-to-one', layout: 'NHWC' },
  },
  'Mixer, classes averaged over tokens': {
    make: () => {
      const { g, x } = image();
      const tokens = g.node('Tanh', [patches(g, x, 'stem.weight')]);
      const scores = g.node('Add', [g.node('MatMul', [tokens, g.weights([8, CLASSES])]), g.weights([CLASSES])]);
      g.output(g.node('ReduceMean', [scores], { axes: [1], keepdims: 0 }, 'output'), ['batch', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'related_pins_fc6', fc6Length: 8, fc8: 'output', preprocess: 'imagenet-mean-std' },
  },
  'MobileNet v1, bytes in': {
    make: () => {
      const g = new Family({ producer: 'tf2onnx', name: 'mobilenet_1.00_224' });
      const x = g.node('Cast', [g.input('input_1', ['N', SIDE, SIDE, 3], 2)], { to: 1 });
      const pooled = g.node('GlobalAveragePool', [g.trunk(g.node('Transpose', [x], { perm: [0, 3, 1, 2] }))]);
      g.output(g.gemm(g.node('Flatten', [pooled], {}, 'flat'), 8, CLASSES, 'scores'), ['N', CLASSES]);
      return g.done();
    },
    expected: { fc6: 'flat', fc6Length: 8, fc8: 'scores', preprocess: 'zero-to-255', layout: 'NHWC' },
  },
  'EfficientNet-Lite4 in the zoo': {
    make: () => {
      const g = new Family({ producer: 'tf2onnx', name: 'efficientnet-lite4' });
      const x = g.input('images:0', [1, SIDE, SIDE, 3]);
      const pooled = g.node('GlobalAveragePool', [g.trunk(g.node('Transpose', [x], { perm: [0, 3, 1, 2] }))]);
      const flat = g.node('Squeeze', [pooled, g.integers([2, 3])], {}, 'flat');
      const scores = g.node('Add', [g.node('MatMul', [flat, g.weights([8, CLASSES])]), g.weights([CLASSES])], {}, 'scores');
      g.output(g.node('Softmax', [scores], {}, 'Softmax:0'), [1, CLASSES]);
      return g.done();
    },
    expected: { fc6: 'flat', fc6Length: 8, fc8: 'scores', preprocess: 'minus-one-to-one', layout: 'NHWC' },
  },
  'YOLOv8 classifier, Ultralytics': {
    make: () => {
      const { g, x } = image({ metadata: { author: 'Ultralytics' } }, 'images', 1);
      const flat = g.node('Flatten', [g.node('GlobalAveragePool', [g.trunk(x)])], {}, 'flat');
      g.output(g.node('Softmax', [g.gemm(flat, 8, CLASSES, 'scores')], {}, 'output0'), [1, CLASSES]);
      return g.done();
    },
    expected: { fc6: 'flat', fc6Length: 8, fc8: 'scores', preprocess: 'zero-to-one' },
  },
  'MobileNet v2, MXNet in the zoo, any batch': {
    make: () => {
      const { g, x } = image({ producer: '' }, 'data', 'N');
      const a = g.relu(g.conv(x, 3, 8, { stride: 2, name: 'mobilenetv20_features_conv0_fwd' }));
      const pooled = g.node('GlobalAveragePool', [a], {}, 'mobilenetv20_features_pool0_fwd');
      const scores = g.conv(pooled, 8, CLASSES, { kernel: 1, name: 'mobilenetv20_output_pred_fwd' });
      g.output(g.node('Reshape', [scores, g.integers([0, -1])], {}, 'mobilenetv20_output_flatten0_reshape0'), ['N', CLASSES]);
      return g.done();
    },
    expected: {
      fc6: 'mobilenetv20_features_pool0_fwd',
      fc6Length: 8,
      fc8: 'mobilenetv20_output_flatten0_reshape0',
      preprocess: 'imagenet-mean-std',
    },
  },
};

/** 4 patches of 16 x 16, a row of 8 each. */
function patches(g: Family, x: string, weight: string, length = 8): string {
  const w = g.weights([length, 3, 16, 16], { name: weight, scale: 0.05 });
  const cut = g.node('Conv', [x, w], { kernel_shape: [16, 16], strides: [16, 16] });
  return g.node('Transpose', [g.node('Reshape', [cut, g.integers([0, length, -1])])], { perm: [0, 2, 1] });
}

function layerNorm(g: Family, x: string, length: number): string {
  const [scale, shift] = [new Float32Array(length).fill(1), new Float32Array(length)];
  return g.node('LayerNormalization', [x, g.floats([length], scale), g.floats([length], shift)], { axis: -1 });
}

/** Patches, a class token, one block of mixing, layer norm, the token, the head. */
function vit(token: string, weight: string): FamilyGraph {
  const { g, x } = image({ opset: 17 });
  const length = 8;
  const rows = patches(g, x, weight);
  const mean = g.node('ReduceMean', [rows], { axes: [1], keepdims: 1 });
  const first = g.node('Add', [mean, g.weights([1, 1, length], { name: token })]);
  const tokens = g.node('Concat', [first, rows], { axis: 1 });
  const mixed = g.node('Add', [tokens, g.node('MatMul', [g.node('Tanh', [tokens]), g.weights([length, length])])]);
  const picked = g.node('Gather', [layerNorm(g, mixed, length), g.integers([0], [])], { axis: 1 }, 'token');
  g.output(g.gemm(picked, length, CLASSES, 'output'), ['batch', CLASSES]);
  return g.done();
}
