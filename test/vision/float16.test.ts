import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { float16Bits, fromFloat16, plainFromFloat16, plainToFloat16, toFloat16 } from '../../src/vision/float16.ts';
import { openSession } from '../../src/vision/onnx-session.ts';
import { GraphWriter } from './onnx-writer.ts';

describe('half floats', () => {
  it('halves floats to the nearest and widens them back', () => {
    const cases: [number, number][] = [
      [0, 0],
      [1, 0x3c00],
      [1.5, 0x3e00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [65520, 0x7c00],
      [2 ** -24, 1],
      [2 ** -26, 0],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
    ];
    for (const [value, pattern] of cases) expect(float16Bits(value)).toBe(pattern);
    expect([...fromFloat16(toFloat16(Float32Array.from([0.1, -3, 1e-5])))].map((value) => Number(value.toPrecision(3)))).toEqual([
      0.1, -3, 0.00001,
    ]);
    expect(fromFloat16(toFloat16(Float32Array.from([Number.NaN])))[0]).toBeNaN();
  });

  it('are the same with and without the engine’s Float16Array', () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);
    expect(fromFloat16(patterns)).toEqual(plainFromFloat16(patterns));
    // Every half float, the middles between neighbours (ties) and the floats beside them, and values beyond both ends.
    const random = seededRandom(16);
    const halves = plainFromFloat16(patterns).filter(Number.isFinite);
    const middles = halves.map((value, i) => (value + halves[Math.min(i + 1, halves.length - 1)]) / 2);
    const beside = middles.map((value) => value * (1 + random.pick([-1, 1]) * 2 ** -23));
    const wide = Float32Array.from({ length: 20_000 }, () => random.normal() * 2 ** (random.next() * 60 - 40));
    for (const values of [halves, middles, beside, wide]) expect(toFloat16(values)).toEqual(plainToFloat16(values));
  });

  it('a float16 net takes the values that were put in and gives back what it made', async () => {
    const graph = new GraphWriter({ type: 10 });
    const sum = graph.node('Add', [graph.input('x', [1, 4]), graph.floats([1, 4], [1, 0.5, -2, 0])], {}, 'sum');
    graph.output(sum, [1, 4]);
    const session = await openSession(graph.finish(), 'float16 sum', { provider: 'cpu' });
    const [output] = await session.run(Float32Array.from([0.5, 1.5, 2, 0.1]), [1, 4]);
    await session.close();
    expect([...output.data]).toEqual([1.5, 2, 0, ...fromFloat16(Uint16Array.of(float16Bits(0.1)))]);
  });
});
