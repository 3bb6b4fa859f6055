import { matrixShape, shape } from './corner-lists.ts';
import { BoxCollector, type OutputForm, rangeOf, sigmoid, tensorOf } from './output-form.ts';

/**
 * DETR (Carion et al., 2020): `logits` 1 x queries x (labels + 1), the last column "no object", softmax over all of them;
 * boxes 1 x queries x 4: centre x, centre y, width, height in fractions. RT-DETR and kin have no such column and a
 * sigmoid per label: role `logits`, activation `sigmoid`.
 */
export const detr: OutputForm = {
  name: 'detr',
  decode(outputs, settings) {
    const boxes = tensorOf(outputs, settings.roles, 'boxes').data;
    const logits = tensorOf(outputs, settings.roles, 'logits');
    const columns = logits.dims.at(-1) ?? 0;
    const softmax = settings.roles.logits?.activation !== 'sigmoid';
    const collector = new BoxCollector(settings);
    for (let query = 0; query < boxes.length / 4; query++) {
      const row = Array.from({ length: columns }, (_, label) => Number(logits.data[query * columns + label]));
      const scores = softmax ? softmaxOf(row).slice(0, -1) : row.map(sigmoid);
      const best = scores.indexOf(Math.max(...scores));
      const [x, y, w, h] = [0, 1, 2, 3].map((i) => Number(boxes[4 * query + i]));
      collector.add(x - w / 2, y - h / 2, x + w / 2, y + h / 2, best, scores[best]);
    }
    return collector.done();
  },
  recognize(outputs) {
    const boxes = outputs.find((output) => /box/i.test(output.name) && matrixShape(output)?.[1] === 4 && output.dims.length === 3);
    const logits = outputs.find((output) => /logit/i.test(output.name) && matrixShape(output)?.[0] === (boxes && matrixShape(boxes)?.[0]));
    if (!boxes || !logits) return null;
    const [low, high] = rangeOf(boxes.data);
    if (low < -0.01 || high > 1.01) return null;
    const activation = mostlyNoObject(logits.data, logits.dims.at(-1) ?? 1) ? 'softmax' : 'sigmoid';
    return {
      roles: {
        boxes: { tensor: boxes.name, format: 'centre x, centre y, width, height, fractions of the image' },
        logits: { tensor: logits.name, activation },
      },
      labelCount: (matrixShape(logits)?.[1] ?? 1) - (activation === 'softmax' ? 1 : 0),
      why: `${boxes.name} ${shape(boxes)} within 0..1 and ${logits.name} ${shape(logits)} (${activation})`,
    };
  },
};

/**
 * In a softmax head most queries of any one image say "no object": their last logit is the highest, and over 0. In a
 * sigmoid head the logits of such queries are all far below 0.
 */
function mostlyNoObject(data: ArrayLike<number | bigint>, columns: number): boolean {
  const rows = data.length / columns;
  let none = 0;
  for (let row = 0; row < rows; row++) {
    const last = Number(data[row * columns + columns - 1]);
    let highest = last > 0;
    for (let i = 0; i < columns - 1 && highest; i++) highest = Number(data[row * columns + i]) <= last;
    if (highest) none++;
  }
  return none > rows / 2;
}

function softmaxOf(row: readonly number[]): number[] {
  const high = Math.max(...row);
  const weights = row.map((value) => Math.exp(value - high));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
