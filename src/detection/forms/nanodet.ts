import { matrixShape } from './corner-lists.ts';
import {
  BoxCollector,
  type DecodeSettings,
  type OutputForm,
  type OutputRole,
  type OutputTensor,
  rangeOf,
  sigmoid,
  tensorOf,
} from './output-form.ts';

/**
 * NanoDet (RangiLyu, 2020): per stride a matrix of label scores (cells x labels) and one of distances (cells x 4 sides x
 * bins). A side's distance is the expected bin of the softmax over its logits, times the stride, from the cell's centre
 * ((column + 0.5) * stride, (row + 0.5) * stride); sides in the order left, top, right, bottom; pixels of the input.
 * Roles: `labels8`, `distances8` and so on. Files shuffle the names of their outputs, so roles are recognized by shape.
 */
const STRIDES = [8, 16, 32, 64] as const;

export const nanodet: OutputForm = {
  name: 'nanodet',
  decode(outputs, settings) {
    const collector = new BoxCollector(settings);
    for (const stride of STRIDES) {
      const role = settings.roles[`labels${stride}`];
      if (role) decodeStride(outputs, settings, stride, role, collector);
    }
    return collector.done();
  },
  recognize(outputs, input) {
    if (outputs.length % 2 !== 0 || outputs.length < 4) return null;
    const roles: Record<string, OutputRole> = {};
    let labelCount: number | null = null;
    for (const stride of STRIDES.slice(0, outputs.length / 2)) {
      const cells = Math.ceil(input.width / stride) * Math.ceil(input.height / stride);
      const level = outputs.filter((output) => matrixShape(output)?.[0] === cells);
      const distances = level.find(isDistances);
      const labels = level.find((output) => output !== distances);
      if (level.length !== 2 || !distances || !labels) return null;
      const [low, high] = rangeOf(labels.data);
      roles[`labels${stride}`] = { tensor: labels.name, stride, activation: low < 0 || high > 1 ? 'sigmoid' : 'none' };
      roles[`distances${stride}`] = { tensor: distances.name, stride };
      labelCount = matrixShape(labels)?.[1] ?? null;
    }
    return { roles, labelCount, why: `a matrix of label scores and one of distance logits per stride` };
  },
};

/** Distance logits: 4 sides x at most 16 bins, and below 0 somewhere, as logits are and scores are not. */
function isDistances(output: OutputTensor): boolean {
  const columns = matrixShape(output)?.[1] ?? 0;
  return columns % 4 === 0 && columns <= 64 && rangeOf(output.data)[0] < 0;
}

/** Labels of a cell beside its best one become boxes of their own from this score on; below they are noise by the thousand. */
const SECOND_LABEL_MIN = 0.05;

/**
 * A cell's best label becomes a box, and so does every other label it thinks likely, all with the cell's one box: what a
 * cell is unsure about counts for both (a point of mAP on coco-val128 against the best label alone).
 */
function decodeStride(
  outputs: readonly OutputTensor[],
  settings: DecodeSettings,
  stride: number,
  role: OutputRole,
  collector: BoxCollector,
): void {
  const raw = tensorOf(outputs, settings.roles, `labels${stride}`).data;
  const distances = tensorOf(outputs, settings.roles, `distances${stride}`);
  const { labelCount, scoreFloor } = settings;
  const scores = role.activation === 'sigmoid' ? Float64Array.from(raw, (value) => sigmoid(Number(value))) : raw;
  for (let first = 0, cell = 0; first < scores.length; first += labelCount, cell++) {
    const best = bestLabel(scores, first, labelCount);
    if (Number(scores[first + best]) < scoreFloor) continue;
    const box = cellBox(distances, cell, stride, settings);
    for (let label = 0; label < labelCount; label++) {
      const score = Number(scores[first + label]);
      if (label === best || score >= SECOND_LABEL_MIN) collector.add(...box, label, score);
    }
  }
}

function bestLabel(scores: ArrayLike<number | bigint>, first: number, labelCount: number): number {
  let best = 0;
  for (let label = 1; label < labelCount; label++) if (scores[first + label] > scores[first + best]) best = label;
  return best;
}

type Corners = readonly [number, number, number, number];

function cellBox(distances: OutputTensor, cell: number, stride: number, settings: DecodeSettings): Corners {
  const bins = (distances.dims.at(-1) ?? 0) / 4;
  const columns = Math.ceil(settings.inputWidth / stride);
  const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => stride * expectedBin(distances.data, (4 * cell + side) * bins, bins));
  const x = ((cell % columns) + 0.5) * stride;
  const y = (Math.floor(cell / columns) + 0.5) * stride;
  const [w, h] = [settings.inputWidth, settings.inputHeight];
  return [(x - left) / w, (y - top) / h, (x + right) / w, (y + bottom) / h];
}

/** Sum of i * softmax(logits)_i. Logits 0, 0, 0: bin 1. */
function expectedBin(data: ArrayLike<number | bigint>, from: number, bins: number): number {
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < bins; i++) high = Math.max(high, Number(data[from + i]));
  let total = 0;
  let weighted = 0;
  for (let i = 0; i < bins; i++) {
    const weight = Math.exp(Number(data[from + i]) - high);
    total += weight;
    weighted += i * weight;
  }
  return weighted / total;
}
