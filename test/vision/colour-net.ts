import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { netDigest, type NetManifest } from '../../src/vision/net-manifest.ts';
import { GraphWriter } from './onnx-writer.ts';

/**
 * A net whose answers can be seen: fc6 is the mean red, green and blue (0..1), fc8 the redness and blueness; the square root
 * makes it fail (not a number) where blue is brighter than red.
 */
export function colourNet(
  folder: string,
  changes: Partial<NetManifest> = {},
  batch: number | string = 'n',
  fc8Weights: readonly number[] = [1, 0.5, 0, 0, -1, 0.5],
): string {
  const g = new GraphWriter();
  const x = g.input('image', [batch, 3, 4, 4]);
  const fc6 = g.node('ReduceMean', [x], { axes: [2, 3], keepdims: 0 }, 'fc6');
  const fc8 = g.node('Sqrt', [g.node('MatMul', [fc6, g.floats([3, 2], fc8Weights)])], {}, 'fc8');
  g.output(fc6, [batch, 3]);
  g.output(fc8, [batch, 2]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'net.onnx'), g.finish());
  const manifest = {
    name: 'colours',
    kind: 'classifier',
    input: {
      name: 'image',
      width: 4,
      height: 4,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0, 0, 0],
      scale: 1 / 255,
      resize: 'stretch-bilinear',
      batch: batch === 'n' ? 'free' : batch,
    },
    outputs: { fc6: { tensor: 'fc6', length: 3 }, fc8: { tensor: 'fc8', length: 2 } },
    sha256: netDigest(folder),
    licence: 'CC0',
    ...changes,
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

/** A square, its left half of one colour, its right half white. */
export const plain = (colour: string): Promise<Uint8Array> =>
  drawSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect width="8" height="16" fill="${colour}"/><rect x="8" width="8" height="16" fill="#fff"/></svg>`,
    'png',
  );
