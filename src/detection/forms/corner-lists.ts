/**
 * What the ssd, faster-rcnn and tensorflow forms share: a list of boxes, a list of label numbers, a list of scores, one
 * entry per object, decoded inside the graph.
 */
import {
  allWhole,
  BoxCollector,
  cornerShare,
  type DecodedBoxes,
  type DecodeSettings,
  type OutputTensor,
  rangeOf,
  type Recognition,
  tensorOf,
  unitOf,
  withoutBatch,
} from './output-form.ts';

/** Reads boxes (n x 4), labels (n) and scores (n); `count` caps n, `rowsFirst` says that y stands before x. */
export function decodeLists(
  outputs: readonly OutputTensor[],
  settings: DecodeSettings,
  rowsFirst = false,
  count = Number.POSITIVE_INFINITY,
): DecodedBoxes {
  const boxes = tensorOf(outputs, settings.roles, 'boxes').data;
  const labels = tensorOf(outputs, settings.roles, 'labels').data;
  const scores = tensorOf(outputs, settings.roles, 'scores').data;
  const first = settings.roles.labels?.firstLabel ?? 0;
  const [unitX, unitY] = unitOf(settings.roles.boxes, settings);
  const collector = new BoxCollector(settings);
  for (let i = 0; i < Math.min(count, scores.length); i++) {
    const [a, b, c, d] = [0, 1, 2, 3].map((side) => Number(boxes[4 * i + side]));
    const [x1, y1, x2, y2] = rowsFirst ? [b, a, d, c] : [a, b, c, d];
    collector.add(x1 / unitX, y1 / unitY, x2 / unitX, y2 / unitY, Number(labels[i]) - first, Number(scores[i]));
  }
  return collector.done();
}

/** Finds the three lists among outputs that have (`batched`) or lack a batch dimension. */
export function recognizeLists(
  outputs: readonly OutputTensor[],
  batched: boolean,
  input: { readonly width: number; readonly height: number },
): Recognition | null {
  const rank = batched ? 2 : 1;
  const boxes = outputs.find((output) => output.dims.length === rank + 1 && output.dims.at(-1) === 4);
  const lists = outputs.filter((output) => output.dims.length === rank && output.dims.at(-1) === boxes?.dims.at(-2));
  if (!boxes || lists.length !== 2 || cornerShare(boxes.data) < 1) return null;
  const labels = labelsAmong(lists);
  if (!labels) return null;
  const scores = lists[0] === labels ? lists[1] : lists[0];
  const [low, high] = rangeOf(scores.data);
  if (low < 0 || high > 1) return null;
  const { unit, assumed } = unitByRange(boxes, input, batched ? 'fractions' : 'pixels');
  return {
    roles: {
      boxes: { tensor: boxes.name, format: `x1 y1 x2 y2, ${unit}` },
      labels: { tensor: labels.name, firstLabel: 0 },
      scores: { tensor: scores.name },
    },
    labelCount: null,
    assumed,
    firstLabelAssumed: true,
    why: `${boxes.name} ${shape(boxes)} are corners (${unit}), ${labels.name} whole numbers, ${scores.name} within 0..1`,
  };
}

/** The list of label numbers: by name, else by type, else the one whose values are whole and not all 0 or 1. */
function labelsAmong(lists: readonly OutputTensor[]): OutputTensor | null {
  const named = lists.filter((list) => /label|class/i.test(list.name));
  if (named.length === 1) return named[0];
  const whole = lists.filter((list) => list.data instanceof BigInt64Array || list.data instanceof Int32Array);
  if (whole.length === 1) return whole[0];
  const valued = lists.filter((list) => list.data.length > 0 && allWhole(list.data) && rangeOf(list.data)[1] > 1);
  return valued.length === 1 ? valued[0] : null;
}

type BoxUnit = 'fractions' | 'pixels';

/**
 * Values up to 2 are fractions (a box may stick out of the image), larger ones pixels of the input. No boxes, or padding of zeros, tell
 * nothing: then the unit is the `usual` one, and that is said in `assumed`.
 */
export function unitByRange(
  boxes: OutputTensor,
  input: { readonly width: number; readonly height: number },
  usual: BoxUnit,
): { readonly unit: string; readonly assumed: readonly string[] } {
  const high = rangeOf(boxes.data)[1];
  const units = { fractions: 'fractions of the image', pixels: `pixels of the ${input.width} x ${input.height} input` };
  if (high > 0) return { unit: high <= 2 ? units.fractions : units.pixels, assumed: [] };
  const other = usual === 'pixels' ? 'fractions' : 'pixels';
  const told = `nothing was found in the test pictures, so boxes are taken to be ${units[usual]}`;
  return { unit: units[usual], assumed: [`${told}; if they are ${other}, say so in the format of ${boxes.name} in manifest.json`] };
}

export function shape(output: OutputTensor): string {
  return `[${output.dims.join(', ')}]`;
}

/** A matrix output without its batch dimension, or null when it is no matrix. */
export function matrixShape(output: OutputTensor): readonly [number, number] | null {
  const dims = withoutBatch(output.dims, 2);
  return dims.length === 2 ? [dims[0], dims[1]] : null;
}
