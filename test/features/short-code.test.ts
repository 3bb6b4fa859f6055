import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { classRowOf, featureNetOf } from '../../src/features/convnet.ts';
import { byteCosine, byteDot, scoreBytes, type ScoreBytes } from '../../src/features/score-bytes.ts';
import { importClassifier } from '../../src/vision/import/import-classifier.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { plain } from '../vision/colour-net.ts';
import { GraphWriter } from '../vision/onnx-writer.ts';
import { temporaryFolder } from '../world.ts';

it('a graph that puts out fc8_code is compared by the signs of that, and their cosine counts equal bits', async () => {
  const folder = temporaryFolder();
  const g = new GraphWriter();
  const x = g.input('image', ['n', 3, 8, 8]);
  const fc6 = g.node('ReduceMean', [x], { axes: [2, 3], keepdims: 0 }, 'fc6');
  g.output(fc6, ['n', 3]);
  g.output(g.node('MatMul', [fc6, g.floats([3, 2], [1, 0, 0, 1, 1, 1])], {}, 'fc8'), ['n', 2]);
  g.output(g.node('MatMul', [fc6, g.floats([3, 4], [1, -1, 1, -1, 1, 1, -1, -1, -1, -1, -1, 1])], {}, 'fc8_code'), ['n', 4]);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'short.onnx');
  writeFileSync(file, g.finish());
  const request = {
    file,
    name: 'short',
    out: join(folder, 'net'),
    fc6: 'fc6',
    fc8: 'fc8',
    preprocess: 'zero-to-one',
    licence: 'CC0',
  } as const;
  const { manifest } = await importClassifier(request);
  expect(manifest.outputs.fc8_code).toMatchObject({ tensor: 'fc8_code', length: 4 });
  const net = readNet(request.out);
  expect(featureNetOf(net)).toMatchObject({ fc8Length: 4, shortCode: true });
  const pool = new InferencePool({ workers: 1 });
  try {
    const found = await pool.embed(net, [{ bytes: await plain('#f00') }, { bytes: await plain('#00f') }]);
    const rows = found.map((one) => (one.ok ? classRowOf(one) : new Float32Array(0)));
    // Red and white, blue and white: mean colours (1, 0.5, 0.5) and (0.5, 0.5, 1).
    expect(rows.map((row) => [...row])).toEqual([
      [1, -1, -1, -1],
      [-1, -1, -1, -1],
    ]);
    const [a, b] = rows.map((row) => scoreBytes(row) as ScoreBytes);
    expect(byteCosine(byteDot(a.bytes, b.bytes), a.squares, b.squares)).toBeCloseTo(1 - (2 * 1) / 4, 9);
  } finally {
    await pool.close();
  }
});
