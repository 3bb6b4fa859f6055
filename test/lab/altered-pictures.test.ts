import { expect, it } from 'vitest';
import { alteredPicture, ALTERATIONS } from '../../lab/studies/exact/altered-pictures.ts';
import { seededRandom } from '../../src/math/random.ts';
import { decodeImage, type Pixels } from '../../src/vision/image-tensor.ts';
import { drawnPicture } from '../exact/drawn-pictures.ts';

const room: Pixels = { width: 400, height: 300, data: new Uint8Array(400 * 300 * 3).fill(128) };
/** A JPEG file is off by so much near an edge, and by nothing that far from one. */
const [NOISE, BLOCK_PX] = [12, 16];

it('a thing that lies in a room lies in its place, and in no other', async () => {
  const photo = (await decodeImage(await drawnPicture(3))).working;
  for (const how of ALTERATIONS) {
    const { bytes, place } = await alteredPicture(how, photo, room, seededRandom(7));
    expect(place !== null, how).toBe(how.startsWith('pasted'));
    if (place === null) continue;
    const { width, data } = (await decodeImage(bytes)).working;
    const [left, top, right, foot] = place;
    let [inside, outside] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      const isFar = x < left - BLOCK_PX || x >= right + BLOCK_PX || y < top - BLOCK_PX || y >= foot + BLOCK_PX;
      const isOff = Math.abs(data[i] - 128) > NOISE;
      if (isOff && isFar) outside++;
      if (isOff && x >= left && x < right && y >= top && y < foot) inside++;
    }
    expect(outside, how).toBe(0);
    expect(inside / (3 * (right - left) * (foot - top)), how).toBeGreaterThan(0.1);
    const share = Math.max(right - left, foot - top) / 400;
    expect(share).toBeLessThan(how === 'pasted small' ? 0.21 : 0.41);
    expect(share).toBeGreaterThan(how === 'pasted small' ? 0.05 : 0.1);
  }
});
