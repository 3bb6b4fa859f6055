import { matrixShape, shape, unitByRange } from './corner-lists.ts';
import {
  BoxCollector,
  cornerShare,
  type DecodedBoxes,
  type DecodeSettings,
  type OutputForm,
  type OutputTensor,
  tensorOf,
} from './output-form.ts';

/**
 * YOLO heads in three layouts, distinguished by the role's `format`:
 *   `v5`   1 x n x (5 + labels): centre x, centre y, width, height, objectness, label scores; score = objectness * best
 *   `v8`   1 x (4 + labels) x n: the same without objectness, one column per box (YOLOv8, v9, v11)
 *   `rows` 1 x n x 6: corners, score, label; suppressed inside the graph (YOLOv10, end-to-end exports)
 * All in pixels of the input, or fractions if the format says so.
 */
export const yolo: OutputForm = {
  name: 'yolo',
  decode(outputs, settings) {
    const output = tensorOf(outputs, settings.roles, 'predictions');
    const format = settings.roles.predictions?.format ?? '';
    return format.startsWith('rows') ? decodeRows(output, settings) : decodeAnchors(output, settings, format);
  },
  recognize(outputs, input) {
    const output = predictionsAmong(outputs);
    const matrix = output && matrixShape(output);
    if (!output || !matrix) return null;
    const layout = layoutOf(output, matrix);
    if (!layout) return null;
    const { unit, assumed } = unitByRange({ ...output, data: coordinates(output, matrix, layout) }, input, 'pixels');
    const roles = { predictions: { tensor: output.name, format: `${layout.format}, ${unit}` } };
    return { roles, labelCount: layout.labelCount, assumed, objectness: layout.format === 'v5', why: layout.why };
  },
};

/** The one matrix among the outputs: YOLOv5 up to 6.1 lists its maps (1 x 3 x rows x columns x channels) beside it. */
function predictionsAmong(outputs: readonly OutputTensor[]): OutputTensor | null {
  const [output, ...others] = outputs.filter(({ dims }) => dims.length !== 5);
  return output && others.length === 0 && output.dims.length === 3 && output.dims[0] === 1 ? output : null;
}

interface Layout {
  readonly format: 'v5' | 'v8' | 'rows';
  readonly labelCount: number | null;
  readonly why: string;
}

function layoutOf(output: OutputTensor, [rows, columns]: readonly [number, number]): Layout | null {
  if (columns === 6 && looksLikeRows(output)) {
    return { format: 'rows', labelCount: null, why: `${shape(output)}: rows of corners, score and a whole label` };
  }
  if (rows > columns && columns > 5) {
    if (!scoresWithin(output, 4, columns, columns, 1)) return null;
    return {
      format: 'v5',
      labelCount: columns - 5,
      why: `${shape(output)}: boxes in rows, objectness and ${columns - 5} labels`,
    };
  }
  if (columns > rows && rows > 4) {
    if (!scoresWithin(output, 4, rows, 1, columns)) return null;
    return { format: 'v8', labelCount: rows - 4, why: `${shape(output)}: boxes in columns, ${rows - 4} labels` };
  }
  return null;
}

function looksLikeRows(output: OutputTensor): boolean {
  const rows = Math.floor(output.data.length / 6);
  const corners: number[] = [];
  for (let row = 0; row < rows; row++) {
    const [score, label] = [Number(output.data[6 * row + 4]), Number(output.data[6 * row + 5])];
    if (score < 0 || score > 1 || !Number.isInteger(label)) return false;
    for (let side = 0; side < 4; side++) corners.push(Number(output.data[6 * row + side]));
  }
  return cornerShare(corners) === 1;
}

/** Whether channels [from, to) of every box lie within 0..1; `perBox` and `perChannel` are steps in the data. */
function scoresWithin(output: OutputTensor, from: number, to: number, perBox: number, perChannel: number): boolean {
  const boxes = output.data.length / to;
  for (let box = 0; box < boxes; box++) {
    for (let channel = from; channel < to; channel++) {
      const value = Number(output.data[box * perBox + channel * perChannel]);
      if (value < 0 || value > 1) return false;
    }
  }
  return true;
}

/** The first four numbers of every box. */
function coordinates(output: OutputTensor, [rows, columns]: readonly [number, number], layout: Layout): (number | bigint)[] {
  if (layout.format === 'v8') return Array.from({ length: 4 * columns }, (_, i) => output.data[i]);
  return Array.from({ length: 4 * rows }, (_, i) => output.data[Math.floor(i / 4) * columns + (i % 4)]);
}

function decodeRows(output: OutputTensor, settings: DecodeSettings): DecodedBoxes {
  const collector = new BoxCollector(settings);
  const [unitX, unitY] = unitsOf(settings);
  for (let at = 0; at + 5 < output.data.length; at += 6) {
    const [x1, y1, x2, y2, score, label] = [0, 1, 2, 3, 4, 5].map((i) => Number(output.data[at + i]));
    collector.add(x1 / unitX, y1 / unitY, x2 / unitX, y2 / unitY, label, score);
  }
  return collector.done();
}

function decodeAnchors(output: OutputTensor, settings: DecodeSettings, format: string): DecodedBoxes {
  const objectness = format.startsWith('v5');
  const first = objectness ? 5 : 4;
  const boxes = output.data.length / (first + settings.labelCount);
  const [perBox, perChannel] = objectness ? [first + settings.labelCount, 1] : [1, boxes];
  const [unitX, unitY] = unitsOf(settings);
  const collector = new BoxCollector(settings);
  for (let box = 0; box < boxes; box++) {
    const at = (channel: number): number => Number(output.data[box * perBox + channel * perChannel]);
    const certainty = objectness ? at(4) : 1;
    if (certainty < Math.max(settings.scoreFloor, objectness ? (settings.objectnessMin ?? 0) : 0)) continue;
    let best = first;
    for (let channel = first + 1; channel < first + settings.labelCount; channel++) if (at(channel) > at(best)) best = channel;
    const [x, y, halfWidth, halfHeight] = [at(0) / unitX, at(1) / unitY, at(2) / unitX / 2, at(3) / unitY / 2];
    collector.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, best - first, certainty * at(best));
  }
  return collector.done();
}

function unitsOf(settings: DecodeSettings): readonly [number, number] {
  return settings.roles.predictions?.format?.includes('fractions') ? [1, 1] : [settings.inputWidth, settings.inputHeight];
}
