import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { checkManifest, preprocessingVersion, readNet } from '../../src/vision/net-manifest.ts';
import { openNetSession } from '../../src/vision/onnx-session.ts';
import { colourNet, plain } from './colour-net.ts';

let folder: string;
let pool: InferencePool;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-'));
  pool = new InferencePool({ workers: 2, provider: 'cpu', batch: 3 });
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

describe('the inference pool', () => {
  it('answers in order, and one bad image costs nobody else', async () => {
    const net = colourNet(join(folder, 'net'));
    const images = [
      await plain('#f00'),
      new Uint8Array(0),
      await plain('#00f'),
      await plain('#fff'),
      Buffer.from('<html>'),
      await plain('#ff0'),
    ];
    const found = await pool.embed(
      net,
      images.map((bytes) => ({ bytes })),
    );
    expect(
      found.map((one) => (one.ok ? [...one.fc6].map((value) => Math.round(value * 2) / 2) : `${one.code}: ${one.reason.split(';')[0]}`)),
    ).toEqual([
      [1, 0.5, 0.5],
      'IMAGE_REFUSED: the file is empty',
      'IMAGE_REFUSED: the net fails on it: output fc8 holds NaN',
      [1, 1, 1],
      'IMAGE_UNSUPPORTED: it is an HTML page',
      [1, 1, 0.5],
    ]);
    expect(pool.provider).toBe('cpu');
  });

  it('looks at a box when one is given, and fingerprints whole pictures only', async () => {
    const bytes = await plain('#f00');
    const [whole, left] = await pool.embed(colourNet(join(folder, 'net')), [{ bytes }, { bytes, box: [0, 0, 8, 16] }]);
    if (!whole.ok || !left.ok) throw new TypeError('expected both to be read');
    expect([...left.fc6].map(Math.round)).toEqual([1, 0, 0]);
    expect(whole.signature).toMatch(/^[0-9a-f]{32}$/);
    expect(left.signature).toBeUndefined();
  });

  it('fills the fixed batch of a net that has one', async () => {
    const net = colourNet(join(folder, 'fixed'), {}, 2);
    const found = await pool.embed(
      net,
      await Promise.all(['#f00', '#ff0', '#fff'].map(async (colour) => ({ bytes: await plain(colour) }))),
    );
    expect(found.map((one) => one.ok && one.fc6[2] > 0.9)).toEqual([false, false, true]);
  });

  it('gives all outputs as they come', async () => {
    const [found] = await pool.outputs(colourNet(join(folder, 'net')), [{ bytes: await plain('#f00') }]);
    expect(found.ok && 'outputs' in found && found.outputs.map(({ name, dims }) => [name, dims])).toEqual([
      ['fc6', [1, 3]],
      ['fc8', [1, 2]],
    ]);
  });

  it('replaces a worker that dies, and loses no image', async () => {
    const net = colourNet(join(folder, 'net'));
    const images = await Promise.all(Array.from({ length: 30 }, async () => ({ bytes: await plain('#f00') })));
    const asked = pool.embed(net, images);
    await pool.threads[0].terminate();
    expect((await asked).filter((one) => one.ok)).toHaveLength(30);
    expect([pool.replaced, pool.size]).toEqual([1, 2]);
  });

  // A worker's death used to count against both tasks that it had in flight: at the third both were refused.
  it('refuses the image that kills its workers, and not the one that waited behind it', async () => {
    const net = colourNet(join(folder, 'net'));
    const one = new InferencePool({ workers: 1, provider: 'cpu', batch: 1 });
    const [killer, innocent] = [one.embed(net, [{ bytes: await plain('#f00') }]), one.embed(net, [{ bytes: await plain('#ff0') }])];
    // Each time before the first answer: the killer is in flight, at first with the other behind it.
    for (let deaths = 0; deaths < 3; deaths++) await one.threads[0].terminate();
    expect(await killer).toMatchObject([{ ok: false, code: 'IMAGE_REFUSED', reason: 'inference workers died on it' }]);
    expect(await innocent).toMatchObject([{ ok: true }]);
    expect(one.replaced).toBe(3);
    await one.close();
  });

  // Sessions were kept by folder alone: the old net's activations were stored under the digest of the new one.
  it('a folder that is written anew holds another net; the one before answers while it is open, and is never confused with it', async () => {
    const place = join(folder, 'rewritten');
    const images = [{ bytes: await plain('#f00') }];
    const fc8Of = async (from: InferencePool, net: Parameters<InferencePool['embed']>[0]): Promise<number[]> => {
      const [found] = await from.embed(net, images);
      return found.ok ? [...found.fc8].map((value) => Math.round(4 * value ** 2) / 4) : [];
    };
    const before = readNet(colourNet(place));
    const one = new InferencePool({ workers: 1, provider: 'cpu' });
    expect(await fc8Of(one, before)).toEqual([0.5, 0.75]);
    const after = readNet(colourNet(place, {}, 'n', [0, 1, 0, 0, 1, 0]));
    expect(await fc8Of(one, after)).toEqual([0.5, 1]);
    expect(await fc8Of(one, before)).toEqual([0.5, 0.75]);
    await one.close();
    const fresh = new InferencePool({ workers: 1, provider: 'cpu' });
    await expect(fresh.embed(before, images)).rejects.toMatchObject({
      code: 'NET_REFUSED',
      message: expect.stringMatching(/another net now/),
    });
    expect(await fc8Of(fresh, after)).toEqual([0.5, 1]);
    await fresh.close();
  });

  it('refuses a net by name, and goes on serving another', async () => {
    const images = [{ bytes: await plain('#f00') }];
    const wrong = colourNet(join(folder, 'wrong'), { sha256: '0'.repeat(64) });
    await expect(pool.embed(wrong, images)).rejects.toMatchObject({
      code: 'NET_REFUSED',
      message: expect.stringMatching(/has the digest .* the manifest says 000000/),
    });
    await expect(pool.embed(join(folder, 'nowhere'), images)).rejects.toMatchObject({ code: 'NET_REFUSED' });
    expect((await pool.embed(join(folder, 'net'), images))[0].ok).toBe(true);
  });
});

describe('a manifest', () => {
  const good = (): Record<string, unknown> =>
    JSON.parse(readFileSync(join(colourNet(join(folder, 'good')), 'manifest.json'), 'utf8')) as Record<string, unknown>;

  const cases: readonly [string, Record<string, unknown>, RegExp][] = [
    ['no name', { name: '' }, /name is missing/],
    ['an unknown kind', { kind: 'oracle' }, /kind must be/],
    ['a detector without a form', { kind: 'detector' }, /names its form/],
    ['no input', { input: undefined }, /input is missing/],
    ['a side of no size', { input: { width: 0 } }, /a whole number within 1\.\.4096.*layout.*channels.*mean.*scale.*resize/],
    ['no fc6', { outputs: { fc8: { tensor: 'y' } } }, /outputs\.fc6 is missing/],
    ['an unknown binarization', { binarization: 'activation > 7' }, /binarization is unknown, it is "activation > 7"/],
    ['a short digest', { sha256: 'abc' }, /64 hexadecimal/],
    ['external data elsewhere', { externalData: [{ file: '../x', sha256: 'a' }] }, /externalData/],
  ];
  for (const [what, changes, reason] of cases) {
    it(`with ${what} is refused`, () => {
      expect(() => checkManifest({ ...good(), ...changes }, 'net')).toThrow(reason);
    });
  }

  it('that disagrees with its graph is refused when the net is opened', async () => {
    const net = readNet(
      colourNet(join(folder, 'liar'), {
        outputs: { fc6: { tensor: 'fc5', length: 3 }, fc8: { tensor: 'fc8', length: 2 } },
      }),
    );
    await expect(openNetSession(net, { provider: 'cpu' })).rejects.toThrow(/fc6 should be tensor fc5, the graph gives fc6, fc8/);
    const small = readNet(colourNet(join(folder, 'small')));
    const other = { ...small, manifest: { ...small.manifest, input: { ...small.manifest.input, width: 8 } } };
    await expect(openNetSession(other, { provider: 'cpu' })).rejects.toThrow(/the manifest says 3 x 4 x 8/);
  });

  it('gives features another preprocessing version when pixels go in otherwise', () => {
    const { input } = readNet(colourNet(join(folder, 'good'))).manifest;
    expect(preprocessingVersion(input)).toBe(preprocessingVersion({ ...input, name: 'other', batch: 1 }));
    expect(preprocessingVersion(input)).not.toBe(preprocessingVersion({ ...input, resize: 'cover-bilinear' }));
  });
});
