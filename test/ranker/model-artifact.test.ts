import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../src/ranker/registry/model-artifact.ts';
import { modelOf } from './models.ts';

describe('model file', () => {
  const model = modelOf('m-1', [
    { name: 'log-saves', weight: 0.1 + 0.2, normalization: { kind: 'standard', mean: 1 / 3, deviation: 2 / 7 } },
    { name: 'fc6-similarity', weight: -1e-17, normalization: { kind: 'min-max', min: 0.1, max: 0.7 } },
  ]);

  it('comes back to the last bit', () => {
    const { digest, ...read } = decodeModel(encodeModel(model), 'm-1');
    expect(read).toEqual(model);
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is refused by name when any bit of it is flipped', () => {
    const bytes = encodeModel(model);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), (bit) => {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] ^= 1 << (bit & 7);
        expect(() => decodeModel(damaged, 'm-1')).toThrow(/The model m-1 is refused/);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it('is refused when cut short anywhere', () => {
    const bytes = encodeModel(model);
    for (let length = 0; length < bytes.length; length += 7) expect(() => decodeModel(bytes.subarray(0, length), 'm-1')).toThrow(/refused/);
  });

  it.each([
    ['a format of the future', { ...model, format: 2 as never }, 'format version 2'],
    ['no features', { ...model, features: [] }, 'it lists no features'],
    ['a repeated feature', { ...model, features: [model.features[0], model.features[0]] }, 'listed twice'],
    ['no weight', { ...model, features: [{ name: 'a' } as never] }, 'has no weight'],
    [
      'a deviation of 0',
      {
        ...model,
        features: [{ name: 'a', weight: 1, normalization: { kind: 'standard' as const, mean: 0, deviation: 0 } }],
      },
      'deviation above 0',
    ],
  ])('is refused with %s', (_, bad, reason) => {
    expect(() => decodeModel(encodeModel(bad), 'm-1')).toThrow(reason);
  });
});
