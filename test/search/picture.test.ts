import { afterAll, expect, it } from 'vitest';
import { codeOf, unfitted } from '../../src/features/binarize.ts';
import { openConvNet } from '../../src/features/convnet.ts';
import { PictureReader } from '../../src/search/picture.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { drawing } from '../world.ts';

const pool = new InferencePool();
afterAll(() => pool.close());

it('a region cut here has the bits of one that the net’s thread cuts', async () => {
  const folder = activeNet('/nowhere', 'visual');
  const { net, features } = await openConvNet(folder, pool);
  const binarizer = unfitted(features.rule, features.fc6Length);
  if (!binarizer) throw new Error('the bundled net needs no fit');
  const reader = new PictureReader(pool, () => null, { bytes: 1e7, pixels: 1e7 });
  const bytes = await drawSvg(drawing('plant', 3).replace('width="128" height="128"', 'width="900" height="700" viewBox="0 0 128 128"'));
  for (const box of [
    [100, 50, 700, 600],
    [3, 5, 60, 44],
    [400, 300, 900, 700],
  ] as const) {
    const [there] = await pool.embed(folder, [{ bytes, box }]);
    if (!there.ok) throw new Error(there.reason);
    const here = await reader.code({ bytes, key: null }, box, { folder, digest: net.digest, binarizer, input: net.manifest.input });
    expect(here).toEqual(codeOf(binarizer, there.fc6));
  }
});
