import { describe, expect, it } from 'vitest';
import { OUTPUT_FORMS, outputForm } from '../../src/detection/forms/forms.ts';
import type { DecodedBoxes, DecodeSettings, OutputRoles, OutputTensor } from '../../src/detection/forms/output-form.ts';

const input = { width: 320, height: 320 };
const tensor = (name: string, dims: readonly number[], data: ArrayLike<number | bigint>): OutputTensor => ({
  name,
  dims,
  data,
});
const settings = (roles: OutputRoles, labelCount: number, more: Partial<DecodeSettings> = {}): DecodeSettings => ({
  roles,
  inputWidth: input.width,
  inputHeight: input.height,
  labelCount,
  scoreFloor: 0.01,
  ...more,
});
const rows = (boxes: DecodedBoxes): number[][] =>
  Array.from({ length: boxes.count }, (_, i) => [
    boxes.labels[i],
    ...[boxes.scores[i], ...boxes.corners.subarray(4 * i, 4 * i + 4)].map((value) => Math.round(value * 1e6) / 1e6),
  ]);

/** Recognizes with every form, expects exactly the one named, and decodes with what it proposed. */
function recognizeAndDecode(name: string, outputs: readonly OutputTensor[], labelCount: number): number[][] {
  const claims = OUTPUT_FORMS.filter((form) => form.recognize(outputs, input));
  expect(claims.map((form) => form.name)).toEqual([name]);
  const form = outputForm(name, 'test');
  const roles = form.recognize(outputs, input)?.roles ?? {};
  return rows(form.decode(outputs, settings(roles, labelCount)));
}

describe('ssd', () => {
  it('reads batched lists in fractions', () => {
    const outputs = [
      tensor('b', [1, 2, 4], [0, 0, 0.5, 0.5, 0.1, 0.2, 0.3, 0.4]),
      tensor('l', [1, 2], BigInt64Array.from([3n, 0n])),
      tensor('s', [1, 2], [0.9, 0.4]),
    ];
    expect(recognizeAndDecode('ssd', outputs, 4)).toEqual([
      [3, 0.9, 0, 0, 0.5, 0.5],
      [0, 0.4, 0.1, 0.2, 0.3, 0.4],
    ]);
  });

  it('reads boxes in pixels of the input and drops labels and scores out of range', () => {
    const outputs = [
      tensor('boxes', [1, 3, 4], [0, 0, 160, 320, 1, 1, 2, 2, 1, 1, 2, 2]),
      tensor('labels', [1, 3], [1, 9, 1]),
      tensor('scores', [1, 3], [0.5, 0.9, 0.001]),
    ];
    expect(recognizeAndDecode('ssd', outputs, 2)).toEqual([[1, 0.5, 0, 0, 0.5, 1]]);
  });

  it('reads a score matrix with a background column', () => {
    const outputs = [tensor('boxes', [1, 2, 4], [0, 0, 1, 1, 0, 0, 0.5, 0.5]), tensor('scores', [1, 2, 3], [0.1, 0.9, 0, 0.2, 0.3, 0.5])];
    expect(recognizeAndDecode('ssd', outputs, 2)).toEqual([
      [0, 0.9, 0, 0, 1, 1],
      [0, 0.3, 0, 0, 0.5, 0.5],
      [1, 0.5, 0, 0, 0.5, 0.5],
    ]);
  });
});

describe('faster-rcnn', () => {
  it('reads lists without a batch, label 1 first', () => {
    const outputs = [
      tensor('6379', [2, 4], [0, 0, 160, 160, 32, 32, 64, 320]),
      tensor('6381', [2], BigInt64Array.from([1n, 2n])),
      tensor('6383', [2], [0.95, 0.05]),
    ];
    expect(recognizeAndDecode('faster-rcnn', outputs, 2)).toEqual([
      [0, 0.95, 0, 0, 0.5, 0.5],
      [1, 0.05, 0.1, 0.1, 0.2, 1],
    ]);
  });
});

describe('tensorflow', () => {
  it('reads y before x and no more than num_detections', () => {
    const outputs = [
      tensor('num_detections:0', [1], [1]),
      tensor('detection_boxes:0', [1, 2, 4], [0.1, 0.2, 0.3, 0.4, 0, 0, 1, 1]),
      tensor('detection_scores:0', [1, 2], [0.8, 0.7]),
      tensor('detection_classes:0', [1, 2], [2, 1]),
    ];
    expect(recognizeAndDecode('tensorflow', outputs, 3)).toEqual([[1, 0.8, 0.2, 0.1, 0.4, 0.3]]);
  });
});

describe('fastestdet', () => {
  it('reads one cell by the formula', () => {
    const [labels, side] = [3, 4];
    const data = new Float32Array((5 + labels) * side * side);
    const cell = 1 * side + 2;
    const put = (channel: number, value: number): void => void (data[channel * side * side + cell] = value);
    put(0, 0.5);
    put(1, Math.atanh(0.25));
    put(2, Math.atanh(-0.5));
    put(6, 0.8);
    const [row] = recognizeAndDecode('fastestdet', [tensor('758', [1, 8, side, side], data)], labels);
    const [x, y] = [2.25 / 4, 0.5 / 4];
    const expected = [1, 0.5 ** 0.6 * 0.8 ** 0.4, x - 0.25, y - 0.25, x + 0.25, y + 0.25];
    for (const [i, value] of expected.entries()) expect(row[i]).toBeCloseTo(value, 5);
  });

  it('leaves out cells under the objectness threshold', () => {
    const data = new Float32Array(6 * 16).fill(0.5);
    const form = outputForm('fastestdet', 'test');
    const roles = { cells: { tensor: 'o' } };
    const outputs = [tensor('o', [1, 6, 4, 4], data)];
    expect(form.decode(outputs, settings(roles, 1)).count).toBe(16);
    expect(form.decode(outputs, settings(roles, 1, { objectnessMin: 0.6 })).count).toBe(0);
  });
});

describe('nanodet', () => {
  const levels = [8, 16, 32].map((stride) => ({ stride, cells: (320 / stride) ** 2 }));

  it('finds its tensors by shape whatever their names, and reads one cell', () => {
    const outputs = levels.flatMap(({ cells }, i) => [
      tensor(`cls_score${i}`, [cells, 32], new Float32Array(cells * 32).fill(-1)),
      tensor(`bbox_pred${2 - i}`, [cells, 80], new Float32Array(cells * 80)),
    ]);
    const cell = 3 * 20 + 5;
    (outputs[3].data as Float32Array)[cell * 80 + 7] = 0.75;
    const logits = outputs[2].data as Float32Array;
    for (const [side, bin] of [1, 2, 3, 4].entries()) logits[(4 * cell + side) * 8 + bin] = 60;
    const boxes = recognizeAndDecode('nanodet', [outputs[4], outputs[3], outputs[0], outputs[2], outputs[5], outputs[1]], 80);
    const [x, y] = [5.5 * 16, 3.5 * 16];
    expect(boxes).toHaveLength(1);
    const expected = [7, 0.75, (x - 16) / 320, (y - 32) / 320, (x + 48) / 320, (y + 64) / 320];
    for (const [i, value] of expected.entries()) expect(boxes[0][i]).toBeCloseTo(value, 5);
  });

  it('applies a sigmoid only when scores leave 0..1', () => {
    const outputs = (low: number): OutputTensor[] =>
      levels.flatMap(({ cells }, i) => [
        tensor(`a${i}`, [cells, 32], new Float32Array(cells * 32).fill(-1)),
        tensor(`b${i}`, [cells, 80], new Float32Array(cells * 80).fill(low)),
      ]);
    const activation = (low: number) => outputForm('nanodet', 'test').recognize(outputs(low), input)?.roles.labels8?.activation;
    expect(activation(0)).toBe('none');
    expect(activation(-4)).toBe('sigmoid');
  });
});

describe('yolo', () => {
  it('reads the v5 layout: objectness times the best label', () => {
    const data = new Float32Array(10 * 7);
    data.set([160, 160, 64, 32, 0.5, 0.1, 0.8], 7);
    expect(recognizeAndDecode('yolo', [tensor('output', [1, 10, 7], data)], 2)).toEqual([[1, 0.4, 0.4, 0.45, 0.6, 0.55]]);
  });

  it('reads the v8 layout: boxes in columns', () => {
    const data = new Float32Array(6 * 20);
    for (const [channel, value] of [160, 160, 64, 32, 0.1, 0.8].entries()) data[channel * 20 + 3] = value;
    expect(recognizeAndDecode('yolo', [tensor('output0', [1, 6, 20], data)], 2)).toEqual([[1, 0.8, 0.4, 0.45, 0.6, 0.55]]);
  });

  it('reads rows suppressed inside the graph', () => {
    const data = [32, 32, 64, 64, 0.9, 1, 0, 0, 0, 0, 0, 0];
    expect(recognizeAndDecode('yolo', [tensor('output0', [1, 2, 6], data)], 2)).toEqual([[1, 0.9, 0.1, 0.1, 0.2, 0.2]]);
  });
});

describe('detr', () => {
  it('reads softmax scores with a last "no object"', () => {
    const logits = [0, Math.log(3), 0, 0, 0, 9, 0, 0, 9];
    const outputs = [
      tensor('logits', [1, 3, 3], logits),
      tensor('pred_boxes', [1, 3, 4], [0.5, 0.5, 0.2, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
    ];
    expect(recognizeAndDecode('detr', outputs, 2)[0]).toEqual([1, 0.6, 0.4, 0.3, 0.6, 0.7]);
  });

  it('reads a sigmoid head', () => {
    const logits = [-9, 0, -9, -9, -8, -9];
    const outputs = [
      tensor('logits', [1, 3, 2], logits),
      tensor('boxes', [1, 3, 4], [0.5, 0.5, 0.2, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
    ];
    expect(recognizeAndDecode('detr', outputs, 2)).toEqual([[1, 0.5, 0.4, 0.3, 0.6, 0.7]]);
  });
});

it('an unknown form is refused with the forms there are', () => {
  expect(() => outputForm('retina', 'my net')).toThrow(/retina.*tensorflow, ssd/);
});
