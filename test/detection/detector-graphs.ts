/**
 * Small detectors of stock forms' shapes, written as their exporters write them: inputs, outputs and their types. What they find
 * is fixed; that they run, and at which sizes, is the graph's own arithmetic.
 */
import { type Dim, type GraphOptions, GraphWriter } from '../vision/onnx-writer.ts';

/** 0, made from the picture, so that every output depends on it. */
function nothing(g: GraphWriter, x: string): string {
  return g.node('Mul', [g.node('ReduceMean', [x], { keepdims: 0 }), g.floats([], [0])]);
}

/** One image a run, lists without a batch; `finds`: whether it finds its one object, label number 3, in pictures. */
export function fasterRcnn({ finds }: { finds: boolean }): GraphWriter {
  const g = new GraphWriter();
  const x = g.input('image', [3, 'height', 'width']);
  const seen = g.node('Greater', [
    g.node('Reshape', [g.node('ReduceMean', [x], { keepdims: 0 }), g.integers([1])]),
    g.floats([1], [finds ? -1e6 : 1e6]),
  ]);
  g.output(g.node('Compress', [g.floats([1, 4], [10, 20, 200, 220]), seen], { axis: 0 }, 'boxes'), ['n', 4]);
  g.output(g.node('Compress', [g.integers([3]), seen], { axis: 0 }, 'labels'), ['n'], 7);
  g.output(g.node('Compress', [g.floats([1], [0.9]), seen], { axis: 0 }, 'scores'), ['n']);
  return g;
}

export interface SsdShape {
  readonly input?: readonly Dim[];
  /** Element type of the pictures: 1 float, 2 uint8. */
  readonly type?: number;
  /** Keeps weights in this file beside the graph. */
  readonly file?: string;
  readonly options?: GraphOptions;
}

/** Lists of a batch: two objects of the labels number 1 and 2. */
export function ssd({ input = [1, 3, 64, 64], type = 1, file, options }: SsdShape = {}): GraphWriter {
  const g = new GraphWriter(options);
  const pixels = g.input('image', input, type);
  const zero = nothing(g, type === 1 ? pixels : g.node('Cast', [pixels], { to: 1 }));
  const boxes = g.floats([1, 2, 4], [0, 0, 0.5, 0.5, 0.1, 0.2, 0.3, 0.4]);
  g.output(g.node('Add', [boxes, zero], {}, 'boxes'), [1, 2, 4]);
  g.output(g.node('Identity', [g.integers([1, 2], [1, 2])], {}, 'labels'), [1, 2], 7);
  g.output(g.node('Sigmoid', [g.node('Add', [g.weights([1, 2], { file }), zero])], {}, 'scores'), [1, 2]);
  return g;
}

/**
 * Any size, as long as halves of quarters fit together again: multiples of 8. Two labels; `maps`: lists the three maps that YOLOv5 up
 * to 6.1 puts out beside the predictions.
 */
export function yolo({ maps = false } = {}): GraphWriter {
  const g = new GraphWriter();
  const half = (from: string): string => g.node('MaxPool', [from], { kernel_shape: [2, 2], strides: [2, 2] });
  const quarter = half(half(g.input('images', [1, 3, 'height', 'width'])));
  const up = g.node('Resize', [half(quarter), '', g.floats([4], [1, 1, 2, 2])], { mode: 'nearest' });
  const head = g.node('Sigmoid', [g.node('Conv', [g.node('Add', [up, quarter]), g.weights([7, 3, 1, 1])], { kernel_shape: [1, 1] })]);
  const sized = g.node('Mul', [head, g.floats([1, 7, 1, 1], [200, 200, 50, 50, 1, 1, 1])]);
  const rows = g.node('Transpose', [g.node('Reshape', [sized, g.integers([1, 7, -1])])], { perm: [0, 2, 1] }, 'output');
  g.output(rows, [1, 'boxes', 7]);
  for (const name of maps ? ['345', '403', '461'] : []) {
    const map = g.node('Transpose', [g.node('Unsqueeze', [head, g.integers([1])])], { perm: [0, 1, 3, 4, 2] }, name);
    g.output(map, [1, 1, 'rows', 'columns', 7]);
  }
  return g;
}

/** Any size; three queries of two labels, one of which sees something. */
export function detr(): GraphWriter {
  const g = new GraphWriter();
  const zero = nothing(g, g.input('pixel_values', [1, 3, 'height', 'width']));
  g.output(g.node('Add', [g.floats([1, 3, 3], [0, 2, 0, 0, 0, 9, 0, 0, 9]), zero], {}, 'logits'), [1, 3, 3]);
  g.output(g.node('Add', [g.floats([1, 3, 4], new Float32Array(12).fill(0.3)), zero], {}, 'pred_boxes'), [1, 3, 4]);
  return g;
}
