import { expect, it } from 'vitest';
import { checkManifest } from '../../src/vision/net-manifest.ts';

it.each([
  null,
  'text',
  { kind: 'classifier', outputs: null },
  { kind: 'classifier', outputs: 7 },
  { kind: 'classifier', name: { toString: null } },
  { kind: 'classifier', name: '' },
])('%j is refused by the name of its folder, with a code', (value) => {
  expect(() => checkManifest(value, 'eyes')).toThrow(
    expect.objectContaining({ code: 'NET_REFUSED', fields: expect.objectContaining({ net: 'eyes' }) }),
  );
});
