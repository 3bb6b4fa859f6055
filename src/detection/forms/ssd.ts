import { decodeLists, matrixShape, recognizeLists, shape, unitByRange } from './corner-lists.ts';
import {
  BoxCollector,
  cornerShare,
  type DecodedBoxes,
  type DecodeSettings,
  type OutputForm,
  type OutputTensor,
  rangeOf,
  type Recognition,
  tensorOf,
  unitOf,
} from './output-form.ts';
import { tensorflow } from './tensorflow.ts';

/**
 * SSD style, batched: boxes 1 x n x 4 (corners, fractions of the image or pixels of the input) and either labels 1 x n
 * with scores 1 x n, or one matrix of scores 1 x n x (1 + labels) whose column 0 is the background. Whether label numbers begin at 0
 * (torch nets that drop the background themselves, ours) or at 1 (the ONNX model zoo's) they do not say: 0 unless the label file
 * begins with the background, or `firstLabel` is said.
 */
export const ssd: OutputForm = {
  name: 'ssd',
  decode: (outputs, settings) => (settings.roles.labels ? decodeLists(outputs, settings) : decodeMatrix(outputs, settings)),
  recognize(outputs, input) {
    if (tensorflow.recognize(outputs, input)) return null;
    return recognizeLists(outputs, true, input) ?? recognizeMatrix(outputs, input);
  },
};

function decodeMatrix(outputs: readonly OutputTensor[], settings: DecodeSettings): DecodedBoxes {
  const boxes = tensorOf(outputs, settings.roles, 'boxes').data;
  const scores = tensorOf(outputs, settings.roles, 'scores');
  const columns = scores.dims.at(-1) ?? 0;
  const first = settings.roles.scores?.firstLabel ?? 1;
  const [unitX, unitY] = unitOf(settings.roles.boxes, settings);
  const collector = new BoxCollector(settings);
  for (let i = 0; i < boxes.length / 4; i++) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((side) => Number(boxes[4 * i + side]));
    for (let column = first; column < columns; column++) {
      const score = Number(scores.data[i * columns + column]);
      collector.add(x1 / unitX, y1 / unitY, x2 / unitX, y2 / unitY, column - first, score);
    }
  }
  return collector.done();
}

function recognizeMatrix(outputs: readonly OutputTensor[], input: { readonly width: number; readonly height: number }): Recognition | null {
  if (outputs.length !== 2) return null;
  const boxes = outputs.find((output) => matrixShape(output)?.[1] === 4 && cornerShare(output.data) > 0.99);
  const scores = outputs.find((output) => output !== boxes && matrixShape(output)?.[0] === (boxes && matrixShape(boxes)?.[0]));
  if (!boxes || !scores) return null;
  const [low, high] = rangeOf(scores.data);
  if (low < 0 || high > 1) return null;
  const labelCount = (matrixShape(scores)?.[1] ?? 1) - 1;
  const { unit, assumed } = unitByRange(boxes, input, 'fractions');
  return {
    roles: {
      boxes: { tensor: boxes.name, format: `x1 y1 x2 y2, ${unit}` },
      scores: { tensor: scores.name, firstLabel: 1 },
    },
    labelCount,
    assumed,
    why: `${boxes.name} ${shape(boxes)} are corners, ${scores.name} ${shape(scores)} scores with a background column`,
  };
}
