import { shape } from './corner-lists.ts';
import { BoxCollector, type OutputForm, rangeOf, sigmoid, tensorOf } from './output-form.ts';

/**
 * FastestDet (dog-qiuqiu, 2022): one output 1 x (5 + labels) x rows x columns. Per cell: channel 0 objectness, 1 and 2
 * centre, 3 and 4 size, the rest label scores; objectness and label scores come as they are.
 *   score = objectness^0.6 * best label score^0.4
 *   centre = (column + tanh(c1), row + tanh(c2)) / (columns, rows); size = sigmoid(c3), sigmoid(c4); all fractions.
 */
export const fastestdet: OutputForm = {
  name: 'fastestdet',
  decode(outputs, settings) {
    const { data, dims } = tensorOf(outputs, settings.roles, 'cells');
    const [, channels, rows, columns] = dims;
    const cells = rows * columns;
    const at = (channel: number, cell: number): number => Number(data[channel * cells + cell]);
    const collector = new BoxCollector(settings);
    for (let cell = 0; cell < cells; cell++) {
      const objectness = at(0, cell);
      if (objectness < (settings.objectnessMin ?? 0)) continue;
      let best = 5;
      for (let channel = 6; channel < channels; channel++) if (at(channel, cell) > at(best, cell)) best = channel;
      const score = objectness ** 0.6 * at(best, cell) ** 0.4;
      const x = ((cell % columns) + Math.tanh(at(1, cell))) / columns;
      const y = (Math.floor(cell / columns) + Math.tanh(at(2, cell))) / rows;
      const [halfWidth, halfHeight] = [sigmoid(at(3, cell)) / 2, sigmoid(at(4, cell)) / 2];
      collector.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, best - 5, score);
    }
    return collector.done();
  },
  recognize(outputs) {
    if (outputs.length !== 1) return null;
    const [output] = outputs;
    const [batch, channels, rows, columns] = output.dims;
    if (output.dims.length !== 4 || batch !== 1 || channels <= 5 || rows < 4 || columns < 4) return null;
    const cells = rows * columns;
    const scores = Array.from({ length: (channels - 5) * cells }, (_, i) => Number(output.data[5 * cells + i]));
    const [low, high] = rangeOf(scores);
    if (low < 0 || high > 1) return null;
    return {
      roles: { cells: { tensor: output.name } },
      labelCount: channels - 5,
      objectness: true,
      why: `one output ${shape(output)}: a grid of cells with 5 + ${channels - 5} channels, label scores within 0..1`,
    };
  },
};
